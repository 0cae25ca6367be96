//! Workers as visitors see them: a host name leads to a version ([`hosts`]),
//! and the version answers out of the real workerd ([`runtime`]).

pub mod hosts;
pub mod runtime;

use std::collections::BTreeMap;
use std::path::Path;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::Shared;
use super::state::Version;
use crate::proxy::{self, Passed};

/// Requests for a worker's host go to the worker, all others to the API.
pub async fn by_host(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let host = host(&request);
    match hosts::label(&host, &shared.settings.domain()) {
        None => next.run(request).await,
        Some(label) => {
            let label = label.to_owned();
            answer(&shared, &label, request).await
        }
    }
}

/// The host that was asked for, without a port. A proxy is asked by full URLs.
fn host(request: &Request) -> String {
    let of_header = || request.headers().get(header::HOST)?.to_str().ok();
    let host = request.uri().host().or_else(of_header).unwrap_or_default();
    host.split(':')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase()
}

async fn answer(shared: &Shared, label: &str, request: Request) -> Response {
    let version = {
        let mut state = shared.state();
        hosts::version(&mut state, label, request.headers())
    };
    let Some(version) = version else {
        return (StatusCode::NOT_FOUND, "There is nothing here yet\n").into_response();
    };
    let passed = match shared.runtime.port(&version, || definition(&version)).await {
        Ok(port) => visit(shared, label, port, request).await,
        Err(failure) => Err(failure.0.into()),
    };
    passed.unwrap_or_else(|error| (StatusCode::BAD_GATEWAY, format!("{error}\n")).into_response())
}

/// Passes a request on to a running version, which sees the URL that a visitor
/// of the real one would have asked for.
async fn visit(shared: &Shared, label: &str, port: u16, mut request: Request) -> Passed {
    let host = format!("{label}.{}", shared.settings.domain());
    let path = request.uri().path_and_query();
    let url = format!("https://{host}{}", path.map_or("/", |path| path.as_str()));
    let headers = request.headers_mut();
    headers.insert(header::HOST, HeaderValue::from_str(&host)?);
    headers.insert("mf-original-url", HeaderValue::from_str(&url)?);
    let client = shared.client.clone();
    proxy::pass(client, &format!("http://127.0.0.1:{port}"), request).await
}

/// What `workerd/serve.mjs` starts a version from. Its files go into a folder,
/// everything else through the pipe: texts of secrets are never on disk.
pub fn definition(version: &Version) -> std::io::Result<(Value, Option<tempfile::TempDir>)> {
    let binding_of_assets = version
        .bindings
        .iter()
        .find(|binding| binding.kind == "assets");
    let mut folder = None;
    let mut assets = Value::Null;
    if let Some(of_version) = &version.assets {
        let files = tempfile::tempdir()?;
        for (path, asset) in &of_version.files {
            let path = percent_decode_str(path.trim_start_matches('/')).decode_utf8_lossy();
            write(&files.path().join(&*path), &asset.contents)?;
        }
        for name in ["_headers", "_redirects"] {
            if let Some(text) = of_version.config.get(name).and_then(Value::as_str) {
                write(&files.path().join(name), text.as_bytes())?;
            }
        }
        assets = json!({
            "directory": files.path(),
            "binding": binding_of_assets.map(|binding| &binding.name),
            "config": of_version.config,
        });
        folder = Some(files);
    }
    let modules: Vec<Value> = version
        .modules
        .iter()
        .map(|module| {
            json!({
                "name": module.name,
                "type": module.content_type,
                "base64": STANDARD.encode(&module.contents),
            })
        })
        .collect();
    let definition = json!({
        "id": version.id,
        "name": "worker",
        "date": version.compatibility_date.as_deref().unwrap_or("2021-11-02"),
        "flags": version.compatibility_flags,
        "main": version.main_module,
        "modules": modules,
        "bindings": environment(version),
        "assets": assets,
    });
    Ok((definition, folder))
}

fn write(path: &Path, contents: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, contents)
}

/// What the worker finds in `env`, without its assets.
fn environment(version: &Version) -> Map<String, Value> {
    let annotations: &BTreeMap<String, String> = &version.annotations;
    let tag = annotations.get("workers/tag").map_or("", String::as_str);
    let value = |kind: &str, rest: &Map<String, Value>| match kind {
        "plain_text" | "secret_text" => rest.get("text").cloned(),
        "json" => rest.get("json").cloned(),
        "version_metadata" => {
            Some(json!({ "id": version.id, "tag": tag, "timestamp": version.created_on }))
        }
        _ => None,
    };
    version
        .bindings
        .iter()
        .filter_map(|binding| Some((binding.name.clone(), value(&binding.kind, &binding.rest)?)))
        .collect()
}
