//! Where workers answer: the account's subdomain of `workers.dev`, and whether
//! a worker and its previews are there.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::scripts::{find, find_mut};
use crate::cloudflare::Shared;
use crate::cloudflare::answer::{Answer, Refusal, ok};
use crate::cloudflare::state::{Subdomain, Worker};

pub async fn of_account(State(shared): State<Shared>) -> Answer {
    ok(json!({ "subdomain": shared.settings.subdomain }))
}

pub fn shown(shared: &Shared, worker: &Worker) -> Value {
    let domain = shared.settings.domain();
    json!({
        "enabled": worker.subdomain.enabled,
        "previews_enabled": worker.subdomain.previews_enabled,
        "url": format!("https://{}.{domain}", worker.name),
        "preview_url_suffix": format!("-{}.{domain}", worker.name),
    })
}

pub async fn get(State(shared): State<Shared>, Path((_, name)): Path<(String, String)>) -> Answer {
    let state = shared.state();
    let subdomain = find(&state, &name)?.subdomain;
    ok(json!({ "enabled": subdomain.enabled, "previews_enabled": subdomain.previews_enabled }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct New {
    enabled: bool,
    previews_enabled: Option<bool>,
}

pub async fn post(
    State(shared): State<Shared>,
    Path((_, name)): Path<(String, String)>,
    body: Result<Json<New>, JsonRejection>,
) -> Answer {
    let Json(new) = body.map_err(|error| Refusal::body(error.body_text()))?;
    let mut state = shared.state();
    let worker = find_mut(&mut state, &name)?;
    worker.subdomain = Subdomain {
        enabled: new.enabled,
        // Previews follow the worker where nothing is said of them.
        previews_enabled: new.previews_enabled.unwrap_or(new.enabled),
    };
    let Subdomain {
        enabled,
        previews_enabled,
    } = worker.subdomain;
    ok(json!({ "enabled": enabled, "previews_enabled": previews_enabled }))
}
