//! What Wrangler never sends: refused all the same.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use stand_ins::cloudflare::Cloudflare;

struct Api {
    cloudflare: Cloudflare,
    client: Client,
}

impl Api {
    fn new() -> Api {
        Api {
            cloudflare: Cloudflare::start().expect("a stand-in"),
            client: Client::builder().no_proxy().build().expect("a client"),
        }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let account = &self.cloudflare.settings().account_id;
        let url = format!("{}/accounts/{account}{path}", self.cloudflare.api_url());
        self.client
            .request(method, url)
            .bearer_auth(&self.cloudflare.settings().token)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> (StatusCode, Value) {
        let answer = request.send().await.expect("an answer");
        (answer.status(), answer.json().await.expect("JSON"))
    }

    async fn code(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let (status, body) = self.send(request).await;
        assert_eq!(body["success"], false, "{body}");
        assert_eq!(body["result"], Value::Null);
        (status.as_u16(), body["errors"][0]["code"].clone())
    }

    async fn session(&self, manifest: Value) -> Value {
        let path = "/workers/scripts/site/assets-upload-session";
        let (status, body) = self
            .send(
                self.request(Method::POST, path)
                    .json(&json!({ "manifest": manifest })),
            )
            .await;
        assert_eq!(status, 200, "{body}");
        body["result"].clone()
    }

    fn upload(&self, jwt: &Value, hash: &str, contents: &str) -> reqwest::RequestBuilder {
        let part = Part::text(STANDARD.encode(contents)).file_name(hash.to_owned());
        let account = &self.cloudflare.settings().account_id;
        let path = format!("/accounts/{account}/workers/assets/upload?base64=true");
        self.client
            .post(format!("{}{path}", self.cloudflare.api_url()))
            .bearer_auth(jwt.as_str().expect("a token"))
            .multipart(Form::new().part(hash.to_owned(), part))
    }

    fn put(&self, metadata: Value) -> reqwest::RequestBuilder {
        let form = Form::new().text("metadata", metadata.to_string());
        self.request(Method::PUT, "/workers/scripts/site")
            .multipart(form)
    }
}

#[tokio::test]
async fn who_asks_and_for_what_is_checked_first() {
    let api = Api::new();
    let url = api.cloudflare.api_url();
    let account = &api.cloudflare.settings().account_id;
    let get = |path: &str| api.client.get(format!("{url}{path}"));
    let path = format!("/accounts/{account}/workers/scripts");
    assert_eq!(api.code(get(&path)).await, (400, json!(6003)));
    assert_eq!(
        api.code(get(&path).bearer_auth("wrong")).await,
        (403, json!(10000))
    );
    assert_eq!(
        api.code(get("/user").bearer_auth("wrong")).await,
        (403, json!(9109))
    );
    let token = &api.cloudflare.settings().token;
    let other = "/accounts/ffffffffffffffffffffffffffffffff/workers/scripts";
    assert_eq!(
        api.code(get(other).bearer_auth(token)).await,
        (403, json!(10000))
    );
    assert_eq!(
        api.code(get("/accounts/mine/workers/scripts").bearer_auth(token))
            .await,
        (404, json!(7003))
    );
}

#[tokio::test]
async fn what_no_endpoint_answers_is_refused_and_written_down() {
    let api = Api::new();
    assert_eq!(
        api.code(api.request(Method::GET, "/pages/projects")).await,
        (400, json!(7000))
    );
    assert_eq!(
        api.code(api.request(Method::DELETE, "/workers/subdomain"))
            .await,
        (400, json!(7000))
    );
    assert_eq!(api.cloudflare.unknown_requests().len(), 2);
}

#[tokio::test]
async fn an_asset_must_be_what_the_manifest_says() {
    let api = Api::new();
    // BLAKE3 of `aGVsbG8=html`: "hello" in base64, and the extension.
    let hash = blake3::hash(b"aGVsbG8=html").to_hex()[..32].to_owned();
    let session = api
        .session(json!({ "/index.html": { "hash": hash, "size": 5 } }))
        .await;
    let jwt = &session["jwt"];
    assert_eq!(session["buckets"], json!([[hash]]));

    assert_eq!(
        api.code(api.upload(jwt, &hash, "hell")).await,
        (400, json!(10021)),
        "size"
    );
    assert_eq!(
        api.code(api.upload(jwt, &hash, "jello")).await,
        (400, json!(10021)),
        "hash"
    );
    assert_eq!(
        api.code(api.upload(jwt, &"0".repeat(32), "hello")).await,
        (400, json!(10021)),
        "not asked for"
    );
    assert_eq!(
        api.code(api.upload(&json!("a.b.c"), &hash, "hello")).await,
        (403, json!(10000)),
        "token"
    );

    // A version cannot be made of a session that is not complete.
    let assets = |jwt: &Value| json!({ "assets": { "jwt": jwt, "config": {} }, "compatibility_date": "2026-01-01" });
    assert_eq!(api.code(api.put(assets(jwt))).await, (400, json!(10021)));
    assert!(api.cloudflare.worker_names().is_empty());

    let (status, body) = api.send(api.upload(jwt, &hash, "hello")).await;
    assert_eq!(status, 201, "{body}");
    let complete = &body["result"]["jwt"];
    let (status, body) = api.send(api.put(assets(complete))).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(
        body["result"]["deployment_id"].as_str().map(str::len),
        Some(32)
    );

    // Nor with the token of another worker.
    let other = api.request(Method::PUT, "/workers/scripts/other");
    let form = Form::new().text("metadata", assets(complete).to_string());
    assert_eq!(api.code(other.multipart(form)).await, (400, json!(10021)));
}

#[tokio::test]
async fn a_manifest_is_checked() {
    let api = Api::new();
    let hash = "0123456789abcdef0123456789abcdef";
    let too_large = 25 * 1024 * 1024 + 1;
    for manifest in [
        json!({}),
        json!({ "index.html": { "hash": hash, "size": 1 } }),
        json!({ "/../x": { "hash": hash, "size": 1 } }),
        json!({ "/index.html": { "hash": "xyz", "size": 1 } }),
        json!({ "/index.html": { "hash": hash, "size": too_large } }),
        json!({ "/a": { "hash": hash, "size": 1 }, "/b": { "hash": hash, "size": 2 } }),
    ] {
        let path = "/workers/scripts/site/assets-upload-session";
        let request = api
            .request(Method::POST, path)
            .json(&json!({ "manifest": manifest }));
        assert_eq!(api.code(request).await, (400, json!(10021)), "{manifest}");
    }
}

#[tokio::test]
async fn metadata_is_checked() {
    let api = Api::new();
    for (metadata, code) in [
        (json!({}), 10021),
        (json!({ "main_module": "index.js" }), 10021),
        (json!({ "compatibility_date": "tomorrow" }), 10021),
        (json!({ "compatibility_date": "2999-01-01" }), 10021),
        (json!({ "surprise": 1 }), 10021),
        (
            json!({ "bindings": [{ "type": "plain_text", "text": "x" }] }),
            10052,
        ),
        (
            json!({ "bindings": [{ "name": "DB", "type": "d1", "id": "x" }] }),
            10021,
        ),
        (
            json!({ "bindings": [{ "name": "ASSETS", "type": "assets" }] }),
            10021,
        ),
        (
            json!({ "annotations": { "workers/alias": "x" }, "assets": {} }),
            10021,
        ),
    ] {
        assert_eq!(
            api.code(api.put(metadata.clone())).await,
            (400, json!(code)),
            "{metadata}"
        );
    }
    let no_metadata = api
        .request(Method::PUT, "/workers/scripts/site")
        .multipart(Form::new().text("x", "y"));
    assert_eq!(api.code(no_metadata).await, (400, json!(10026)));
    let name = api
        .request(Method::PUT, "/workers/scripts/Bad.Name")
        .multipart(Form::new());
    assert_eq!(api.code(name).await, (400, json!(10016)));
    assert!(api.cloudflare.worker_names().is_empty());
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let api = Api::new();
    let module = Part::bytes(vec![b' '; 64 * 1024 * 1024 + 1])
        .file_name("index.js")
        .mime_str("application/javascript+module");
    let form = Form::new()
        .text("metadata", r#"{ "main_module": "index.js" }"#)
        .part("index.js", module.expect("a type"));
    let request = api
        .request(Method::PUT, "/workers/scripts/site")
        .multipart(form);
    assert_eq!(api.code(request).await, (413, json!(10027)));
}

const CODE: &str = "export default { fetch: () => new Response('hi') }";

impl Api {
    async fn upload_code(&self, path: &str, method: Method) -> Value {
        let module = Part::text(CODE)
            .file_name("index.js")
            .mime_str("application/javascript+module");
        let form = Form::new()
            .text(
                "metadata",
                json!({ "main_module": "index.js", "compatibility_date": "2026-01-01" })
                    .to_string(),
            )
            .part("index.js", module.expect("a type"));
        let (status, body) = self.send(self.request(method, path).multipart(form)).await;
        assert_eq!(status, 200, "{body}");
        body["result"].clone()
    }
}

#[tokio::test]
async fn shares_of_a_deployment_are_checked_and_versions_come_in_pages() {
    let api = Api::new();
    api.upload_code("/workers/scripts/site", Method::PUT).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let version = api
            .upload_code("/workers/scripts/site/versions", Method::POST)
            .await;
        ids.push(version["id"].clone());
    }
    let deploy = |versions: Value| {
        api.request(Method::POST, "/workers/scripts/site/deployments")
            .json(&json!({ "strategy": "percentage", "versions": versions }))
    };
    let share = |id: &Value, percentage: u32| json!({ "version_id": id, "percentage": percentage });
    let (a, b) = (&ids[0], &ids[1]);
    for versions in [
        json!([]),
        json!([share(a, 99)]),
        json!([share(a, 50), share(b, 51)]),
        json!([share(a, 50), share(a, 50)]),
        json!([share(a, 40), share(b, 30), share(b, 30)]),
        json!([share(a, 101)]),
    ] {
        assert_eq!(
            api.code(deploy(versions.clone())).await,
            (400, json!(10021)),
            "{versions}"
        );
    }
    let (status, body) = api.send(deploy(json!([share(a, 10), share(b, 90)]))).await;
    assert_eq!(status, 200, "{body}");

    let list = |query: &str| {
        api.request(
            Method::GET,
            &format!("/workers/scripts/site/versions?{query}"),
        )
    };
    let (_, body) = api.send(list("per_page=2&page=2")).await;
    assert_eq!(body["result"]["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(body["result_info"]["total_count"], 3);
    assert_eq!(api.code(list("per_page=1000")).await, (400, json!(10026)));
}
