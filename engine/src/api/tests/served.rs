//! The API over HTTP.

use super::*;
use crate::api::server;

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
    let server = server::serve_up_to(listener, client, "a-token".into(), 1000);
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
    let large = json!({"query": "{version}", "variables": {"x": "x".repeat(2000)}}).to_string();
    assert_eq!(status(port, &[right], large.clone()).await, 413);
    // Not even read.
    assert_eq!(status(port, &[], large).await, 401);
}
