//! Deployments: which versions answer, each with its share of the requests.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::scripts::{client, find, find_mut};
use super::versions::no_version;
use crate::cloudflare::Shared;
use crate::cloudflare::answer::{Answer, Refusal, ok};
use crate::cloudflare::state::{Deployment, Version, now};

/// How many the list shows.
const SHOWN: usize = 10;

fn shown(shared: &Shared, deployment: &Deployment) -> Value {
    let versions = deployment
        .versions
        .iter()
        .map(|(id, percentage)| json!({ "version_id": id, "percentage": percentage }));
    json!({
        "id": deployment.id,
        "created_on": deployment.created_on,
        "source": deployment.source,
        "strategy": "percentage",
        "author_email": shared.settings.email,
        "annotations": deployment.annotations,
        "versions": versions.collect::<Vec<_>>(),
    })
}

pub async fn list(State(shared): State<Shared>, Path((_, name)): Path<(String, String)>) -> Answer {
    let state = shared.state();
    let newest_first = find(&state, &name)?.deployments.iter().rev().take(SHOWN);
    let deployments: Vec<Value> = newest_first
        .map(|deployment| shown(&shared, deployment))
        .collect();
    ok(json!({ "deployments": deployments }))
}

pub async fn get(
    State(shared): State<Shared>,
    Path((_, name, deployment)): Path<(String, String, String)>,
) -> Answer {
    let state = shared.state();
    let id = Uuid::parse_str(&deployment).ok();
    let mut all = find(&state, &name)?.deployments.iter();
    match all.find(|deployment| Some(deployment.id) == id) {
        Some(deployment) => ok(shown(&shared, deployment)),
        None => Err(Refusal::new(
            StatusCode::NOT_FOUND,
            100147,
            "Could not find a deployment with that ID.",
        )),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct New {
    strategy: String,
    versions: Vec<Share>,
    #[serde(default)]
    annotations: BTreeMap<String, Option<String>>,
    #[serde(rename = "code_update_strategy")]
    _code_update_strategy: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Share {
    version_id: String,
    percentage: f64,
}

#[derive(Deserialize)]
pub struct Force {
    #[serde(default)]
    force: bool,
}

pub async fn post(
    State(shared): State<Shared>,
    Path((_, name)): Path<(String, String)>,
    Query(Force { force }): Query<Force>,
    headers: HeaderMap,
    body: Result<Json<New>, JsonRejection>,
) -> Answer {
    let Json(new) = body.map_err(|error| Refusal::body(error.body_text()))?;
    let mut state = shared.state();
    let worker = find_mut(&mut state, &name)?;
    if new.strategy != "percentage" {
        return Err(Refusal::validation(format!(
            "Unknown strategy `{}`.",
            new.strategy
        )));
    }
    let shares = shares(&new.versions)?;
    let mut versions = Vec::new();
    for (id, _) in &shares {
        versions.push(worker.version(*id).ok_or_else(no_version)?.clone());
    }
    if let (false, [version], Some(live)) = (force, versions.as_slice(), worker.live()) {
        let live = live
            .versions
            .first()
            .and_then(|(id, _)| worker.version(*id));
        if let Some(live) = live.filter(|live| version.number < live.number) {
            check_secrets(version, live)?;
        }
    }
    let mut annotations = BTreeMap::new();
    for (name, value) in new.annotations {
        match (name.as_str(), value) {
            (_, None) => {}
            ("workers/message", Some(value)) => {
                drop(annotations.insert(name, value.chars().take(1000).collect()))
            }
            _ => {
                return Err(Refusal::validation(format!(
                    "Annotation `{name}` cannot be set."
                )));
            }
        }
    }
    annotations.insert("workers/triggered_by".into(), "deployment".into());
    let deployment = Deployment {
        id: Uuid::new_v4(),
        created_on: now(),
        source: client(&headers),
        annotations,
        versions: shares,
    };
    let shown = shown(&shared, &deployment);
    worker.deployments.push(deployment);
    ok(shown)
}

/// One or two versions whose percentages add up to 100.
fn shares(sent: &[Share]) -> Result<Vec<(Uuid, f64)>, Refusal> {
    if sent.is_empty() || sent.len() > 2 {
        return Err(Refusal::validation(format!(
            "A deployment has one or two versions, not {}.",
            sent.len()
        )));
    }
    let mut shares = Vec::new();
    for share in sent {
        if !(0.0..=100.0).contains(&share.percentage) {
            return Err(Refusal::validation(format!(
                "Percentage {} is not between 0 and 100.",
                share.percentage
            )));
        }
        let id = Uuid::parse_str(&share.version_id).map_err(|_| no_version())?;
        shares.push((id, share.percentage));
    }
    let distinct: BTreeSet<Uuid> = shares.iter().map(|(id, _)| *id).collect();
    if distinct.len() != shares.len() {
        return Err(Refusal::validation(
            "A deployment cannot have a version twice.",
        ));
    }
    let sum: f64 = shares.iter().map(|(_, percentage)| percentage).sum();
    if (sum - 100.0).abs() > 0.001 {
        return Err(Refusal::validation(format!(
            "Percentages must add up to 100, not {sum}."
        )));
    }
    Ok(shares)
}

/// Going back over a change of secrets needs `force`, which Wrangler asks the user for.
fn check_secrets(version: &Version, live: &Version) -> Result<(), Refusal> {
    let secrets = |version: &Version| -> BTreeMap<String, Option<Value>> {
        let secrets = version
            .bindings
            .iter()
            .filter(|binding| binding.is_secret());
        secrets
            .map(|binding| (binding.name.clone(), binding.rest.get("text").cloned()))
            .collect()
    };
    let (then, now) = (secrets(version), secrets(live));
    let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    let changed: Vec<&str> = names
        .into_iter()
        .filter(|name| then.get(*name) != now.get(*name))
        .map(String::as_str)
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::BAD_REQUEST,
        10220,
        format!(
            "Cannot rollback to a version with different secrets. The following secrets have changed: {}",
            changed.join(", ")
        ),
    ))
}
