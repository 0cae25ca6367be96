//! The module's functions as far as they go without AWS.

use poniard_sdk::serde_json::{Value, json};
use poniard_sdk::testing::FakeEngine;

use crate::LambdaPublish;

#[test]
fn types_are_current() {
    poniard_sdk::assert_types_current!(LambdaPublish);
}

fn refused(constructor: Value, function: &str, args: Value, words: &[&str]) {
    let engine = FakeEngine::new().on("Secret.plaintext", "x");
    let done = engine
        .construct::<LambdaPublish>(constructor)
        .and_then(|module| module.call(function, args).map(drop));
    let error = format!("{:#}", done.unwrap_err());
    for word in words {
        assert!(error.contains(word), "`{word}` is not said: {error}");
    }
}

#[test]
fn credentials_are_complete_or_refused() {
    let refused = |constructor, words: &[&str]| {
        refused(
            constructor,
            "versions",
            json!({ "functionName": "site" }),
            words,
        );
    };
    refused(json!({ "accessKeyId": "a" }), &["--secret-access-key"]);
    refused(json!({ "sessionToken": "a" }), &["--access-key-id"]);
    refused(json!({ "webIdentityToken": "a" }), &["--role-arn"]);
}

#[test]
fn bad_input_is_refused_before_anything_is_asked() {
    let refused = |function, args, words: &[&str]| refused(json!({}), function, args, words);
    let publish = |field: &str, value: Value| {
        let mut args =
            json!({ "image": "i", "functionName": "site", "repository": "site", "tag": "t" });
        args[field] = value;
        args
    };
    refused(
        "publish",
        publish("functionName", json!("site:live")),
        &["`site:live`", "ARN"],
    );
    refused(
        "publish",
        publish("repository", json!("site:1")),
        &["`site:1`"],
    );
    refused(
        "publish",
        publish("tag", json!("a b")),
        &["`a b` is no tag"],
    );
    refused("publish", publish("alias", json!("7")), &["`7` is no name"]);
    refused("publish", publish("weight", json!(10)), &["--alias"]);
    refused("publish", publish("smokePayload", json!("{")), &["no JSON"]);
    refused(
        "publish",
        publish("smokeExpect", json!("{}")),
        &["--smoke-payload"],
    );
    refused(
        "prune",
        json!({ "functionName": "site", "keep": 0 }),
        &["at least 1"],
    );
    let shift =
        json!({ "functionName": "site", "alias": "live", "version": "2", "steps": [50, 10] });
    refused("shift", shift, &["must rise"]);
}
