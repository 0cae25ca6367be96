//! The module's functions, on an engine that answers what a test sets.

use poniard_sdk::prelude::*;
use poniard_sdk::serde_json::{Value, json};
use poniard_sdk::testing::FakeEngine;

use crate::Config;

const FILE: &str = r#"
cloudflare: { account-id: abc123 }
secrets: { TOKEN: env://CI_TOKEN }
environments:
  production:
    branches: [main]
    url: https://example.com
    variables: { NODE_ENV: production, EQUATION: a=b }
    cloudflare-env: live
  staging: { branches: ["release/*"] }
  qa: { branches: ["*/hotfix"] }
  preview: { merge-requests: true, url: "https://mr-{iid}.example.com" }
"#;

fn engine(text: &str) -> FakeEngine {
    FakeEngine::new()
        .on(
            r#"Workspace(id: "ws").findUp(name: "pipeline.yaml")"#,
            "/shop/pipeline.yaml",
        )
        .on(
            r#"Workspace(id: "ws").file(path: "/shop/pipeline.yaml").contents"#,
            text,
        )
}

/// Calls functions one after the other, the first with the caller's workspace.
fn ask(engine: &FakeEngine, calls: &[(&str, Value)]) -> Result<Value> {
    let config = engine.construct::<Config>(json!({}))?;
    let (name, mut args) = calls[0].clone();
    args["workspace"] = json!("ws");
    let mut result = config.call(name, args)?;
    for (name, args) in &calls[1..] {
        result = result.call(name, args.clone())?;
    }
    Ok(result.value().clone())
}

fn error(engine: &FakeEngine, calls: &[(&str, Value)]) -> String {
    format!("{:#}", ask(engine, calls).unwrap_err())
}

#[test]
fn types_are_current() {
    poniard_sdk::assert_types_current!(Config);
}

#[test]
fn a_value_comes_from_the_nearest_file() -> Result<()> {
    assert_eq!(
        ask(&engine(FILE), &[("cloudflareAccountId", json!({}))])?,
        json!("abc123")
    );
    Ok(())
}

#[test]
fn a_missing_value_names_its_key_and_the_file() {
    for (function, key) in [
        ("gitlabProjectId", "gitlab.project-id"),
        ("gitlabUrl", "gitlab.url"),
        ("awsRegion", "aws.region"),
    ] {
        let error = error(&engine(FILE), &[(function, json!({}))]);
        assert_eq!(error, format!("`{key}` is not set in `shop/pipeline.yaml`"));
    }
}

#[test]
fn a_given_file_is_read_instead() -> Result<()> {
    let engine = FakeEngine::new()
        .on(r#"File(id: "other").name"#, "other.yaml")
        .on(
            r#"File(id: "other").contents"#,
            "aws: { region: eu-west-1 }",
        );
    let config = engine.construct::<Config>(json!({ "file": "other" }))?;
    let args = json!({ "workspace": "ws" });
    assert_eq!(
        config.call("awsRegion", args.clone())?.value(),
        &json!("eu-west-1")
    );
    let error = format!("{:#}", config.call("gitlabUrl", args).err().unwrap());
    assert_eq!(error, "`gitlab.url` is not set in `other.yaml`");
    Ok(())
}

#[test]
fn a_missing_file_names_where_it_was_looked_for() {
    let nowhere = |other: Value| {
        FakeEngine::new()
            .on("Workspace.findUp", Value::Null)
            .on(r#"Workspace(id: "ws").findUp(name: "pipeline.yml")"#, other)
            .on("Workspace.path", "shop/site")
    };
    assert_eq!(
        error(&nowhere(Value::Null), &[("awsRegion", json!({}))]),
        "no `pipeline.yaml` in `shop/site` or above: write one, or pass `--file`"
    );
    assert_eq!(
        error(
            &nowhere(json!("/shop/pipeline.yml")),
            &[("awsRegion", json!({}))]
        ),
        "no `pipeline.yaml`, but `shop/pipeline.yml`: rename it"
    );
}

#[test]
fn an_environment_shows_what_differs() -> Result<()> {
    let engine = engine(FILE);
    let of = |field: &str| {
        ask(
            &engine,
            &[
                ("environment", json!({ "name": "production" })),
                (field, json!({})),
            ],
        )
    };
    assert_eq!(of("url")?, json!("https://example.com"));
    assert_eq!(
        of("variables")?,
        json!(["NODE_ENV=production", "EQUATION=a=b"])
    );
    assert_eq!(of("cloudflareEnv")?, json!("live"));
    assert_eq!(of("lambdaAlias")?, json!(""));
    assert_eq!(of("secretNames")?, json!(["TOKEN"]));
    Ok(())
}

#[test]
fn variables_and_secrets_are_asked_for_by_name() -> Result<()> {
    let engine = engine(FILE);
    let of = |function: &str, name: &str| {
        ask(
            &engine,
            &[
                ("environment", json!({ "name": "production" })),
                (function, json!({ "name": name })),
            ],
        )
    };
    assert_eq!(of("variable", "EQUATION")?, json!("a=b"));
    assert_eq!(of("secretUri", "TOKEN")?, json!("env://CI_TOKEN"));
    assert_eq!(
        of("variable", "NODE").unwrap_err().to_string(),
        "no variable `NODE` in environment `production`: it has `NODE_ENV`, `EQUATION`"
    );
    assert_eq!(
        of("secretUri", "KEY").unwrap_err().to_string(),
        "no secret `KEY` in environment `production`: it has `TOKEN`"
    );
    Ok(())
}

#[test]
fn a_secret_that_cannot_be_read_fails_where_it_is_asked_for() -> Result<()> {
    let calls = [
        ("environment", json!({ "name": "production" })),
        ("secret", json!({ "name": "TOKEN" })),
    ];
    let readable = engine(FILE).on("secret.plaintext", "hunter2");
    assert_eq!(
        ask(&readable, &calls)?,
        json!(r#"secret(uri: "env://CI_TOKEN")"#)
    );
    let unreadable = engine(FILE).on_error("secret.plaintext", EngineError::new("not found"));
    let error = error(&unreadable, &calls);
    assert!(
        error.starts_with("cannot read secret `TOKEN` from env://"),
        "{error}"
    );
    assert!(
        error.contains("secret-uri TOKEN") && error.ends_with("not found"),
        "{error}"
    );
    Ok(())
}

#[test]
fn a_branch_finds_its_environment() -> Result<()> {
    let engine = engine(FILE);
    let of = |branch: &str| {
        ask(
            &engine,
            &[
                ("forBranch", json!({ "branch": branch })),
                ("name", json!({})),
            ],
        )
    };
    assert_eq!(of("main")?, json!("production"));
    assert_eq!(of("release/1.4")?, json!("staging"));
    let has = |branch: &str| ask(&engine, &[("hasEnvironment", json!({ "branch": branch }))]);
    assert_eq!(has("main")?, json!(true));
    assert_eq!(has("feature/x")?, json!(false));
    Ok(())
}

#[test]
fn a_branch_without_or_with_two_environments_is_an_error_that_names_them() {
    let engine = engine(&FILE.replace("*/hotfix", "*/hotfix1"));
    let of = |branch: &str| error(&engine, &[("forBranch", json!({ "branch": branch }))]);
    assert_eq!(
        of("feature/x"),
        "branch `feature/x` belongs to no environment of `shop/pipeline.yaml`: known are `main`, `release/*`, `*/hotfix1`"
    );
    assert!(of("").contains("for-merge-request"));
    let engine =
        self::engine("environments: { a: { branches: [\"x/*\"] }, b: { branches: [\"*/x\"] } }");
    for function in ["forBranch", "hasEnvironment"] {
        assert_eq!(
            error(&engine, &[(function, json!({ "branch": "x/x" }))]),
            "branch `x/x` belongs to `a` by `x/*` and to `b` by `*/x`: make one of them narrower in `shop/pipeline.yaml`"
        );
    }
}

#[test]
fn a_merge_request_is_filled_into_the_address() -> Result<()> {
    let engine = engine(FILE);
    let url = [("forMergeRequest", json!({ "iid": 7 })), ("url", json!({}))];
    assert_eq!(ask(&engine, &url)?, json!("https://mr-7.example.com"));
    assert!(
        error(&engine, &[("forMergeRequest", json!({ "iid": 0 }))]).contains("no merge request")
    );
    let none = self::engine("environments: { production: {} }");
    assert_eq!(
        error(&none, &[("forMergeRequest", json!({ "iid": 7 }))]),
        "no environment of `shop/pipeline.yaml` has `merge-requests: true`"
    );
    Ok(())
}

#[test]
fn validate_and_every_other_function_fail_with_all_problems() -> Result<()> {
    assert_eq!(ask(&engine(FILE), &[("validate", json!({}))])?, Value::Null);
    let broken = engine("aws: { regoin: x }\nsecrets: { A: hunter2 }\n");
    for function in ["validate", "environments"] {
        let error = error(&broken, &[(function, json!({}))]);
        assert!(
            error.starts_with("2 problems in `shop/pipeline.yaml`:\nshop/pipeline.yaml:1:8: "),
            "{error}"
        );
        assert!(
            error.contains("\nshop/pipeline.yaml:2:15: ") && !error.contains("hunter2"),
            "{error}"
        );
    }
    Ok(())
}

#[test]
fn craft_cloud_reads_the_nearest_file_of_its_own() -> Result<()> {
    let engine = FakeEngine::new()
        .on(
            r#"Workspace(id: "ws").findUp(name: "craft-cloud.yaml")"#,
            "/craft-cloud.yaml",
        )
        .on(
            "Workspace.file.contents",
            "php-version: '8.3'\nredirects: [{ pattern: /a, destination: /b }]",
        );
    let of = |field: &str| ask(&engine, &[("craftCloud", json!({})), (field, json!({}))]);
    assert_eq!(of("phpVersion")?, json!("8.3"));
    assert_eq!(of("webroot")?, json!("web"));
    assert_eq!(of("redirects")?[0]["destination"], json!("/b"));
    Ok(())
}

/// The keys that each mapping of the schema allows, by its path.
fn keys_of(schema: &Value, node: &Value, path: &str, found: &mut Vec<(String, Vec<String>)>) {
    let node = match node["$ref"].as_str() {
        Some(name) => &schema["definitions"][name.trim_start_matches("#/definitions/")],
        None => node,
    };
    let Some(properties) = node["properties"].as_object() else {
        return;
    };
    found.push((path.to_owned(), properties.keys().cloned().collect()));
    for (key, node) in properties {
        keys_of(schema, node, &format!("{path}{key}: {{ "), found);
    }
    if let Some(environment) = properties.get("environments") {
        keys_of(
            schema,
            &environment["additionalProperties"],
            "environments: { x: { ",
            found,
        );
    }
}

#[test]
fn the_schema_allows_the_keys_that_are_read() {
    let schema: Value = poniard_sdk::serde_json::from_str(crate::SCHEMA).unwrap();
    let mut mappings = Vec::new();
    keys_of(&schema, &schema, "", &mut mappings);
    assert_eq!(mappings.len(), 6, "{mappings:?}");
    for (path, keys) in mappings {
        let text = format!("{path}unknown: 1{}", " }".repeat(path.matches('{').count()));
        let problems = crate::pipeline::parse("f", &text).unwrap_err().to_string();
        let allowed = problems
            .split("(allowed: ")
            .nth(1)
            .and_then(|rest| rest.split(')').next());
        let mut allowed: Vec<_> = allowed.unwrap_or_default().split(", ").collect();
        let mut keys: Vec<_> = keys.iter().map(String::as_str).collect();
        allowed.sort_unstable();
        keys.sort_unstable();
        assert_eq!(allowed, keys, "in {text}");
    }
}
