//! The module against a fake engine: what it refuses, and what it asks for.

use poniard_sdk::prelude::*;
use poniard_sdk::serde_json::json;
use poniard_sdk::testing::FakeEngine;

use crate::DbBackup;

const URL: &str = "postgres://u:hunter2@db/app";

fn engine() -> FakeEngine {
    FakeEngine::new()
        .on("Secret.plaintext", URL)
        .on_with("*.withExec.stdout", |chain| {
            let args = chain.arg("withExec", "args").unwrap().to_string();
            assert!(!args.contains("hunter2"), "{args}");
            let answer = match args.contains("detect") {
                true => json!({"done": {"engine": "postgresql", "version": "15.4"}}),
                false => json!({"error": "the disk is full"}),
            };
            Ok(answer.to_string().into())
        })
}

#[test]
fn types_are_current() {
    poniard_sdk::assert_types_current!(DbBackup);
}

#[test]
fn the_image_is_of_exactly_the_servers_major() -> Result<()> {
    let engine = engine();
    let module = engine.construct::<DbBackup>(json!({ "url": "env:URL" }))?;
    let server = module.call("detect", json!({}))?;
    assert_eq!(
        server.call("image", json!({}))?.value(),
        &json!("postgres:15")
    );
    let client = module.call("client", json!({}))?;
    let client = client.value().to_string();
    assert!(client.contains("postgres:15"), "{client}");
    assert!(!client.contains("hunter2"), "{client}");
    Ok(())
}

#[test]
fn what_the_worker_says_is_the_error() -> Result<()> {
    let engine = engine();
    let module = engine.construct::<DbBackup>(json!({ "url": "env:URL" }))?;
    let error = module.call("dump", json!({})).err().unwrap().to_string();
    assert!(error.contains("the disk is full"), "{error}");
    Ok(())
}

#[test]
fn bad_input_is_refused_before_anything_is_asked() -> Result<()> {
    let engine = engine();
    let zero = json!({ "url": "env:URL", "stallTimeout": 0 });
    assert!(engine.construct::<DbBackup>(zero).is_err());
    let module = engine.construct::<DbBackup>(json!({ "url": "env:URL" }))?;
    let s3 = |more: poniard_sdk::serde_json::Value| {
        let mut args =
            json!({ "bucket": "good-name", "accessKeyId": "env:A", "secretAccessKey": "env:S" });
        let all = args.as_object_mut().unwrap();
        all.extend(more.as_object().unwrap().clone());
        args
    };
    for (function, args, word) in [
        (
            "backup",
            s3(json!({ "bucket": "Bad Name" })),
            "no name of a bucket",
        ),
        ("list", s3(json!({ "endpoint": "nowhere" })), "endpoint"),
        ("prune", s3(json!({})), "what to keep"),
        (
            "downloadUrl",
            s3(json!({ "key": "k", "ttl": 604_801 })),
            "604800",
        ),
        ("downloadUrl", s3(json!({ "key": "k", "ttl": 0 })), "604800"),
    ] {
        let error = module.call(function, args).err().unwrap().to_string();
        assert!(error.contains(word), "{error}");
    }
    let ran = engine
        .asked()
        .iter()
        .any(|asked| asked.contains("withExec"));
    assert!(!ran, "a container was run");
    Ok(())
}
