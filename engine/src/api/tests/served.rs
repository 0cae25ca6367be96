//! The API over HTTP.

use reqwest::Method;

use super::*;
use crate::api::server::{self, Hosts};

async fn status(port: u16, headers: &[(&str, &str)], body: String) -> u16 {
    let url = format!("http://127.0.0.1:{port}/query");
    let mut request = reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .post(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.header("Content-Type", "application/json");
    request.body(body).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn only_a_program_with_the_token_is_answered() {
    let bench = Bench::new();
    let client = bench.caller();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = server::serve_up_to(listener, client, "a-token".into(), Hosts::Own, 1000);
    let basic = |token: &str| {
        use base64::Engine as _;
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{token}:"));
        format!("Basic {pair}")
    };
    let (right, wrong) = (basic(&server.token), basic("0123"));
    let right = ("Authorization", right.as_str());
    let query = || json!({"query": "{version}"}).to_string();
    assert_eq!(status(port, &[right], query()).await, 200);
    assert_eq!(status(port, &[], query()).await, 401);
    assert_eq!(
        status(port, &[("Authorization", &wrong)], query()).await,
        401
    );
    let page = ("Origin", "http://example.com");
    assert_eq!(status(port, &[right, page], query()).await, 403);
    let fetched = ("Sec-Fetch-Site", "cross-site");
    assert_eq!(status(port, &[right, fetched], query()).await, 403);
    // A name of the attacker's that leads here.
    for host in [
        "rebound.example",
        "rebound.example:80",
        "127.0.0.1.example",
        "a b",
        "",
    ] {
        let host = ("Host", host);
        assert_eq!(status(port, &[right, host], query()).await, 421, "{host:?}");
    }
    for host in ["localhost", "LOCALHOST:1", "127.0.0.1:1", "[::1]:1"] {
        let host = ("Host", host);
        assert_eq!(status(port, &[right, host], query()).await, 200, "{host:?}");
    }
    let large = json!({"query": "{version}", "variables": {"x": "x".repeat(2000)}}).to_string();
    assert_eq!(status(port, &[right], large.clone()).await, 413);
    // Not even read.
    assert_eq!(status(port, &[], large).await, 401);

    // Nothing is told of what is where.
    for path in ["", "query", "playground", "v1/traces"] {
        let url = format!("http://127.0.0.1:{port}/{path}");
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let methods = [Method::GET, Method::POST, Method::OPTIONS, Method::DELETE];
        for method in methods {
            let answer = client.request(method.clone(), &url).send().await.unwrap();
            assert_eq!(answer.status().as_u16(), 401, "{method} {url}");
        }
    }
}

#[tokio::test]
async fn a_session_for_other_machines_is_reached_under_any_name_but_not_by_a_page() {
    let bench = Bench::new();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let port = listener.local_addr().unwrap().port();
    let _server = server::serve_as(listener, bench.caller(), "a-token".into(), Hosts::Any);
    let token = ("Authorization", "Basic YS10b2tlbjo=");
    let name = ("Host", "engine.ci.svc");
    let query = || json!({"query": "{version}"}).to_string();
    assert_eq!(status(port, &[token, name], query()).await, 200);
    assert_eq!(status(port, &[name], query()).await, 401);
    let page = ("Origin", "http://engine.ci.svc");
    assert_eq!(status(port, &[token, name, page], query()).await, 403);
}
