//! Who asks: keys, a token for a role, an agent, an instance.

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, put};
use serde_json::json;
use stand_ins::Server;

use super::cloud::Cloud;
use super::moto::{Moto, ROLE};
use super::shop::{KEY, Shop};

#[test]
fn credentials_come_from_keys_a_token_an_agent_or_an_instance() {
    let cloud = Cloud::start();
    let mut shop = Shop::new(cloud.server.url());
    shop.secrets.extend([
        ("TEST_SESSION_TOKEN", "session-of-the-keys".to_owned()),
        ("TEST_TOKEN", "header.payload.signature".to_owned()),
        ("TEST_AGENT_TOKEN", "token-of-the-agent".to_owned()),
    ]);
    let agent = agent();
    let role = format!("--role-arn {ROLE}");
    let keys =
        "--access-key-id env://TEST_ACCESS_KEY_ID --secret-access-key env://TEST_SECRET_ACCESS_KEY";
    let by_token = format!("--web-identity-token env://TEST_TOKEN {role}");
    let ways = [
        (
            format!("{keys} --session-token env://TEST_SESSION_TOKEN"),
            KEY,
            "session-of-the-keys",
        ),
        (format!("{keys} {role}"), "BY-KEYS", "session-by-KEYS"),
        (by_token.clone(), "BY-TOKEN", "session-by-TOKEN"),
        (
            format!(
                "--container-credentials-uri {}/v1/credentials --container-authorization-token env://TEST_AGENT_TOKEN",
                agent.url()
            ),
            "LENT",
            "session-lent",
        ),
        (
            format!("--metadata-endpoint {}", agent.url()),
            "LENT",
            "session-lent",
        ),
    ];
    for (way, key, token) in ways {
        let done = shop.end(&mut shop.command_with(&way, "versions site | table"));
        assert_eq!(done.code, 0, "{way}:\n{}", done.stderr());
        assert!(done.stdout().contains("| 1 | live |"), "{}", done.stdout());
        let asked_as = (key.to_owned(), Some(token.to_owned()));
        assert_eq!(cloud.function().asked_as, asked_as, "{way}");
    }

    let refused = |way: &str, words: &[&str]| {
        let done = shop.end(&mut shop.command_with(way, "versions site"));
        shop.refused(&done, words);
    };
    let other = by_token.replace("TEST_TOKEN", "TEST_AGENT_TOKEN");
    refused(
        &other,
        &[
            "STS AssumeRoleWithWebIdentity",
            "Incorrect token audience",
            "identity provider",
        ],
    );
    let none = format!("--metadata-endpoint {}/none", agent.url());
    refused(
        &none,
        &[
            "neither keys nor a token were given",
            "--web-identity-token",
        ],
    );
    let public = "--container-credentials-uri http://example.com/credentials";
    refused(public, &["`http://example.com/credentials`", "`https://`"]);

    // The same with STS as moto knows it: it lends keys for the role.
    let moto = Moto::start();
    shop.endpoint = moto.server.url();
    for way in [by_token, format!("{keys} {role}")] {
        moto.server.forget_requests();
        let done = shop.end(&mut shop.command_with(&way, "versions site | table"));
        assert_eq!(done.code, 0, "{}", done.stderr());
        let asked = moto.server.requests();
        let asked: Vec<_> = asked.iter().map(ToString::to_string).collect();
        assert_eq!(
            asked.first().map(String::as_str),
            Some("POST /"),
            "{asked:?}"
        );
    }
}

/// The agent of ECS and EKS, and the metadata of an instance.
fn agent() -> Server {
    let lent = json!({
        "AccessKeyId": "LENT",
        "SecretAccessKey": "secret-lent",
        "Token": "session-lent",
        "Expiration": "2099-01-01T00:00:00Z",
    });
    let credentials = lent.to_string();
    let of_instance = credentials.clone();
    let agent = move |headers: HeaderMap| async move {
        match headers.get("authorization").map(|value| value.as_bytes()) {
            Some(b"token-of-the-agent") => Ok(credentials),
            _ => Err(StatusCode::UNAUTHORIZED),
        }
    };
    let session = |headers: HeaderMap| async move {
        match headers.contains_key("x-aws-ec2-metadata-token-ttl-seconds") {
            true => "session".into_response(),
            false => StatusCode::BAD_REQUEST.into_response(),
        }
    };
    let within = |headers: &HeaderMap, text: String| {
        let token = headers.get("x-aws-ec2-metadata-token");
        match token.map(|value| value.as_bytes()) {
            Some(b"session") => text.into_response(),
            _ => StatusCode::UNAUTHORIZED.into_response(),
        }
    };
    let roles = "/latest/meta-data/iam/security-credentials";
    let router = Router::new()
        .route("/v1/credentials", get(agent))
        .route("/latest/api/token", put(session))
        .route(
            &format!("{roles}/"),
            get(move |headers: HeaderMap| async move { within(&headers, "engine".into()) }),
        )
        .route(
            &format!("{roles}/engine"),
            get(move |headers: HeaderMap| async move { within(&headers, of_instance) }),
        );
    Server::start(router).expect("a server")
}
