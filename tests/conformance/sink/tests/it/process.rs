//! The program itself, started as an engine starts it.

use std::process::{Command, Output};

use poniard_sdk::Result;
use poniard_sdk::serde_json::json;

#[path = "../../../../../sdk/poniard-sdk/tests/it/stub.rs"]
#[allow(dead_code)]
mod stub;
use stub::Stub;

fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_sink"));
    program.env_clear();
    program
}

fn serve(stub: &Stub) -> Result<Output> {
    Ok(program()
        .env("DAGGER_SESSION_PORT", stub.port.to_string())
        .env("DAGGER_SESSION_TOKEN", "token")
        .output()?)
}

#[test]
fn a_call_is_served() -> Result<()> {
    let stub = Stub::with_call(json!({
        "name": "add", "parentName": "Sink",
        "parent": json!({ "greeting": "hello", "counter": 0 }).to_string(),
        "inputArgs": [{ "name": "a", "value": "40" }, { "name": "b", "value": "2" }],
    }))?;
    let output = serve(&stub)?;
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stderr)?, "");
    assert_eq!(stub.returned(), Some(json!(42)));
    Ok(())
}

#[test]
fn a_failure_is_the_engine_s_to_tell() -> Result<()> {
    let stub = Stub::with_call(json!({
        "name": "fail", "parentName": "Sink",
        "parent": json!({ "greeting": "hello", "counter": 0 }).to_string(),
        "inputArgs": [{ "name": "message", "value": "\"deliberate failure\"" }],
    }))?;
    assert!(serve(&stub)?.status.success());
    assert_eq!(stub.error().as_deref(), Some("deliberate failure"));
    Ok(())
}

#[test]
fn a_panic_is_returned_with_its_place() -> Result<()> {
    let stub = Stub::with_call(json!({
        "name": "add", "parentName": "Sink",
        "parent": json!({ "greeting": "hello", "counter": 0 }).to_string(),
        "inputArgs": [{ "name": "a", "value": i64::MAX.to_string() }, { "name": "b", "value": "1" }],
    }))?;
    let output = serve(&stub)?;
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stderr)?, "");
    let error = stub.error().unwrap_or_default();
    assert!(error.starts_with("the module panicked at "), "{error}");
    assert!(error.contains("src/lib.rs:"), "{error}");
    assert!(error.ends_with(": attempt to add with overflow"), "{error}");
    Ok(())
}

#[test]
fn types_are_printed_without_an_engine() -> Result<()> {
    let output = program().arg("types").output()?;
    let kept = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/dagger.types.json"))?;
    assert_eq!(output.stdout, kept);
    Ok(())
}

#[test]
fn started_by_hand_it_says_what_starts_it() -> Result<()> {
    let output = program().output()?;
    assert!(!output.status.success());
    assert_eq!(
        String::from_utf8(output.stderr)?,
        "`DAGGER_SESSION_PORT` is not set: an engine starts this program; use `dagger call` or `dagger shell`\n"
    );
    let output = program().arg("serve").output()?;
    assert!(!output.status.success());
    Ok(())
}
