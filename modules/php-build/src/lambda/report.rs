//! What `lambda.php` tells, and what a user is told of it.

use std::fmt::Write as _;

use poniard_sdk::prelude::*;
use serde::Deserialize;

/// How a run went.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Directories that Lambda's user can write to, and should not.
    pub writable: Vec<String>,
    pub set_up: Vec<SetUp>,
    pub requests: Vec<Request>,
    pub invocations: Vec<Outcome>,
    /// The end of what the application wrote.
    pub log: String,
    /// What did not keep to the Runtime API.
    pub violations: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub struct SetUp {
    pub command: String,
    pub code: i32,
    pub output: String,
}

#[derive(Debug, Deserialize)]
pub struct Request {
    pub path: String,
    pub status: u16,
    #[serde(rename = "type")]
    pub content_type: String,
    pub location: String,
    pub bytes: u64,
    /// The start of the body.
    pub start: String,
    pub found: bool,
    pub seconds: f64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    pub ok: bool,
    #[serde(default)]
    pub body: String,
    #[serde(default)]
    pub error_type: String,
    #[serde(default)]
    pub error_message: String,
    pub request_id: String,
    pub seconds: f64,
}

impl Report {
    /// An error with the first thing that is wrong, and the application's log.
    pub fn judge(&self, expect: u16, contains: &str) -> Result<()> {
        self.set_up_succeeded()?;
        ensure!(
            self.writable.is_empty(),
            "Lambda's file system is read-only but `/tmp`, and in this image its user can write to `{}`",
            self.writable.join("`, `")
        );
        let wrong = |request: &&Request| request.status != expect || !request.found;
        let Some(request) = self.requests.iter().find(wrong) else {
            ensure!(
                self.violations.is_empty(),
                "the runtime does not keep to Lambda's Runtime API:\n{}",
                indented(&self.violations.join("\n"), 10)
            );
            return Ok(());
        };
        let mut text = match request.status {
            status if status != expect => {
                format!("GET {} answered {status}, not {expect}", request.path)
            }
            _ => format!(
                "GET {} answered {expect}, without `{contains}`",
                request.path
            ),
        };
        if !request.location.is_empty() {
            let _ = write!(text, " (to {})", request.location);
        }
        let _ = write!(text, "\nThe answer:\n{}", indented(&request.start, 12));
        let _ = write!(
            text,
            "\nThe application's log:\n{}",
            indented(&self.log, 60)
        );
        let look = "\nCorrect what the log names; `serve` starts the same image to look at it";
        text.push_str(hint(&[&request.start, &self.log]).unwrap_or(look));
        Err(eyre!(text))
    }

    pub fn set_up_succeeded(&self) -> Result<()> {
        match self.set_up.iter().find(|done| done.code != 0) {
            Some(done) => bail!(
                "the set-up command `{}` failed with code {}:\n{}{}",
                done.command,
                done.code,
                indented(&done.output, 60),
                hint(&[&done.output]).unwrap_or(
                    "\nNothing was requested: correct what it names, or pass other commands as `--setup`"
                )
            ),
            None => Ok(()),
        }
    }
}

/// What to do about it, when the system's words for it are in one of the texts.
fn hint(texts: &[&str]) -> Option<&'static str> {
    let read_only = texts
        .iter()
        .any(|text| text.contains("Read-only file system"));
    read_only.then_some(
        "\nLambda's file system is read-only: write below `/tmp`, which is empty in a new instance",
    )
}

/// The last lines of a text, set apart.
pub fn indented(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    match all.as_slice() {
        [] => "  (nothing)".to_owned(),
        all => {
            let from = all.len().saturating_sub(lines);
            let shown: Vec<String> = all[from..].iter().map(|line| format!("  {line}")).collect();
            shown.join("\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poniard_sdk::serde_json::{Value, from_value, json};

    /// What is told of a run whose result differs in this.
    fn judged(name: &str, value: Value) -> String {
        let mut report = json!({
            "writable": [], "setUp": [], "invocations": [], "log": "", "violations": [],
            "requests": [{
                "path": "/", "status": 200, "type": "text/html", "location": "",
                "bytes": 2, "start": "ok", "found": true, "seconds": 0.1,
            }],
        });
        report[name] = value;
        let report: Report = from_value(report).unwrap();
        let judged = report.judge(200, "");
        judged.map_or_else(|why| why.to_string(), |()| "well".to_owned())
    }

    #[test]
    fn what_lambda_would_not_do_is_a_failure_though_all_pages_answer() {
        assert_eq!(judged("log", "".into()), "well");
        let said = judged("writable", json!(["/etc", "/srv"]));
        assert!(said.ends_with("can write to `/etc`, `/srv`"), "{said}");
        let said = judged("violations", json!(["GET /nowhere: no such call"]));
        assert!(
            said.ends_with("API:\n  GET /nowhere: no such call"),
            "{said}"
        );
    }

    #[test]
    fn a_set_up_that_fails_is_told_with_what_to_do() {
        let failed = |output: &str| {
            judged(
                "setUp",
                json!([{ "command": "php craft up", "code": 1, "output": output }]),
            )
        };
        let said = failed("no such table");
        assert!(said.starts_with("the set-up command `php craft up` failed with code 1:\n  no such table\nNothing was requested"), "{said}");
        assert!(failed("mkdir(): Read-only file system").ends_with("empty in a new instance"));
    }
}
