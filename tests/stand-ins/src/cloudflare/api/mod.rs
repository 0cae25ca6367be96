//! The endpoints, a file for each group, below `/client/v4`.
//!
//! Every request first passes [`access`]: who asks, and for which account. What
//! no endpoint answers is refused as Cloudflare does, and written down.

mod access;
pub use access::Access;
mod account;
mod assets;
mod deployments;
mod scripts;
mod secrets;
mod services;
mod subdomain;
mod versions;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware;
use axum::routing::{get, patch, post, put};

use super::Shared;
use super::answer::{Answer, Refusal};

/// Larger bodies are refused before they are read.
const MOST_BYTES: usize = 100 * 1024 * 1024;

pub fn router(shared: Shared) -> Router {
    let script = Router::new()
        .route("/", put(scripts::put))
        .route("/settings", get(scripts::settings))
        .route(
            "/script-settings",
            get(scripts::script_settings).patch(scripts::patch_script_settings),
        )
        .route("/subdomain", get(subdomain::get).post(subdomain::post))
        .route(
            "/schedules",
            get(scripts::schedules).put(scripts::put_schedules),
        )
        .route("/references", get(services::references))
        .route("/assets-upload-session", post(assets::open))
        .route("/versions", get(versions::list).post(versions::post))
        .route("/versions/{version}", get(versions::get))
        .route(
            "/deployments",
            get(deployments::list).post(deployments::post),
        )
        .route("/deployments/{deployment}", get(deployments::get))
        .route("/secrets", get(secrets::list).put(secrets::put))
        .route(
            "/secrets/{secret}",
            get(secrets::get).delete(secrets::delete),
        );
    let account = Router::new()
        .route("/", get(account::get))
        .route("/workers/scripts", get(scripts::list))
        .nest("/workers/scripts/{script}", script)
        .route(
            "/workers/services/{script}",
            get(services::get).delete(services::delete),
        )
        .route("/workers/workers/{script}", get(services::worker))
        .route(
            "/workers/workers/{script}/versions/latest",
            patch(secrets::patch_latest),
        )
        .route("/workers/subdomain", get(subdomain::of_account))
        .route("/workers/tails/by-consumer/{script}", get(services::tails))
        .route("/workers/assets/upload", post(assets::upload))
        .route(
            "/workers/durable_objects/namespaces",
            get(account::namespaces),
        )
        .route("/storage/kv/namespaces", get(account::namespaces));
    let api = Router::new()
        .route("/user", get(account::user))
        .route("/user/tokens/verify", get(account::verify))
        .route("/accounts", get(account::list))
        .route("/memberships", get(account::memberships))
        .nest("/accounts/{account}", account)
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(middleware::from_fn_with_state(
            shared.clone(),
            access::check,
        ))
        .layer(DefaultBodyLimit::max(MOST_BYTES));
    Router::new().nest("/client/v4", api).with_state(shared)
}

/// What the real API answers as well, and what a test should hear of.
async fn unknown(State(shared): State<Shared>, request: Request) -> Answer {
    let asked = format!("{} {}", request.method(), request.uri().path());
    shared.state().unknown.push(asked);
    Err(Refusal::no_route())
}
