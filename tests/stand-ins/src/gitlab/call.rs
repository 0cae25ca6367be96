//! A request as the API reads it, and the answers that all endpoints share.

use std::collections::BTreeMap;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Map, Value, json};

/// A request: its path, its token, and its parameters from query and body.
pub struct Call {
    method: String,
    url: String,
    path: Vec<String>,
    headers: HeaderMap,
    parameters: BTreeMap<String, Value>,
}

/// Status, headers and body of an answer.
#[derive(Debug)]
pub struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Content,
}

#[derive(Debug)]
enum Content {
    Nothing,
    Json(Value),
    Html(String),
}

/// Workhorse in front of GitLab takes no more in a request.
const LONGEST_REQUEST: usize = 20 << 20;

impl Call {
    pub async fn read(request: Request, root: &str) -> Result<Self, Answer> {
        let (head, body) = request.into_parts();
        let raw = head.uri.path();
        let below = raw.strip_prefix(root).filter(|rest| rest.starts_with('/'));
        let below = below.ok_or_else(Answer::not_found)?;
        let mut parameters = BTreeMap::new();
        for pair in head.uri.query().unwrap_or_default().split('&') {
            if let Some((name, value)) = pair.split_once('=') {
                parameters.insert(decoded(name), Value::String(decoded(value)));
            }
        }
        let too_large = || Answer::new(413, json!({ "error": "Request Entity Too Large" }));
        let body = to_bytes(body, LONGEST_REQUEST).await;
        let body = body.map_err(|_| too_large())?;
        if !body.is_empty() {
            let kind = head.headers.get("content-type");
            let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
            if !kind.starts_with("application/json") {
                let error = format!("The provided content-type '{kind}' is not supported.");
                return Err(Answer::new(415, json!({ "error": error })));
            }
            let fields: Map<String, Value> = serde_json::from_slice(&body)
                .map_err(|_| Answer::error("Problems parsing JSON"))?;
            parameters.extend(fields);
        }
        parameters.retain(|_, value| !value.is_null());
        Ok(Self {
            method: head.method.to_string(),
            url: raw.to_owned(),
            path: below.split('/').skip(1).map(decoded).collect(),
            headers: head.headers,
            parameters,
        })
    }

    pub fn method(&self) -> &str {
        &self.method
    }

    pub fn segments(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Refuses parameters that the endpoint does not have.
    pub fn only(&self, known: &[&str]) -> Result<(), Answer> {
        let unknown = self.parameters.keys().find(|name| {
            let name = name.trim_end_matches("[]");
            !known.contains(&name)
        });
        match unknown {
            Some(name) => Err(Answer::error(format!("unknown parameter {name}"))),
            None => Ok(()),
        }
    }

    pub fn text(&self, name: &str) -> Result<Option<String>, Answer> {
        match self.parameters.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(Answer::error(format!("{name} is invalid"))),
        }
    }

    pub fn required(&self, name: &str) -> Result<String, Answer> {
        let text = self.text(name)?;
        text.ok_or_else(|| Answer::error(format!("{name} is missing")))
    }

    /// One of `values`, the first when it is not given.
    pub fn choice(&self, name: &str, values: &[&str]) -> Result<String, Answer> {
        let default = values.first().copied().unwrap_or_default();
        let text = self.text(name)?.unwrap_or_else(|| default.to_owned());
        if values.contains(&text.as_str()) {
            Ok(text)
        } else {
            Err(Answer::error(format!("{name} does not have a valid value")))
        }
    }

    pub fn boolean(&self, name: &str) -> Result<Option<bool>, Answer> {
        match self.parameters.get(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(Value::String(text)) if text == "true" => Ok(Some(true)),
            Some(Value::String(text)) if text == "false" => Ok(Some(false)),
            Some(_) => Err(Answer::error(format!("{name} is invalid"))),
        }
    }

    /// A page of a list: 20 unless told, 100 at most, with GitLab's headers.
    pub fn page(&self, base: &str, all: &[Value]) -> Result<Answer, Answer> {
        let number = |name: &str, default: usize| match self.text(name)? {
            None => Ok(default),
            Some(text) => match text.parse() {
                Ok(number) if number > 0 => Ok(number),
                _ => Err(Answer::error(format!("{name} does not have a valid value"))),
            },
        };
        let (page, per_page) = (number("page", 1)?, number("per_page", 20)?.min(100));
        let pages = all.len().div_ceil(per_page).max(1);
        let shown = all.chunks(per_page).nth(page - 1).unwrap_or_default();
        let near = |wanted: bool, number: usize| {
            if wanted {
                number.to_string()
            } else {
                String::new()
            }
        };
        let host = base.split('/').take(3).collect::<Vec<_>>().join("/");
        let link = |number: usize, relation: &str| {
            let given = self.parameters.iter();
            let given = given.filter(|(name, _)| !["page", "per_page"].contains(&name.as_str()));
            let given: String = given
                .filter_map(|(name, value)| Some(format!("&{name}={}", value.as_str()?)))
                .collect();
            let url = &self.url;
            format!("<{host}{url}?page={number}&per_page={per_page}{given}>; rel=\"{relation}\"")
        };
        let mut links = Vec::new();
        if page > 1 {
            links.push(link(page - 1, "prev"));
        }
        if page < pages {
            links.push(link(page + 1, "next"));
        }
        links.extend([link(1, "first"), link(pages, "last")]);
        let answer = Answer::new(200, Value::Array(shown.to_vec()));
        Ok(answer
            .header("x-page", page.to_string())
            .header("x-per-page", per_page.to_string())
            .header("x-next-page", near(page < pages, page + 1))
            .header("x-prev-page", near(page > 1, page - 1))
            .header("x-total", all.len().to_string())
            .header("x-total-pages", pages.to_string())
            .header("link", links.join(", ")))
    }
}

impl Answer {
    pub fn new(status: u16, body: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Content::Json(body),
        }
    }

    pub fn html(page: String) -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            body: Content::Html(page),
        }
    }

    pub fn no_content() -> Self {
        Self {
            status: 204,
            headers: Vec::new(),
            body: Content::Nothing,
        }
    }

    pub fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// A parameter that is missing or wrong.
    pub fn error(why: impl Into<String>) -> Self {
        Self::new(400, json!({ "error": why.into() }))
    }

    /// Something else that is wrong.
    pub fn message(status: u16, message: impl Into<Value>) -> Self {
        Self::new(status, json!({ "message": message.into() }))
    }

    pub fn not_found() -> Self {
        Self::message(404, "404 Not found")
    }

    pub fn forbidden() -> Self {
        Self::message(403, "403 Forbidden")
    }
}

impl From<Answer> for Response {
    fn from(answer: Answer) -> Self {
        let mut response = Response::builder().status(answer.status);
        for (name, value) in answer.headers {
            response = response.header(name, value);
        }
        let (kind, body) = match answer.body {
            Content::Nothing => (None, String::new()),
            Content::Json(value) => (Some("application/json"), value.to_string()),
            Content::Html(page) => (Some("text/html; charset=utf-8"), page),
        };
        if let Some(kind) = kind {
            response = response.header("content-type", kind);
        }
        response
            .body(Body::from(body))
            .unwrap_or_else(|error| Response::new(Body::from(error.to_string())))
    }
}

/// Undoes percent-encoding.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *first == b'%');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(if *first == b'+' { b' ' } else { *first });
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
