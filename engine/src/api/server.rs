//! The session protocol: GraphQL over HTTP with a token, on loopback unless the
//! user wants to be reached from elsewhere.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::uri::Authority;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use serde::Deserialize;
use serde_json::{Value, json};
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;

use super::Client;

/// Largest request. Arguments may carry the contents of files.
const MAX_BODY_BYTES: usize = 256 << 20;

/// A server; it ends when dropped.
pub struct Server {
    pub token: String,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Served {
    client: Arc<Client>,
    authorization: Arc<str>,
    hosts: Hosts,
}

/// Names that a request may be for. A page whose name an attacker has let point
/// here (DNS rebinding) asks under that name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Hosts {
    /// Addresses, and `localhost`.
    Own,
    /// Whatever the user has given this machine.
    Any,
}

impl Hosts {
    fn allow(self, given: Option<&HeaderValue>) -> bool {
        // HTTP 1.0 has none.
        let (Self::Own, Some(given)) = (self, given) else {
            return true;
        };
        let Ok(authority) = Authority::try_from(given.as_bytes()) else {
            return false;
        };
        let host = authority.host();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    query: String,
    #[serde(default)]
    variables: Value,
    #[serde(default)]
    operation_name: Option<String>,
}

/// Serves a client on a listener, to whoever knows the token.
pub fn serve(listener: TcpListener, client: Arc<Client>) -> Server {
    serve_up_to(listener, client, token(), Hosts::Own, MAX_BODY_BYTES)
}

/// The same with a token that is known already.
pub fn serve_as(listener: TcpListener, client: Arc<Client>, token: String, hosts: Hosts) -> Server {
    serve_up_to(listener, client, token, hosts, MAX_BODY_BYTES)
}

pub(super) fn serve_up_to(
    listener: TcpListener,
    client: Arc<Client>,
    token: String,
    hosts: Hosts,
    max_body_bytes: usize,
) -> Server {
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{token}:"));
    let served = Served {
        client,
        authorization: format!("Basic {basic}").into(),
        hosts,
    };
    let router = router(served, max_body_bytes);
    let task = tokio::spawn(async move {
        // Serving ends with the task; errors of single connections end those.
        let _ = axum::serve(listener, router).await;
    });
    Server { token, task }
}

fn router(served: Served, max_body_bytes: usize) -> axum::Router {
    axum::Router::new()
        .route("/query", post(query))
        .route("/", get(|| async { "poniard" }))
        .fallback(|| async { StatusCode::NOT_FOUND })
        // Of everything, and before the body is read: nobody else makes us keep it.
        .layer(from_fn_with_state(served.clone(), guard))
        .layer(DefaultBodyLimit::max(max_body_bytes))
        .with_state(served)
}

/// 128 random bits.
pub(super) fn token() -> String {
    let mut bytes = [0u8; 16];
    // The kernel's generator does not fail once it is seeded, which it is by now.
    let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Lets through who knows the token.
async fn guard(
    State(served): State<Served>,
    request: axum::extract::Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    // Programs send no Origin; pages of a browser do.
    if headers.contains_key(header::ORIGIN) || headers.contains_key("sec-fetch-site") {
        return (StatusCode::FORBIDDEN, "requests of web pages are refused").into_response();
    }
    if !served.hosts.allow(headers.get(header::HOST)) {
        let told = "this session is not served under that name: use its address, or `localhost`";
        return (StatusCode::MISDIRECTED_REQUEST, told).into_response();
    }
    let given = headers
        .get(header::AUTHORIZATION)
        .map(|value| value.as_bytes())
        .unwrap_or_default();
    if !same(given, served.authorization.as_bytes()) {
        return (
            StatusCode::UNAUTHORIZED,
            "the session token is missing or wrong",
        )
            .into_response();
    }
    next.run(request).await
}

async fn query(State(served): State<Served>, Json(request): Json<Request>) -> Response {
    let Request {
        query,
        variables,
        operation_name,
    } = request;
    let response = served
        .client
        .execute(&query, variables, operation_name)
        .await;
    let body = serde_json::to_value(&response)
        .unwrap_or_else(|error| json!({"errors": [{"message": error.to_string()}]}));
    Json(body).into_response()
}

/// Compares without telling by time how much was right. Clients differ in the
/// alphabet and padding of base64; a token in hex has neither.
fn same(given: &[u8], wanted: &[u8]) -> bool {
    given.ct_eq(wanted).into()
}
