//! What became of an event.

use poniard_sdk::prelude::*;

use crate::lambda::Report;

/// What a function did with an event.
#[object]
pub struct Invocation {
    /// Whether it answered without an error.
    pub ok: bool,
    /// What it answered, as JSON; empty after an error.
    pub response: String,
    /// Type of the error, such as `Sandbox.Timedout`; empty without one.
    pub error_type: String,
    /// Message of the error; empty without one.
    pub error_message: String,
    /// Seconds from the start of the function to its answer.
    pub seconds: f64,
    /// What the application wrote.
    pub log: String,
    /// What did not keep to Lambda's Runtime API.
    pub violations: Vec<String>,
    /// All of it, as Markdown.
    pub summary: String,
}

impl Invocation {
    pub fn of(report: Report) -> Result<Self> {
        report.set_up_succeeded()?;
        let Some(outcome) = report.invocations.into_iter().next() else {
            bail!("the function was not invoked");
        };
        let summary = match outcome.ok {
            true => format!(
                "**Answered** in {:.2} s: `{}`",
                outcome.seconds, outcome.body
            ),
            false => format!(
                "**Failed** in {:.2} s with `{}`: {}",
                outcome.seconds, outcome.error_type, outcome.error_message
            ),
        };
        Ok(Self {
            ok: outcome.ok,
            response: outcome.body,
            error_type: outcome.error_type,
            error_message: outcome.error_message,
            seconds: outcome.seconds,
            log: report.log,
            violations: report.violations,
            summary,
        })
    }
}
