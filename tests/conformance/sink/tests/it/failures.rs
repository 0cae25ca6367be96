//! What a caller gets when a function fails.

use poniard_sdk::serde_json::json;
use poniard_sdk::testing::FakeEngine;
use poniard_sdk::{EngineError, Result};

use super::call;

#[test]
fn fail_says_exactly_the_message() -> Result<()> {
    let engine = FakeEngine::new();
    let failed = call(&engine, "fail", json!({})).map_err(|report| format!("{report:#}"));
    assert_eq!(failed, Err("deliberate failure".into()));
    let failed =
        call(&engine, "fail", json!({ "message": "mine" })).map_err(|report| format!("{report:#}"));
    assert_eq!(failed, Err("mine".into()));
    Ok(())
}

#[test]
fn the_error_of_a_command_keeps_its_code_and_output() {
    let engine = FakeEngine::new().on_with("container.from.withExec.stdout", |chain| {
        assert_eq!(
            chain.arg("withExec", "args"),
            Some(&json!([
                "sh",
                "-c",
                "echo to-stdout; echo to-stderr >&2; exit 9"
            ]))
        );
        Err(EngineError::new("exit code: 9")
            .with_value("_type", "EXEC_ERROR")
            .with_value("exitCode", 9)
            .with_value("stderr", "to-stderr"))
    });
    let failed = call(&engine, "failExec", json!({ "code": 9 })).err();
    let error = failed.as_ref().and_then(EngineError::find);
    assert_eq!(
        error.as_ref().map(|error| error.message.as_str()),
        Some("exit code: 9")
    );
    assert_eq!(error.as_ref().and_then(EngineError::exit_code), Some(9));
    assert_eq!(
        error.as_ref().and_then(|error| error.stderr()),
        Some("to-stderr")
    );
}

#[test]
fn a_wrong_argument_is_named() {
    let failed = call(&FakeEngine::new(), "feel", json!({ "mood": "ANGRY" }));
    let text = failed.map_err(|report| format!("{report:#}"));
    let expected = "argument `mood`: `ANGRY` is not in `Mood`: expected HAPPY, SAD, CALM";
    assert_eq!(text, Err(expected.into()));
}
