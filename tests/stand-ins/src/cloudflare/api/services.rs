//! A worker as a whole: asked for before an upload, and deleted.

use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::scripts::find;
use super::subdomain;
use crate::cloudflare::Shared;
use crate::cloudflare::answer::{Answer, Refusal, ok};

pub async fn get(State(shared): State<Shared>, Path((_, name)): Path<(String, String)>) -> Answer {
    let state = shared.state();
    let worker = state.workers.get(&name).ok_or_else(Refusal::no_service)?;
    let version = worker.latest();
    ok(json!({
        "id": worker.name,
        "created_on": worker.created_on,
        "modified_on": worker.modified_on,
        "default_environment": {
            "environment": "production",
            "created_on": worker.created_on,
            "modified_on": worker.modified_on,
            "script": {
                "id": worker.name,
                "tag": worker.tag,
                "tags": worker.tags,
                "etag": version.map(|version| &version.etag),
                "handlers": ["fetch"],
                "created_on": worker.created_on,
                "modified_on": worker.modified_on,
                "last_deployed_from": worker.last_deployed_from,
                "usage_model": "standard",
                "compatibility_date": version.and_then(|version| version.compatibility_date.as_ref()),
            },
        },
        "environments": [{ "environment": "production" }],
    }))
}

#[derive(Deserialize)]
pub struct Force {
    #[serde(default, rename = "force")]
    _force: bool,
}

pub async fn delete(
    State(shared): State<Shared>,
    Path((_, name)): Path<(String, String)>,
    Query(_): Query<Force>,
) -> Answer {
    let mut state = shared.state();
    state
        .workers
        .remove(&name)
        .ok_or_else(Refusal::no_service)?;
    state.contents.retain(|(worker, _), _| *worker != name);
    ok(Value::Null)
}

pub async fn worker(
    State(shared): State<Shared>,
    Path((_, name)): Path<(String, String)>,
) -> Answer {
    let state = shared.state();
    let worker = find(&state, &name)?;
    ok(json!({
        "id": worker.tag,
        "name": worker.name,
        "created_on": worker.created_on,
        "updated_on": worker.modified_on,
        "tags": worker.tags,
        "logpush": worker.settings.get("logpush").and_then(Value::as_bool).unwrap_or(false),
        "observability": worker.settings.get("observability"),
        "subdomain": subdomain::shown(&shared, worker),
    }))
}

/// Nothing refers to a worker here: bindings to services are not taken.
pub async fn references(
    State(shared): State<Shared>,
    Path((_, name)): Path<(String, String)>,
) -> Answer {
    find(&shared.state(), &name)?;
    ok(json!({
        "services": { "incoming": [], "outgoing": [], "pages_function": false },
        "durable_objects": [],
        "dispatch_outbounds": [],
    }))
}

pub async fn tails() -> Answer {
    ok(json!([]))
}
