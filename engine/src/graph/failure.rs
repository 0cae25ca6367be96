//! Errors that several waiters can share and that GraphQL can carry.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

/// What an error tells of an output: its end.
const MAX_OUTPUT_BYTES: usize = 100 << 10;

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

    /// A failure of or around a command, with its exit code and the ends of its
    /// outputs, of which [`tail`] tells what is not there.
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
            "stdout": tail(stdout, 0),
            "stderr": tail(stderr, 0),
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

/// The last 100 KiB of an output that lacks `left_out` bytes at its beginning; of
/// a longer one, the first of these give way to how many are omitted.
pub fn tail(text: &str, left_out: u64) -> Cow<'_, str> {
    let Some(over) = text.len().checked_sub(MAX_OUTPUT_BYTES) else {
        return text.into();
    };
    if over == 0 && left_out == 0 {
        return text.into();
    }
    let omitted = format!("[omitting {} bytes]...", over as u64 + left_out);
    let start = text.ceil_char_boundary(over + omitted.len());
    (omitted + &text[start..]).into()
}

impl From<eyre::Report> for Failure {
    fn from(report: eyre::Report) -> Self {
        Self::of(&report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stdout(text: &str) -> String {
        let failure = Failure::exec(&["x".to_owned()], 3, text, "");
        failure.extensions["stdout"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_failed_commands_output_is_told_by_its_end() {
        let whole = "a".repeat(100 << 10);
        assert_eq!(stdout(&whole), whole);
        let long = format!("{}{whole}", "b".repeat(50));
        let said = stdout(&long);
        let begin = "[omitting 50 bytes]...";
        assert!(said.starts_with(&format!("{begin}aaa")), "{}", &said[..60]);
        assert_eq!(said.len(), whole.len());
        // Never in the midst of a character.
        let wide = stdout(&"ä".repeat(100 << 10));
        assert!(wide.ends_with("ää") && wide.len() <= whole.len());
    }
}
