//! Answers in the envelope of Cloudflare's API: `success`, `errors`, `messages`,
//! `result`, and `result_info` where an endpoint counts pages.
//!
//! Codes are those of Cloudflare's pages "Errors and exceptions" (Workers) and
//! "Fundamentals: API errors", and those that Wrangler's source asks for by name.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

pub type Answer = Result<Response, Refusal>;

/// An error as the API gives it: HTTP status, Cloudflare's code, its words.
#[derive(Debug, Clone)]
pub struct Refusal {
    pub status: StatusCode,
    pub code: u32,
    pub message: String,
}

impl Refusal {
    pub fn new(status: StatusCode, code: u32, message: impl Into<String>) -> Refusal {
        Refusal {
            status,
            code,
            message: message.into(),
        }
    }

    fn bad(code: u32, message: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// No `Authorization` header, or one that is no bearer token.
    pub fn malformed_header() -> Refusal {
        Refusal::bad(6003, "Invalid request headers")
    }

    /// The token is none of this account's, for a path below an account.
    pub fn authentication() -> Refusal {
        Refusal::new(StatusCode::FORBIDDEN, 10000, "Authentication error")
    }

    /// The token is none of this account's, when it is asked whether it is one.
    pub fn not_verified() -> Refusal {
        Refusal::new(StatusCode::UNAUTHORIZED, 1000, "Invalid API Token")
    }

    /// The token is none of this account's, for a path about the user.
    pub fn invalid_token() -> Refusal {
        Refusal::new(StatusCode::FORBIDDEN, 9109, "Invalid access token")
    }

    pub fn no_route() -> Refusal {
        Refusal::bad(7000, "No route for that URI")
    }

    pub fn no_worker() -> Refusal {
        Refusal::new(
            StatusCode::NOT_FOUND,
            10007,
            "This Worker does not exist on your account.",
        )
    }

    pub fn no_service() -> Refusal {
        Refusal::new(
            StatusCode::NOT_FOUND,
            10090,
            "This service does not exist on your account.",
        )
    }

    pub fn worker_name() -> Refusal {
        Refusal::bad(
            10016,
            "Invalid Worker name. Names are at most 63 characters of a-z, 0-9, - and _, and start and end with a letter or a digit.",
        )
    }

    /// The words of Cloudflare's validator.
    pub fn validation(message: impl Into<String>) -> Refusal {
        Refusal::bad(10021, message)
    }

    pub fn body(message: impl Into<String>) -> Refusal {
        Refusal::bad(10026, message)
    }

    pub fn too_large(message: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, 10027, message)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({
            "success": false,
            "errors": [{ "code": self.code, "message": self.message }],
            "messages": [],
            "result": Value::Null,
        });
        (self.status, Json(body)).into_response()
    }
}

pub fn ok(result: impl Serialize) -> Answer {
    with_status(StatusCode::OK, result)
}

pub fn with_status(status: StatusCode, result: impl Serialize) -> Answer {
    Ok((status, Json(envelope(json!(result)))).into_response())
}

fn envelope(result: Value) -> Value {
    json!({ "success": true, "errors": [], "messages": [], "result": result })
}

/// Which part of a list was asked for.
#[derive(Debug, serde::Deserialize)]
pub struct Page {
    page: Option<usize>,
    per_page: Option<usize>,
}

impl Page {
    /// The part of `all` that was asked for, and what is said about it.
    /// Page sizes beyond `most` are refused.
    pub fn cut<T: Clone>(
        &self,
        all: &[T],
        usual: usize,
        most: usize,
    ) -> Result<(Vec<T>, Value), Refusal> {
        let page = self.page.unwrap_or(1);
        let per_page = self.per_page.unwrap_or(usual);
        if page == 0 || per_page == 0 || per_page > most {
            return Err(Refusal::body(format!(
                "page must be at least 1 and per_page between 1 and {most}"
            )));
        }
        let items: Vec<T> = all
            .iter()
            .skip((page - 1) * per_page)
            .take(per_page)
            .cloned()
            .collect();
        let info = json!({
            "page": page,
            "per_page": per_page,
            "count": items.len(),
            "total_count": all.len(),
            "total_pages": all.len().div_ceil(per_page),
        });
        Ok((items, info))
    }
}

/// A list with `result_info` beside it.
pub fn page_of(items: impl Serialize, info: Value) -> Answer {
    let mut body = envelope(json!(items));
    body["result_info"] = info;
    Ok(Json(body).into_response())
}
