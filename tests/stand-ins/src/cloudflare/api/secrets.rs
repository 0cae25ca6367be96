//! Secrets: each change is a new version with the same code. Values go in, and
//! come out only in the worker itself.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

use super::scripts::{client, find, find_mut};
use super::versions;
use crate::cloudflare::Shared;
use crate::cloudflare::answer::{Answer, Refusal, ok};
use crate::cloudflare::state::{Binding, Version, Worker, now};

fn shown(name: &str) -> Value {
    json!({ "name": name, "type": "secret_text" })
}

pub async fn list(State(shared): State<Shared>, Path((_, name)): Path<(String, String)>) -> Answer {
    let state = shared.state();
    let names = find(&state, &name)?.secret_names();
    ok(names.iter().map(|name| shown(name)).collect::<Vec<_>>())
}

pub async fn get(
    State(shared): State<Shared>,
    Path((_, name, secret)): Path<(String, String, String)>,
) -> Answer {
    let state = shared.state();
    match find(&state, &name)?.secret_names().contains(&secret) {
        true => ok(shown(&secret)),
        false => Err(no_secret()),
    }
}

fn no_secret() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, 10056, "Binding not found.")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    name: String,
    text: String,
    #[serde(rename = "type")]
    kind: String,
}

/// Five KB, as for every variable.
const MOST_BYTES: usize = 5 * 1024;

pub async fn put(
    State(shared): State<Shared>,
    Path((_, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Result<Json<Secret>, JsonRejection>,
) -> Answer {
    let Json(secret) = body.map_err(|error| Refusal::body(error.body_text()))?;
    if secret.kind != "secret_text" {
        return Err(Refusal::body(format!(
            "Unknown type of secret `{}`.",
            secret.kind
        )));
    }
    let mut state = shared.state();
    let worker = find_mut(&mut state, &name)?;
    let changes = BTreeMap::from([(secret.name.clone(), Some(secret.text))]);
    change_and_deploy(worker, changes, client(&headers))?;
    ok(shown(&secret.name))
}

pub async fn delete(
    State(shared): State<Shared>,
    Path((_, name, secret)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Answer {
    let mut state = shared.state();
    let worker = find_mut(&mut state, &name)?;
    if !worker.secret_names().contains(&secret) {
        return Err(no_secret());
    }
    change_and_deploy(worker, BTreeMap::from([(secret, None)]), client(&headers))?;
    ok(Value::Null)
}

fn change_and_deploy(
    worker: &mut Worker,
    changes: BTreeMap<String, Option<String>>,
    source: &'static str,
) -> Result<(), Refusal> {
    let latest = worker.latest().map(|version| version.id);
    let live = worker
        .live()
        .map(|deployment| deployment.versions.as_slice());
    if live.is_some_and(|live| !matches!(live, [(id, _)] if Some(*id) == latest)) {
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            10215,
            "Secret edit failed. You attempted to modify a secret, but the latest version of your Worker isn't currently deployed.",
        ));
    }
    let version = change(worker, changes, BTreeMap::new(), source)?;
    let version = worker.add(version);
    worker.deploy(&version, "secret");
    Ok(())
}

/// The latest version with other secrets.
fn change(
    worker: &Worker,
    changes: BTreeMap<String, Option<String>>,
    annotations: BTreeMap<String, String>,
    source: &'static str,
) -> Result<Version, Refusal> {
    let latest = worker.latest().ok_or_else(no_versions)?;
    let mut version = Version::clone(latest);
    version.id = Uuid::new_v4();
    version.created_on = now();
    version.triggered_by = "secret";
    version.annotations = annotations;
    version.source = source;
    for (name, text) in changes {
        let is_other = |binding: &Binding| binding.name == name && !binding.is_secret();
        if version.bindings.iter().any(is_other) {
            return Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                10053,
                format!(
                    "Binding name '{name}' already in use. Please use a different name and try again."
                ),
            ));
        }
        version.bindings.retain(|binding| binding.name != name);
        let Some(text) = text else { continue };
        if text.len() > MOST_BYTES {
            return Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                10054,
                format!("Secret {name} exceeds the size limit of 5 kB."),
            ));
        }
        version.bindings.push(Binding {
            name,
            kind: "secret_text".into(),
            rest: Map::from_iter([("text".to_owned(), Value::String(text))]),
        });
    }
    Ok(version)
}

fn no_versions() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, 10222, "This Worker has no versions.")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patch {
    env: BTreeMap<String, Option<Variable>>,
    #[serde(default)]
    annotations: BTreeMap<String, Option<String>>,
}

#[derive(Deserialize)]
pub struct Variable {
    #[serde(rename = "type")]
    kind: String,
    text: String,
}

/// A new version with other secrets that is not deployed (`versions secret put`).
pub async fn patch_latest(
    State(shared): State<Shared>,
    Path((_, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Answer {
    let patch: Patch =
        serde_json::from_slice(&body).map_err(|error| Refusal::body(error.to_string()))?;
    let mut changes = BTreeMap::new();
    for (name, variable) in patch.env {
        if variable
            .as_ref()
            .is_some_and(|variable| variable.kind != "secret_text")
        {
            return Err(Refusal::body(format!("`{name}` is not a secret.")));
        }
        changes.insert(name, variable.map(|variable| variable.text));
    }
    let annotations = patch
        .annotations
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    let mut state = shared.state();
    let worker = find_mut(&mut state, &name)?;
    let version = change(worker, changes, annotations.collect(), client(&headers))?;
    ok(versions::shown(&shared, &worker.add(version)))
}
