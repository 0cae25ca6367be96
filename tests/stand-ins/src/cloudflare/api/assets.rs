//! Static assets: a session, then its files.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Multipart, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::access::bearer;
use crate::cloudflare::answer::{Answer, Refusal, ok, with_status};
use crate::cloudflare::assets::{self, Manifest, Upload};
use crate::cloudflare::upload::broken;
use crate::cloudflare::{Shared, names};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    manifest: Manifest,
}

pub async fn open(
    State(shared): State<Shared>,
    Path((_, worker)): Path<(String, String)>,
    body: Result<Json<Session>, JsonRejection>,
) -> Answer {
    let Json(session) = body.map_err(|error| Refusal::body(error.body_text()))?;
    if !names::is_worker(&worker) {
        return Err(Refusal::worker_name());
    }
    let next = assets::open(&mut shared.state(), &worker, session.manifest)?;
    ok(json!({ "jwt": next.jwt, "buckets": next.buckets }))
}

#[derive(Deserialize)]
pub struct Encoding {
    base64: Option<bool>,
}

pub async fn upload(
    State(shared): State<Shared>,
    Query(encoding): Query<Encoding>,
    headers: HeaderMap,
    mut form: Multipart,
) -> Answer {
    let jwt = bearer(&headers)?;
    if encoding.base64 != Some(true) {
        return Err(Refusal::validation(
            "Assets must be uploaded with base64=true.",
        ));
    }
    let mut uploads = Vec::new();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        uploads.push(Upload {
            hash: field.name().unwrap_or_default().to_owned(),
            content_type: field.content_type().map(str::to_owned),
            base64: field.bytes().await.map_err(broken)?,
        });
    }
    match assets::take(&mut shared.state(), jwt, uploads)? {
        Some(jwt) => with_status(StatusCode::CREATED, json!({ "jwt": jwt })),
        None => with_status(StatusCode::ACCEPTED, json!({})),
    }
}
