//! Errors that several waiters can share and that GraphQL can carry.

use serde_json::{Map, Value, json};

/// A message and what goes with it. A failed command has `_type` =
/// `EXEC_ERROR`, `cmd`, `exitCode`, `stdout`, `stderr` among its extensions.
#[derive(Clone, Debug, Default, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub message: String,
    pub extensions: Map<String, Value>,
}

impl Failure {
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            extensions: Map::new(),
        }
    }

    /// A command that ended otherwise than expected.
    pub fn exec(args: &[String], code: i32, stdout: &str, stderr: &str) -> Self {
        let message = format!(
            "process `{}` did not complete successfully: exit code: {code}",
            args.join(" ")
        );
        Self::with_exec(message, args, code, stdout, stderr)
    }

    /// A failure of or around a command, with its exit code and outputs.
    pub fn with_exec(
        message: String,
        args: &[String],
        code: i32,
        stdout: &str,
        stderr: &str,
    ) -> Self {
        let extensions = json!({
            "_type": "EXEC_ERROR",
            "cmd": args,
            "exitCode": code,
            "stdout": stdout,
            "stderr": stderr,
        });
        let Value::Object(extensions) = extensions else {
            unreachable!("written as an object above")
        };
        Self {
            message,
            extensions,
        }
    }

    /// The chain of a report as one message; extensions of a failure in it stay.
    pub fn of(report: &eyre::Report) -> Self {
        let extensions = report
            .chain()
            .find_map(|cause| cause.downcast_ref::<Self>())
            .map(|failure| failure.extensions.clone())
            .unwrap_or_default();
        let mut message = String::new();
        for cause in report.chain() {
            let text = cause.to_string();
            // Some libraries repeat their cause in their own text.
            if message.ends_with(&text) {
                continue;
            }
            if !message.is_empty() {
                message.push_str(": ");
            }
            message.push_str(&text);
        }
        Self {
            message,
            extensions,
        }
    }
}

impl From<eyre::Report> for Failure {
    fn from(report: eyre::Report) -> Self {
        Self::of(&report)
    }
}
