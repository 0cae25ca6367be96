//! Versions: uploads that answer no request until they are deployed, except
//! under their preview addresses.

use std::time::Instant;

use axum::Json;
use axum::extract::{Multipart, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::scripts::{UploadQuery, client, find, find_mut};
use crate::cloudflare::answer::{Answer, Page, Refusal, ok};
use crate::cloudflare::state::Version;
use crate::cloudflare::upload::{self, Form, Origin};
use crate::cloudflare::{Shared, serving};

pub async fn post(
    State(shared): State<Shared>,
    Path((_, name)): Path<(String, String)>,
    Query(query): Query<UploadQuery>,
    headers: HeaderMap,
    form: Multipart,
) -> Answer {
    find(&shared.state(), &name)?;
    let origin = Origin {
        source: client(&headers),
        triggered_by: "version_upload",
        strict: query.is_strict()?,
    };
    let form = Form::read(form).await?;
    let version = upload::version(&shared.state(), &name, form, origin)?;
    let startup = start(&shared, &version).await?;
    let mut state = shared.state();
    let version = find_mut(&mut state, &name)?.add(version);
    let mut shown = shown(&shared, &version);
    shown["startup_time_ms"] = json!(startup);
    ok(shown)
}

/// Runs the version's code, as the real API does before it takes a version: what
/// throws at startup is refused in the runtime's words. Says how long it took.
pub async fn start(shared: &Shared, version: &Version) -> Result<u128, Refusal> {
    if version.main_module.is_none() {
        return Ok(1);
    }
    let started = Instant::now();
    let port = shared
        .runtime
        .port(version, || serving::definition(version))
        .await;
    port.map_err(|failure| Refusal::validation(failure.0))?;
    Ok(started.elapsed().as_millis())
}

/// A version in full.
pub fn shown(shared: &Shared, version: &Version) -> Value {
    let mut annotations = version.annotations.clone();
    annotations.insert("workers/triggered_by".into(), version.triggered_by.into());
    json!({
        "id": version.id,
        "number": version.number,
        "metadata": {
            "created_on": version.created_on,
            "modified_on": version.created_on,
            "source": version.source,
            "author_email": shared.settings.email,
            "has_preview": true,
        },
        "annotations": annotations,
        "resources": {
            "script": {
                "etag": version.etag,
                "handlers": ["fetch"],
                "last_deployed_from": version.source,
            },
            "script_runtime": {
                "compatibility_date": version.compatibility_date,
                "compatibility_flags": version.compatibility_flags,
                "usage_model": "standard",
            },
            "bindings": version.bindings.iter().map(|binding| binding.shown()).collect::<Vec<_>>(),
        },
    })
}

#[derive(Deserialize)]
pub struct Deployable {
    #[serde(default)]
    deployable: bool,
}

pub async fn list(
    State(shared): State<Shared>,
    Path((_, name)): Path<(String, String)>,
    Query(Deployable { deployable }): Query<Deployable>,
    Query(page): Query<Page>,
) -> Answer {
    let state = shared.state();
    let newest_first: Vec<Value> = find(&state, &name)?
        .versions
        .iter()
        .rev()
        .map(|version| {
            let mut shown = shown(&shared, version);
            if let (false, Some(shown)) = (deployable, shown.as_object_mut()) {
                shown.remove("resources");
            }
            shown
        })
        .collect();
    // Deployable versions come on one page, the last hundred of them.
    let (items, info) = if deployable {
        let items: Vec<Value> = newest_first.into_iter().take(100).collect();
        let count = items.len();
        (
            items,
            json!({ "page": 1, "per_page": 100, "count": count, "total_count": count, "total_pages": 1 }),
        )
    } else {
        page.cut(&newest_first, 10, 100)?
    };
    let body = json!({
        "success": true, "errors": [], "messages": [],
        "result": { "items": items }, "result_info": info,
    });
    Ok(Json(body).into_response())
}

pub fn no_version() -> Refusal {
    Refusal::new(
        StatusCode::NOT_FOUND,
        100146,
        "Could not find a version with that ID.",
    )
}

pub async fn get(
    State(shared): State<Shared>,
    Path((_, name, version)): Path<(String, String, String)>,
) -> Answer {
    let state = shared.state();
    let worker = find(&state, &name)?;
    let id = Uuid::parse_str(&version).map_err(|_| no_version())?;
    ok(shown(&shared, worker.version(id).ok_or_else(no_version)?))
}
