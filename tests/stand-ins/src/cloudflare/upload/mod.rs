//! An uploaded version: a [`form`] with `metadata` and the modules that it names,
//! held against the [`rules`] and what the account has.
//!
//! Source: Cloudflare's page "Multipart upload metadata", and the form that
//! Wrangler builds (`createWorkerUploadForm`).

mod bindings;
mod form;
mod rules;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::answer::Refusal;
use super::assets;
use super::state::{Assets, State, Version, now};
use form::AssetsMetadata;
pub use form::{Form, broken};

/// How a version comes to be.
#[derive(Debug, Clone, Copy)]
pub struct Origin {
    /// `wrangler` or `api`.
    pub source: &'static str,
    pub triggered_by: &'static str,
    /// `bindings_inherit=strict`: a binding that cannot be inherited is an error.
    pub strict: bool,
}

/// Checks the form against what the account holds and makes a version of it.
pub fn version(
    state: &State,
    worker: &str,
    form: Form,
    origin: Origin,
) -> Result<Version, Refusal> {
    let Form {
        metadata,
        written,
        modules,
    } = form;
    let before = state.workers.get(worker).and_then(|worker| worker.latest());

    rules::check_code(&metadata, &modules)?;
    rules::check_date(metadata.compatibility_date.as_deref())?;
    let annotations = rules::annotations(&metadata.annotations, worker)?;
    let before_bindings = before
        .map(|version| version.bindings.as_slice())
        .unwrap_or_default();
    let bindings = bindings::bindings(&metadata, before_bindings, origin.strict)?;

    let config = |config: Map<String, Value>| {
        rules::check_assets_config(&config)?;
        Ok(config)
    };
    let assets = match metadata.assets {
        Some(AssetsMetadata {
            jwt: Some(jwt),
            config: c,
        }) => Some(Assets {
            files: assets::complete(state, worker, &jwt)?,
            config: config(c)?,
        }),
        _ if metadata.keep_assets => before.and_then(|version| version.assets.clone()),
        Some(_) => return Err(Refusal::validation("`assets` must have a `jwt`.")),
        None => None,
    };
    if assets.is_none() && bindings.iter().any(|binding| binding.kind == "assets") {
        return Err(Refusal::validation(
            "Cannot use an assets binding without assets",
        ));
    }
    if assets.is_none() && metadata.main_module.is_none() {
        return Err(Refusal::validation(
            "A Worker needs a `main_module` or assets, the metadata has neither.",
        ));
    }

    let mut etag = Sha256::new();
    for module in &modules {
        etag.update(&module.name);
        etag.update(&module.contents);
    }
    for (path, asset) in assets.iter().flat_map(|assets| &assets.files) {
        etag.update(path);
        etag.update(&asset.hash);
    }
    Ok(Version {
        id: Uuid::new_v4(),
        number: 0,
        created_on: now(),
        triggered_by: origin.triggered_by,
        annotations,
        source: origin.source,
        etag: etag
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
        main_module: metadata.main_module,
        compatibility_date: metadata.compatibility_date,
        compatibility_flags: metadata.compatibility_flags,
        modules,
        bindings,
        assets,
        metadata: rules::without_credentials(written),
    })
}
