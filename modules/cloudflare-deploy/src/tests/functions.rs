//! The functions, from what a user passes to what Wrangler is told.

use poniard_sdk::prelude::*;
use poniard_sdk::serde_json::{Value, json};
use poniard_sdk::testing::FakeEngine;

use crate::CloudflareDeploy;

const CONFIG: &str =
    r#"{ "name": "site", "assets": { "directory": "./dist" }, "env": { "staging": {} } }"#;
const VERSION: &str = "7d2ad84b-1c9b-4d2a-9a60-5f3d1f1f3a5e";

/// A site that can be deployed; Wrangler reports `output` and ends with `code`.
fn engine(code: i64, output: &str) -> FakeEngine {
    FakeEngine::new()
        .on("File.name", "wrangler.jsonc")
        .on("File.contents", CONFIG)
        .on_with("Secret.plaintext", |_| Ok(json!("canary-token")))
        .on("Directory.entries", json!(["index.html"]))
        .on("Directory.exists", true)
        .on("config.cloudflareAccountId", "0123456789abcdef")
        .on("*.exitCode", code)
        .on("*.file.contents", output)
        .on("*.stdout", "words on the screen")
        .on("*.stderr", "Invalid access token [code: 9109]")
}

fn uploaded() -> String {
    let entry = json!({
        "type": "version-upload", "version": 1, "worker_name": "site", "version_id": VERSION,
        "preview_url": "https://7d2ad84b-site.team.workers.dev",
        "preview_alias_url": "https://mr-7-site.team.workers.dev",
    });
    entry.to_string()
}

fn args(more: Value) -> Value {
    let mut args = json!({
        "dist": "dist", "wranglerConfig": "config", "cloudflareApiToken": "token", "workspace": "ws",
    });
    if let (Some(args), Value::Object(more)) = (args.as_object_mut(), more) {
        args.extend(more);
    }
    args
}

fn call(engine: &FakeEngine, function: &str, more: Value) -> Result<Value> {
    let module = engine.construct::<CloudflareDeploy>(json!({}))?;
    Ok(module.call(function, args(more))?.value().clone())
}

fn preview_args() -> Value {
    json!({ "gitlabApiToken": "gitlab", "mergeRequestId": "7" })
}

/// The chain of Wrangler's run.
fn run(engine: &FakeEngine) -> String {
    let asked = engine.asked();
    let run = asked
        .iter()
        .find(|chain| chain.contains("CLOUDFLARE_API_TOKEN"));
    run.cloned().unwrap_or_default()
}

#[track_caller]
fn refused(more: Value, function: &str, engine: &FakeEngine, words: &[&str]) {
    let error = format!("{:#}", call(engine, function, more).unwrap_err());
    for word in words {
        assert!(error.contains(word), "`{word}` is not in {error}");
    }
    assert_eq!(run(engine), "", "Wrangler ran: {error}");
}

#[test]
fn the_token_reaches_wrangler_as_a_secret_variable_only() -> Result<()> {
    let engine = engine(0, &uploaded());
    call(&engine, "upload", json!({ "alias": "mr-7" }))?;
    let run = run(&engine);
    for part in [
        r#"withSecretVariable(name: "CLOUDFLARE_API_TOKEN""#,
        r#"name: "CLOUDFLARE_ACCOUNT_ID", value: "0123456789abcdef""#,
        r#"name: "WRANGLER_SEND_METRICS", value: "false""#,
        "WRANGLER_OUTPUT_FILE_PATH",
        r#""versions","upload","--preview-alias=mr-7","--config","/deploy/wrangler.jsonc""#,
        r#"expect: "ANY""#,
    ] {
        assert!(run.contains(part), "`{part}` is not in {run}");
    }
    assert!(
        !engine
            .asked()
            .iter()
            .any(|chain| chain.contains("canary-token"))
    );
    assert!(!run.contains("CLOUDFLARE_API_BASE_URL"), "{run}");
    Ok(())
}

#[test]
fn no_two_runs_are_the_same_for_a_cache_of_layers() -> Result<()> {
    let chains: Result<Vec<String>> = (0..2)
        .map(|_| {
            let engine = engine(0, &uploaded());
            call(&engine, "upload", json!({}))?;
            Ok(run(&engine))
        })
        .collect();
    let chains = chains?;
    assert!(chains[0].contains("withExec"), "{}", chains[0]);
    assert_ne!(chains[0], chains[1]);
    // What is before the run is the same, and cached.
    let installed = |chain: &str| chain.split("withoutMount").next().map(str::to_owned);
    assert_eq!(installed(&chains[0]), installed(&chains[1]));
    Ok(())
}

#[test]
fn messages_and_variables_cannot_be_taken_for_flags() -> Result<()> {
    let engine = engine(0, &uploaded());
    let more = json!({ "message": "--dry-run", "tag": "-x", "var": ["A=--b"], "env": "staging" });
    call(&engine, "upload", more)?;
    let run = run(&engine);
    let flags = r#""--message=--dry-run","--tag=-x","--var=A:--b","--env=staging""#;
    assert!(run.contains(flags), "{run}");
    Ok(())
}

