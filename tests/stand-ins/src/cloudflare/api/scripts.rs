//! Scripts: an upload that goes live at once, and settings beside versions.

use axum::Json;
use axum::extract::{Multipart, Path, Query, State};
use axum::http::{HeaderMap, header};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::versions::start;
use crate::cloudflare::answer::{Answer, Refusal, ok};
use crate::cloudflare::state::{State as Account, Worker};
use crate::cloudflare::upload::{self, Form, Origin};
use crate::cloudflare::{Shared, names};

#[derive(Deserialize)]
pub struct UploadQuery {
    bindings_inherit: Option<String>,
    #[serde(rename = "excludeScript")]
    _exclude_script: Option<bool>,
}

impl UploadQuery {
    pub fn is_strict(&self) -> Result<bool, Refusal> {
        match self.bindings_inherit.as_deref() {
            None => Ok(false),
            Some("strict") => Ok(true),
            Some(other) => Err(Refusal::validation(format!(
                "bindings_inherit cannot be `{other}`"
            ))),
        }
    }
}

/// Creates or replaces a worker; its new version answers every request.
pub async fn put(
    State(shared): State<Shared>,
    Path((_, name)): Path<(String, String)>,
    Query(query): Query<UploadQuery>,
    headers: HeaderMap,
    form: Multipart,
) -> Answer {
    if !names::is_worker(&name) {
        return Err(Refusal::worker_name());
    }
    let origin = Origin {
        source: client(&headers),
        triggered_by: "upload",
        strict: query.is_strict()?,
    };
    let form = Form::read(form).await?;
    let tags = form.metadata.tags.clone();
    let version = upload::version(&shared.state(), &name, form, origin)?;
    let startup = start(&shared, &version).await?;

    let mut state = shared.state();
    let worker = state
        .workers
        .entry(name.clone())
        .or_insert_with(|| Worker::new(&name, origin.source));
    worker.tags = tags;
    let version = worker.add(version);
    worker.deploy(&version, "upload");
    ok(json!({
        "id": name,
        "etag": version.etag,
        "handlers": ["fetch"],
        "created_on": worker.created_on,
        "modified_on": worker.modified_on,
        "last_deployed_from": worker.last_deployed_from,
        // 32 digits: the version's identifier without its hyphens.
        "deployment_id": version.id.simple().to_string(),
        "has_assets": version.assets.is_some(),
        "has_modules": version.main_module.is_some(),
        "usage_model": "standard",
        "startup_time_ms": startup,
    }))
}

/// Who uploads, told by the user agent.
pub fn client(headers: &HeaderMap) -> &'static str {
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    match agent {
        Some(agent) if agent.starts_with("wrangler/") => "wrangler",
        _ => "api",
    }
}

pub async fn list(State(shared): State<Shared>) -> Answer {
    let state = shared.state();
    let scripts = state.workers.values().map(|worker| {
        json!({
            "id": worker.name,
            "tag": worker.tag,
            "tags": worker.tags,
            "created_on": worker.created_on,
            "modified_on": worker.modified_on,
            "last_deployed_from": worker.last_deployed_from,
        })
    });
    ok(scripts.collect::<Vec<_>>())
}

pub fn find<'a>(state: &'a Account, name: &str) -> Result<&'a Worker, Refusal> {
    state.workers.get(name).ok_or_else(Refusal::no_worker)
}

pub fn find_mut<'a>(state: &'a mut Account, name: &str) -> Result<&'a mut Worker, Refusal> {
    state.workers.get_mut(name).ok_or_else(Refusal::no_worker)
}

pub async fn settings(
    State(shared): State<Shared>,
    Path((_, name)): Path<(String, String)>,
) -> Answer {
    let state = shared.state();
    let worker = find(&state, &name)?;
    let version = worker.latest().ok_or_else(Refusal::no_worker)?;
    let mut settings = worker.settings.clone();
    settings.insert("tags".into(), json!(worker.tags));
    settings.insert(
        "compatibility_date".into(),
        json!(version.compatibility_date),
    );
    settings.insert(
        "compatibility_flags".into(),
        json!(version.compatibility_flags),
    );
    settings.insert("usage_model".into(), json!("standard"));
    let bindings = version.bindings.iter().map(|binding| binding.shown());
    settings.insert("bindings".into(), bindings.collect());
    ok(settings)
}

pub async fn script_settings(
    State(shared): State<Shared>,
    Path((_, name)): Path<(String, String)>,
) -> Answer {
    let state = shared.state();
    ok(shown(find(&state, &name)?))
}

fn shown(worker: &Worker) -> Map<String, Value> {
    let mut settings = worker.settings.clone();
    settings.insert("tags".into(), json!(worker.tags));
    settings
}

/// What may be set without a new version.
const SETTINGS: [&str; 5] = [
    "logpush",
    "observability",
    "tags",
    "tail_consumers",
    "streaming_tail_consumers",
];

pub async fn patch_script_settings(
    State(shared): State<Shared>,
    Path((_, name)): Path<(String, String)>,
    Json(patch): Json<Map<String, Value>>,
) -> Answer {
    let mut state = shared.state();
    let worker = find_mut(&mut state, &name)?;
    if let Some(key) = patch.keys().find(|key| !SETTINGS.contains(&key.as_str())) {
        return Err(Refusal::body(format!("Unknown setting `{key}`.")));
    }
    for (key, value) in patch {
        if key == "tags" {
            let tags: Option<Vec<String>> = serde_json::from_value(value)
                .map_err(|_| Refusal::body("`tags` must be strings."))?;
            worker.tags = tags.unwrap_or_default();
        } else {
            worker.settings.insert(key, value);
        }
    }
    ok(shown(worker))
}

pub async fn schedules(
    State(shared): State<Shared>,
    Path((_, name)): Path<(String, String)>,
) -> Answer {
    let state = shared.state();
    ok(json!({ "schedules": find(&state, &name)?.schedules }))
}

pub async fn put_schedules(
    State(shared): State<Shared>,
    Path((_, name)): Path<(String, String)>,
    Json(schedules): Json<Vec<Value>>,
) -> Answer {
    let mut state = shared.state();
    let worker = find_mut(&mut state, &name)?;
    if let Some(bad) = schedules
        .iter()
        .find(|schedule| !schedule["cron"].is_string())
    {
        return Err(Refusal::body(format!("Invalid schedule {bad}.")));
    }
    worker.schedules = schedules;
    ok(json!({ "schedules": worker.schedules }))
}
