//! Why a command failed, and the exit code that it gives the program.

use crate::api::QueryError;
use crate::credentials;

/// What the user is told.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub message: String,
    /// Exit code of the program; that of the failed command if there was one.
    pub code: i32,
    /// What the failed command wrote.
    pub stdout: String,
    pub stderr: String,
}

impl Failure {
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: 1,
            stdout: String::new(),
            stderr: String::new(),
        }
    }

    /// A failure that was told already, or that needs no words.
    pub fn silent(code: i32) -> Self {
        Self {
            code,
            ..Self::new("")
        }
    }

    /// Whether a signal has ended the run.
    pub fn is_interruption(&self) -> bool {
        [129, 130, 143].contains(&self.code)
    }

    /// The same with `context: ` in front.
    pub fn within(mut self, context: impl std::fmt::Display) -> Self {
        self.message = format!("{context}: {}", self.message);
        self
    }

    /// The text for stderr: the message, then the blocks of the failed command.
    pub fn report(&self) -> String {
        if self.message.is_empty() {
            return String::new();
        }
        let message = credentials::hidden(self.message.trim_end());
        let mut text = format!("Error: {message}\n");
        for (title, output) in [("Stdout", &self.stdout), ("Stderr", &self.stderr)] {
            if !output.trim().is_empty() {
                text += &format!("\n{title}:\n{}\n", output.trim_end());
            }
        }
        text
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        let text = |key: &str| {
            error
                .extensions
                .get(key)
                .and_then(|v| v.as_str())
                .unwrap_or_default()
                .to_owned()
        };
        let mut failure = Self::new(error.message.clone());
        if text("_type") == "EXEC_ERROR" {
            let code = error
                .extensions
                .get("exitCode")
                .and_then(serde_json::Value::as_i64);
            failure.code = code
                .and_then(|c| i32::try_from(c).ok())
                .filter(|c| *c != 0)
                .unwrap_or(1);
            if !failure.message.contains("exit code:") {
                failure.message += &format!(": exit code: {}", failure.code);
            }
            failure.stdout = text("stdout");
            failure.stderr = text("stderr");
        }
        failure
    }
}

impl From<eyre::Report> for Failure {
    /// Keeps the output of a failed command that is among the causes.
    fn from(report: eyre::Report) -> Self {
        let message = format!("{report:#}");
        let cause = report.chain().find_map(|c| c.downcast_ref::<QueryError>());
        match cause {
            Some(error) => Self {
                message,
                ..Self::from(error.clone())
            },
            None => Self::new(message),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_failed_command_gives_its_exit_code_and_its_output() {
        let extensions =
            json!({"_type": "EXEC_ERROR", "exitCode": 42, "stdout": "out\n", "stderr": "err"});
        let error = QueryError {
            message: "process failed".into(),
            extensions: extensions.as_object().cloned().unwrap_or_default(),
        };
        let failure = Failure::from(eyre::Report::new(error).wrap_err("call"));
        assert_eq!(failure.code, 42);
        let failure = Failure::from(QueryError {
            message: "process failed".into(),
            extensions: extensions.as_object().cloned().unwrap_or_default(),
        });
        assert_eq!(
            failure.report(),
            "Error: process failed: exit code: 42\n\nStdout:\nout\n\nStderr:\nerr\n"
        );
    }
}