#[test]
fn a_failure_of_wrangler_comes_through_with_its_words_its_code_and_its_exit_code() {
    let output = r#"{"type":"command-failed","version":1,"code":10021,"message":"No such module"}"#;
    let error = call(&engine(3, output), "upload", json!({})).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`wrangler versions upload` failed: No such module [code: 10021]"
    );
    let error = EngineError::find(&error).unwrap();
    assert_eq!(error.exit_code(), Some(3));
    assert_eq!(error.stderr(), Some("Invalid access token [code: 9109]"));
    assert_eq!(error.extensions["wranglerCode"], 10021);
}

#[test]
fn what_wrangler_printed_is_not_taken_for_a_result() {
    let engine = engine(0, r#"{"type":"wrangler-session","version":1}"#);
    let error = call(&engine, "upload", json!({})).unwrap_err().to_string();
    assert!(error.contains("without saying what it uploaded"), "{error}");
}

#[test]
fn a_preview_is_noted_in_the_merge_request() -> Result<()> {
    let engine =
        engine(0, &uploaded()).on("gitlabComment.post.url", "https://gitlab.example/note/1");
    let preview = call(&engine, "preview", preview_args())?;
    assert_eq!(preview["commentUrl"], "https://gitlab.example/note/1");
    assert_eq!(preview["aliasUrl"], "https://mr-7-site.team.workers.dev");
    assert_eq!(preview["firstDeploy"], false);
    let asked = engine.asked();
    let note = asked.iter().find(|chain| chain.ends_with(".url")).unwrap();
    for part in [
        r#"marker: "cloudflare-deploy-site""#,
        r#"mergeRequestId: "7""#,
        "https://mr-7-site.team.workers.dev",
    ] {
        assert!(note.contains(part), "`{part}` is not in {note}");
    }
    assert!(preview["summary"].as_str().unwrap().lines().count() <= 10);
    Ok(())
}

#[test]
fn a_note_that_fails_does_not_hide_what_is_up() {
    let engine = engine(0, &uploaded()).on_error(
        "gitlabComment.post.url",
        EngineError::new("GitLab: status 503"),
    );
    let error = format!(
        "{:#}",
        call(&engine, "preview", preview_args()).unwrap_err()
    );
    for part in [
        VERSION,
        "https://mr-7-site",
        "its note in merge request `7` is not",
        "again",
        "503",
    ] {
        assert!(error.contains(part), "`{part}` is not in {error}");
    }
}

#[test]
fn bad_input_is_refused_before_anything_is_sent() {
    let site = || engine(0, &uploaded());
    let preview = |more: Value| {
        let mut args = preview_args();
        if let (Some(args), Value::Object(more)) = (args.as_object_mut(), more) {
            args.extend(more);
        }
        args
    };
    refused(
        preview(json!({ "mergeRequestId": "main" })),
        "preview",
        &site(),
        &["`main` is no number"],
    );
    refused(
        preview(json!({ "alias": "x".repeat(59) })),
        "preview",
        &site(),
        &["64 characters"],
    );
    refused(
        json!({ "env": "live" }),
        "deploy",
        &site(),
        &["no environment `live`", "`staging`"],
    );
    refused(
        json!({ "var": ["A"] }),
        "deploy",
        &site(),
        &["variable `A`"],
    );
    let off = r#"{ "name": "site", "assets": { "directory": "dist" }, "preview_urls": false }"#;
    let off = site().on("File.contents", off);
    refused(
        preview_args(),
        "preview",
        &off,
        &["wrangler.jsonc:1:70", "`preview_urls`"],
    );
    let unreadable = site().on_error("Secret.plaintext", EngineError::new("`GONE` is not set"));
    refused(
        json!({}),
        "deploy",
        &unreadable,
        &["cannot read `cloudflare-api-token`", "`GONE`"],
    );
    let empty = site().on_with("Secret.plaintext", |_| Ok(json!("\n")));
    refused(
        json!({}),
        "deploy",
        &empty,
        &["`cloudflare-api-token` is empty"],
    );
    let spaces = site().on_with("Secret.plaintext", |_| Ok(json!("a b")));
    refused(json!({}), "deploy", &spaces, &["is no token"]);
    let none = site().on_error(
        "config.cloudflareAccountId",
        EngineError::new("`cloudflare.account-id` is not set in `pipeline.yaml`"),
    );
    refused(
        json!({}),
        "deploy",
        &none,
        &["--account-id", "pipeline.yaml"],
    );
}

#[test]
fn two_accounts_are_one_too_many() {
    let config = r#"{ "name": "site", "assets": { "directory": "dist" }, "account_id": "b" }"#;
    let engine = engine(0, "").on("File.contents", config);
    let module = engine.construct::<CloudflareDeploy>(json!({ "accountId": "a" }));
    let error = module
        .and_then(|module| module.call("deploy", args(json!({}))))
        .err();
    let error = error.map(|error| error.to_string()).unwrap_or_default();
    assert!(
        error.contains("`a` was passed") && error.contains("is `b`"),
        "{error}"
    );
}

#[test]
fn a_token_from_a_file_loses_its_line_break() -> Result<()> {
    let engine =
        engine(0, &uploaded()).on_with("Secret.plaintext", |_| Ok(json!("canary-token\n")));
    call(&engine, "upload", json!({}))?;
    let run = run(&engine);
    assert!(run.contains("withSecretVariable"), "{run}");
    assert!(
        !run.contains(r#"Secret(id: "token")"#) && !run.contains(r#"secret: "token""#),
        "{run}"
    );
    Ok(())
}
