//! One invocation of a version, and whether the answer is the expected one.

use poniard_sdk::prelude::*;
use serde_json::Value;

use crate::aws::lambda::{Invoked, Lambda};

const SHOWN_LINES: usize = 20;
const SHOWN_CHARS: usize = 500;

pub struct Smoke {
    payload: String,
    expect: Option<String>,
}

impl Smoke {
    /// None without a payload.
    pub fn parse(payload: Option<String>, expect: Option<String>) -> Result<Option<Self>> {
        match (payload, expect) {
            (Some(payload), expect) => {
                check_payload(&payload)?;
                Ok(Some(Self { payload, expect }))
            }
            (None, None) => Ok(None),
            (None, Some(_)) => bail!("`--smoke-expect` needs `--smoke-payload`, such as `{{}}`"),
        }
    }

    pub async fn check(&self, lambda: &Lambda, version: &str) -> Result<()> {
        let answer = lambda.invoke(Some(version), &self.payload).await?;
        let function = &lambda.function;
        if let Some(error) = &answer.error {
            bail!(
                "version {version} of `{function}` failed ({error}): {}{}",
                short(&answer.payload),
                log(&answer)
            );
        }
        if let Some(expect) = &self.expect {
            ensure!(
                answers(expect, &answer.payload),
                "version {version} of `{function}` answered {}, expected {}{}",
                short(&answer.payload),
                short(expect),
                log(&answer)
            );
        }
        Ok(())
    }
}

pub fn check_payload(payload: &str) -> Result<()> {
    let parsed: Result<Value, _> = serde_json::from_str(payload);
    parsed
        .map(drop)
        .wrap_err_with(|| format!("payload `{}` is no JSON", short(payload)))
}

/// The end of the function's log, as more lines of an error.
pub fn log(answer: &Invoked) -> String {
    let lines: Vec<&str> = answer.log.lines().collect();
    let last = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
    match last.is_empty() {
        true => String::new(),
        false => format!("\nend of its log:\n{}", last.join("\n")),
    }
}

/// JSON is compared by what is expected of it: more fields are no difference.
/// Other text must be in the answer.
fn answers(expect: &str, payload: &str) -> bool {
    match (serde_json::from_str(expect), serde_json::from_str(payload)) {
        (Ok(expect), Ok(payload)) => contains(&payload, &expect),
        _ => payload.contains(expect),
    }
}

fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part.iter().all(|(name, value)| {
            let found = whole.get(name);
            found.is_some_and(|found| contains(found, value))
        }),
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(a, b)| contains(a, b))
        }
        (whole, part) => whole == part,
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_compared_by_what_is_expected() {
        let answer = r#"{ "statusCode": 200, "body": "<h1>hello</h1>", "list": [1, 2] }"#;
        assert!(answers(r#"{"statusCode": 200}"#, answer));
        assert!(answers(r#"{"list":[1,2]}"#, answer));
        assert!(!answers(r#"{"list":[1]}"#, answer));
        assert!(!answers(r#"{"statusCode": 500}"#, answer));
        assert!(!answers(r#"{"gone": null}"#, answer));
    }

    #[test]
    fn other_text_is_searched_for() {
        assert!(answers("hello", r#"{"body": "hello"}"#));
        assert!(!answers("hello", r#""bye""#));
    }

    #[test]
    fn an_expectation_needs_a_payload_which_is_json() {
        assert!(Smoke::parse(None, Some("x".into())).is_err());
        assert!(Smoke::parse(Some("{".into()), None).is_err());
        assert!(matches!(Smoke::parse(None, None), Ok(None)));
    }
}
