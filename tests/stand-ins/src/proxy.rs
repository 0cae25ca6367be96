//! A reverse proxy: a real server behind [`Server`]'s record and faults.

use std::io;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use reqwest::redirect::Policy;

use crate::Server;

/// What belongs to one connection and is not passed on.
const OF_CONNECTION: [HeaderName; 3] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Passes everything on to `url`, bodies as they come. The header `Host` stays
/// as the client wrote it, since signatures cover it.
pub fn to(url: &str) -> io::Result<Server> {
    let url = url.trim_end_matches('/').to_owned();
    let client = reqwest::Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .build()
        .map_err(io::Error::other)?;
    Server::start(Router::new().fallback(move |request: Request| {
        let (client, url) = (client.clone(), url.clone());
        async move {
            pass(client, &url, request).await.unwrap_or_else(|error| {
                (StatusCode::BAD_GATEWAY, error.to_string()).into_response()
            })
        }
    }))
}

/// What a server behind this one answers to a request, or what kept it from it.
pub(crate) type Passed = Result<Response, Box<dyn std::error::Error + Send + Sync>>;

/// Passes a request on to the server at `url`, and its answer back, headers and
/// bodies as they are but for what belongs to the connection.
pub(crate) async fn pass(client: reqwest::Client, url: &str, request: Request) -> Passed {
    let (head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut headers = head.headers;
    OF_CONNECTION
        .iter()
        .for_each(|name| drop(headers.remove(name)));
    let answer = client
        .request(head.method, format!("{url}{path}"))
        .headers(headers)
        .body(reqwest::Body::wrap_stream(body.into_data_stream()))
        .send()
        .await?;
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        if !OF_CONNECTION.contains(name) {
            response = response.header(name, value);
        }
    }
    Ok(response.body(Body::from_stream(answer.bytes_stream()))?)
}

#[cfg(test)]
mod tests {
    use axum::routing::post;

    use super::*;
    use crate::Fault;

    #[tokio::test]
    async fn what_is_asked_and_answered_passes_through() {
        let echo = |request: Request| async move {
            let agent = request.headers()["x-agent"].clone();
            ([("x-seen", agent)], request.into_body())
        };
        let real = Server::start(Router::new().route("/echo", post(echo))).expect("a server");
        let proxy = to(&real.url()).expect("a proxy");
        proxy
            .faults()
            .add(Fault::answer("POST", "/echo", 503, "later"));
        let ask = || {
            let client = reqwest::Client::new().post(format!("{}/echo", proxy.url()));
            client.header("x-agent", "test").body("hello").send()
        };
        assert_eq!(ask().await.expect("an answer").status(), 503);
        let answer = ask().await.expect("an answer");
        assert_eq!(answer.headers()["x-seen"], "test");
        assert_eq!(answer.text().await.expect("a body"), "hello");
        assert_eq!((real.requests().len(), proxy.requests().len()), (1, 2));
    }
}
