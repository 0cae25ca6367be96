//! What an API answers.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::HeaderMap;

use crate::api::Api;
use crate::error::{Cause, Error};
use crate::retry;

/// An answer, read to its end.
///
/// ```no_run
/// # async fn example(api: poniard_http::Api) -> Result<(), poniard_http::Error> {
/// let answer = api.get("/version").send().await?;
/// println!("{} {}", answer.status(), answer.text());
/// # Ok(()) }
/// ```
pub struct Response {
    pub(crate) api: Api,
    /// `GET /path`, for messages.
    pub(crate) request: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// An API's message in an error: more than this is a page, not a message.
const LONGEST_MESSAGE: usize = 600;

impl Response {
    /// The status, such as 200.
    ///
    /// ```no_run
    /// # async fn example(api: poniard_http::Api) -> Result<(), poniard_http::Error> {
    /// assert_eq!(api.get("/").send().await?.status(), 200);
    /// # Ok(()) }
    /// ```
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The first header of this name.
    ///
    /// ```no_run
    /// # async fn example(api: poniard_http::Api) -> Result<(), poniard_http::Error> {
    /// let total = api.get("/notes").send().await?.header("x-total").map(str::to_owned);
    /// # Ok(()) }
    /// ```
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body.
    ///
    /// ```no_run
    /// # async fn example(api: poniard_http::Api) -> Result<(), poniard_http::Error> {
    /// let image = api.get("/logo.png").send().await?.bytes().to_vec();
    /// # Ok(()) }
    /// ```
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The body as text; what is no UTF-8 is replaced.
    ///
    /// ```no_run
    /// # async fn example(api: poniard_http::Api) -> Result<(), poniard_http::Error> {
    /// let page = api.get("/").send().await?.text();
    /// # Ok(()) }
    /// ```
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON. An empty one is `null`.
    ///
    /// ```no_run
    /// # async fn example(api: poniard_http::Api) -> Result<(), poniard_http::Error> {
    /// let names: Vec<String> = api.get("/names").send().await?.json()?;
    /// # Ok(()) }
    /// ```
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let body = match self.body.as_slice() {
            [] => b"null",
            body => body,
        };
        serde_json::from_slice(body).map_err(|cause| {
            let start: String = self.text().chars().take(80).collect();
            let start = self.api.settings.scrubbed(start.trim());
            let why = format!("{cause}; it begins with `{start}`");
            Error::new(&self.api.settings.name, Cause::Answer(why)).of_request(self.request.clone())
        })
    }

    /// The address that the header `Link` gives for a relation such as `next`
    /// (RFC 8288).
    ///
    /// ```no_run
    /// # async fn example(api: poniard_http::Api) -> Result<(), poniard_http::Error> {
    /// let mut next = Some("/notes".to_owned());
    /// while let Some(page) = next {
    ///     let answer = api.get(&page).send().await?;
    ///     next = answer.link("next");
    /// }
    /// # Ok(()) }
    /// ```
    pub fn link(&self, relation: &str) -> Option<String> {
        let links = self.headers.get_all("link").iter();
        let links = links.filter_map(|value| value.to_str().ok());
        links
            .flat_map(|value| value.split(','))
            .find_map(|link| target(link, relation))
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after").and_then(retry::retry_after)
    }

    /// As an error, with the API's own message.
    pub(crate) fn into_error(self) -> Error {
        let settings = &self.api.settings;
        let moved = self.header("location").filter(|_| self.status < 400);
        let message = match moved {
            Some(location) => format!("it has moved to `{location}`"),
            None => message(&self.body),
        };
        let message = settings.scrubbed(&message);
        let step = settings.next_step.as_ref();
        let step = step.and_then(|step| step(self.status, &message));
        let cause = Cause::Status {
            status: self.status,
            message,
            retry_after: self.retry_after(),
        };
        let error = Error::new(&settings.name, cause).of_request(self.request);
        match step {
            Some(step) => error.with_next_step(step),
            None => error,
        }
    }
}

fn target(link: &str, relation: &str) -> Option<String> {
    let (url, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    let of = |parameter: &str| {
        let value = parameter.trim().strip_prefix("rel=")?.trim_matches('"');
        Some(value.split(' ').any(|one| one == relation))
    };
    let found = parameters.split(';').filter_map(of).any(|found| found);
    found.then(|| url.to_owned())
}

/// The message in an error's body: what JSON APIs put under `message`, `error`,
/// `error_description` or `errors`, or the text itself when it is no page.
fn message(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(fields)) => {
            let named = ["message", "error", "error_description", "errors"];
            let said = named.iter().filter_map(|name| fields.get(*name));
            let mut seen = BTreeSet::new();
            let said: Vec<_> = said
                .map(words)
                .filter(|words| !words.is_empty() && seen.insert(words.clone()))
                .collect();
            if said.is_empty() {
                text.into_owned()
            } else {
                said.join(": ")
            }
        }
        Ok(value) => words(&value),
        Err(_) if text.trim_start().starts_with('<') => title(&text).unwrap_or_default(),
        Err(_) => text.trim().to_owned(),
    };
    match text.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// `{"name": ["is too long", "is bad"]}` as `name is too long, is bad`, and
/// `[{"code": 10, "message": "no"}]` as `no (code 10)`.
fn words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.trim().to_owned(),
        Value::Array(values) => joined(values.iter().map(words)),
        Value::Object(fields) => match (fields.get("message"), fields.get("code")) {
            (Some(Value::String(text)), Some(code)) => format!("{text} (code {})", words(code)),
            (Some(Value::String(text)), None) => text.clone(),
            _ => joined(fields.iter().map(|(name, value)| match words(value) {
                words if name == "base" => words,
                words => format!("{name} {words}"),
            })),
        },
        other => other.to_string(),
    }
}

fn joined(words: impl Iterator<Item = String>) -> String {
    let words: Vec<_> = words.filter(|words| !words.is_empty()).collect();
    words.join(", ")
}

/// What an HTML page is called.
fn title(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("<title>")?;
    let (title, _) = rest.split_once("</title>")?;
    Some(title.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_of_an_api_is_found_in_its_body() {
        let of = |body: &str| message(body.as_bytes());
        assert_eq!(of(r#"{"message":"401 Unauthorized"}"#), "401 Unauthorized");
        assert_eq!(
            of(r#"{"message":{"name":["is too long","is bad"],"base":["no"]}}"#),
            "name is too long, is bad, no"
        );
        assert_eq!(
            of(
                r#"{"error":"insufficient_scope","error_description":"it needs api","scope":"api"}"#
            ),
            "insufficient_scope: it needs api"
        );
        assert_eq!(
            of(
                r#"{"success":false,"errors":[{"code":10000,"message":"Authentication error"}],"messages":[]}"#
            ),
            "Authentication error (code 10000)"
        );
        assert_eq!(
            of("<html><title>502 Bad\n Gateway</title>"),
            "502 Bad Gateway"
        );
        assert_eq!(of("Retry later\n"), "Retry later");
        assert_eq!(of(""), "");
        assert_eq!(of(&"x".repeat(5000)).chars().count(), LONGEST_MESSAGE + 1);
    }

    #[test]
    fn links_are_found_by_relation() {
        let link = r#" <https://x/y?page=2&a=b>; rel="next""#;
        assert_eq!(
            target(link, "next").as_deref(),
            Some("https://x/y?page=2&a=b")
        );
        assert_eq!(target(link, "last"), None);
        assert_eq!(
            target("<u>; title=next; rel=\"prev first\"", "first").as_deref(),
            Some("u")
        );
        assert_eq!(target("garbage", "next"), None);
    }
}
