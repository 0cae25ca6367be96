//! Requests over loopback, against a server that does as it is told.

#![allow(clippy::unwrap_used)]

mod server;

use std::time::{Duration, Instant};

use poniard_http::{Api, Error};
use serde_json::{Value, json};
use server::{Server, Turn};

const TOKEN: &str = "glpat-canary";

fn api(server: &Server) -> Api {
    Api::new("GitLab", &format!("{}/api/v4", server.url))
        .unwrap()
        .secret_header("PRIVATE-TOKEN", TOKEN)
        .unwrap()
        .first_pause(Duration::from_millis(1))
}

fn ok(body: &str) -> Turn {
    Turn::Answer("200 OK", body.to_owned())
}

fn failed(result: Result<poniard_http::Response, Error>) -> Error {
    result.err().unwrap()
}

#[tokio::test]
async fn a_request_carries_its_headers_query_and_body() {
    let server = Server::start(vec![ok(r#"{"id": 7}"#)]);
    let request = api(&server).post("/notes").query("a b", "c&d");
    let answer = request.json(&json!({ "body": "hi" })).send().await.unwrap();
    assert_eq!(answer.json::<Value>().unwrap(), json!({ "id": 7 }));
    let asked = &server.asked()[0];
    assert!(
        asked.starts_with("POST /api/v4/notes?a%20b=c%26d HTTP/1.1\r\n"),
        "{asked}"
    );
    assert!(
        asked
            .to_lowercase()
            .contains("private-token: glpat-canary\r\n"),
        "{asked}"
    );
    assert!(asked.ends_with(r#"{"body":"hi"}"#), "{asked}");
}

#[tokio::test]
async fn an_error_names_the_api_the_request_its_message_and_the_next_step() {
    let body = format!(r#"{{"message":"401 Unauthorized for {TOKEN}"}}"#);
    let server = Server::start(vec![Turn::Answer("401 Unauthorized", body)]);
    let error = failed(api(&server).get("/user?private=1").send().await);
    assert_eq!(error.status(), Some(401));
    assert_eq!(
        error.to_string(),
        "GitLab answered `GET /user` with status 401: 401 Unauthorized for ***; \
         check that the token is right and has not expired"
    );
}

#[tokio::test]
async fn the_api_may_name_the_next_step() {
    let answer = Turn::Answer("403 Forbidden", r#"{"error":"insufficient_scope"}"#.into());
    let server = Server::start(vec![answer]);
    let api = api(&server).next_step(|status, message| {
        (status == 403 && message.contains("scope")).then(|| "give it the scope `api`".into())
    });
    let error = failed(api.get("/user").send().await).to_string();
    assert!(
        error.ends_with(": insufficient_scope; give it the scope `api`"),
        "{error}"
    );
}

#[tokio::test]
async fn what_can_be_repeated_is_repeated_after_faults_of_server_and_network() {
    for method in ["GET", "PUT", "DELETE"] {
        let bad = || Turn::Answer("502 Bad Gateway", "<title>502</title>".into());
        let server = Server::start(vec![bad(), Turn::Close, ok("{}")]);
        api(&server).request(method, "/x").send().await.unwrap();
        assert_eq!(server.asked().len(), 3);
    }
}

#[tokio::test]
async fn what_may_have_been_taken_is_not_repeated() {
    let unavailable = Turn::Answer("503 Service Unavailable", "later".into());
    for turn in [unavailable, Turn::Close] {
        let server = Server::start(vec![turn, ok("{}")]);
        let error = failed(api(&server).post("/x").json(&json!({})).send().await);
        assert!(error.maybe_taken(), "{error}");
        assert_eq!(server.asked().len(), 1);
    }
    let bad = Turn::Answer("400 Bad Request", "no".into());
    let server = Server::start(vec![bad]);
    assert!(!failed(api(&server).post("/x").send().await).maybe_taken());
}

#[tokio::test]
async fn a_request_over_the_limit_waits_as_it_is_told() {
    let many = || {
        Turn::Answer(
            "429 Too Many Requests\r\nRetry-After: 1",
            "slow down".into(),
        )
    };
    let server = Server::start(vec![many(), ok("{}")]);
    let start = Instant::now();
    api(&server)
        .post("/x")
        .json(&json!({}))
        .send()
        .await
        .unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert_eq!(server.asked().len(), 2);

    let server = Server::start(vec![Turn::Answer(
        "429 Too Many Requests\r\nRetry-After: 3600",
        "slow down".into(),
    )]);
    let error = failed(api(&server).get("/x").send().await).to_string();
    assert!(
        error.ends_with("slow down; it says to wait 3600 s; wait, or ask for less at once"),
        "{error}"
    );
}

#[tokio::test]
async fn nobody_at_the_address_is_tried_again_also_for_a_post() {
    let nobody = Api::new("GitLab", "http://127.0.0.1:1").unwrap();
    let nobody = nobody.first_pause(Duration::from_millis(1));
    let error = failed(nobody.post("/x").send().await);
    assert!(!error.maybe_taken());
    let error = error.to_string();
    assert!(
        error.starts_with("cannot ask GitLab for `POST /x`: connection refused (asked 6 times in "),
        "{error}"
    );
}

#[tokio::test]
async fn patience_bounds_everything() {
    let server = Server::start((0..9).map(|_| Turn::Silence).collect());
    let api = api(&server)
        .attempt(Duration::from_millis(300))
        .patience(Duration::from_millis(700));
    let start = Instant::now();
    let error = failed(api.get("/x").send().await).to_string();
    assert!(error.contains("no answer in time (asked "), "{error}");
    assert!(start.elapsed() > Duration::from_millis(300));
    // Without a bound it would be 6.
    assert!((1..4).contains(&server.asked().len()), "{error}");
}

#[tokio::test]
async fn a_redirection_is_not_followed_and_says_where_to() {
    let moved = Turn::Answer(
        "301 Moved\r\nlocation: https://git.example/api/v4/x",
        String::new(),
    );
    let server = Server::start(vec![moved]);
    let error = failed(api(&server).get("/x").send().await).to_string();
    assert!(
        error.ends_with(
            "it has moved to `https://git.example/api/v4/x`; use the address that it names"
        ),
        "{error}"
    );
}

#[tokio::test]
async fn credentials_do_not_leave_the_address_of_the_api() {
    let server = Server::start(vec![ok("{}"), ok("{}")]);
    let api = api(&server);
    let next = format!("{}/api/v4/x?page=2", server.url);
    api.get(&next).send().await.unwrap();
    assert!(server.asked()[0].starts_with("GET /api/v4/x?page=2 "));
    for elsewhere in [
        "http://evil.example/api/v4/x".to_owned(),
        format!("{}/api/v40", server.url),
    ] {
        let error = failed(api.get(&elsewhere).send().await).to_string();
        assert!(error.contains("is not at"), "{error}");
    }
}

#[tokio::test]
async fn what_is_no_json_shows_how_it_begins() {
    let server = Server::start(vec![ok("<html>Sign in</html>")]);
    let answer = api(&server).get("/x").send().await.unwrap();
    let error = answer.json::<Value>().unwrap_err().to_string();
    assert!(
        error.starts_with("cannot read what GitLab answered to `GET /x`"),
        "{error}"
    );
    assert!(error.contains("begins with `<html>Sign in"), "{error}");
}

#[tokio::test]
async fn expected_statuses_are_answers() {
    let not_found = || Turn::Answer("404 Not Found", "{}".into());
    let server = Server::start(vec![not_found(), not_found()]);
    let api = api(&server);
    assert_eq!(
        api.get("/x").accept(404).send().await.unwrap().status(),
        404
    );
    assert_eq!(
        api.get("/x").accept_any().send().await.unwrap().status(),
        404
    );
}

#[test]
fn bad_addresses_and_tokens_are_refused_without_being_shown() {
    for bad in [
        "gitlab.com",
        "ftp://x",
        "https://",
        "http://a b",
        "https://x?y",
    ] {
        let error = Api::new("GitLab", bad).err().unwrap().to_string();
        assert!(error.starts_with("cannot ask GitLab: `"), "{error}");
    }
    let error = Api::new("GitLab", "http://me:hunter2@x")
        .err()
        .unwrap()
        .to_string();
    assert!(
        !error.contains("hunter2") && error.contains("as a secret"),
        "{error}"
    );

    let api = Api::new("GitLab", "http://x").unwrap();
    for bad in ["", " \n", "gl\npat", "gl\u{7f}pat"] {
        let error = api
            .clone()
            .secret_header("PRIVATE-TOKEN", bad)
            .err()
            .unwrap();
        assert!(!error.to_string().contains("pat\""), "{error}");
    }
    let api = api
        .secret_header("PRIVATE-TOKEN", "glpat-canary\n")
        .unwrap();
    assert!(!format!("{api:?}").contains("canary"));
}
