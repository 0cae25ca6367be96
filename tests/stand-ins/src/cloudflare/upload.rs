//! An uploaded version: a form with `metadata` and the modules that it names.
//!
//! Source: Cloudflare's page "Multipart upload metadata", and the form that
//! Wrangler builds (`createWorkerUploadForm`).

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::Multipart;
use axum::extract::multipart::MultipartError;
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::answer::Refusal;
use super::state::{Assets, Binding, Module, State, Version, now};
use super::{assets, names};

/// All modules together, before compression.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// Kinds of bindings that can be served here.
const KINDS: [&str; 5] = [
    "plain_text",
    "json",
    "secret_text",
    "assets",
    "version_metadata",
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    main_module: Option<String>,
    compatibility_date: Option<String>,
    #[serde(default)]
    compatibility_flags: Vec<String>,
    #[serde(default)]
    bindings: Vec<Map<String, Value>>,
    #[serde(default)]
    keep_bindings: Vec<String>,
    #[serde(default)]
    keep_assets: bool,
    assets: Option<AssetsMetadata>,
    #[serde(default)]
    annotations: Map<String, Value>,
    #[serde(default)]
    tags: Vec<String>,
    // Settings that are written down and change nothing of what is served here.
    #[serde(rename = "logpush")]
    _logpush: Option<bool>,
    #[serde(rename = "observability")]
    _observability: Option<Value>,
    #[serde(rename = "placement")]
    _placement: Option<Value>,
    #[serde(rename = "limits")]
    _limits: Option<Value>,
    #[serde(rename = "usage_model")]
    _usage_model: Option<String>,
    #[serde(rename = "cache_options")]
    _cache_options: Option<Value>,
    #[serde(rename = "package_dependencies")]
    _package_dependencies: Option<Value>,
    #[serde(rename = "code_update_strategy")]
    _code_update_strategy: Option<Value>,
    #[serde(rename = "tail_consumers")]
    _tail_consumers: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AssetsMetadata {
    jwt: Option<String>,
    #[serde(default)]
    config: Map<String, Value>,
}

/// What came in the form, before anything is looked up.
#[derive(Debug)]
pub struct Form {
    metadata: Metadata,
    written: Value,
    modules: Vec<Module>,
}

impl Form {
    pub async fn read(mut form: Multipart) -> Result<Form, Refusal> {
        let mut metadata = None;
        let mut modules = Vec::new();
        let mut bytes = 0;
        while let Some(field) = form.next_field().await.map_err(broken)? {
            let name = field.name().unwrap_or_default().to_owned();
            let content_type = field.content_type().unwrap_or("text/plain").to_owned();
            let contents = field.bytes().await.map_err(broken)?;
            if name == "metadata" {
                let written: Value = serde_json::from_slice(&contents)
                    .map_err(|error| Refusal::body(format!("Could not parse metadata: {error}")))?;
                metadata = Some(written);
                continue;
            }
            bytes += contents.len();
            if bytes > MOST_BYTES {
                return Err(Refusal::too_large(format!(
                    "Your Worker exceeded the size limit of {} MiB.",
                    MOST_BYTES / 1024 / 1024
                )));
            }
            if modules.iter().any(|module: &Module| module.name == name) {
                return Err(Refusal::validation(format!(
                    "Module `{name}` was sent twice."
                )));
            }
            modules.push(Module {
                name,
                content_type,
                contents,
            });
        }
        let written = metadata.ok_or_else(|| Refusal::body("The form has no part `metadata`."))?;
        let metadata = Metadata::deserialize(&written)
            .map_err(|error| Refusal::validation(format!("Invalid metadata: {error}")))?;
        Ok(Form {
            metadata,
            written,
            modules,
        })
    }
}

fn broken(error: MultipartError) -> Refusal {
    Refusal::new(error.status(), 10026, error.body_text())
}

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

    check_code(&metadata, &modules)?;
    check_date(metadata.compatibility_date.as_deref())?;
    let annotations = annotations(&metadata.annotations, worker)?;
    let before_bindings = before
        .map(|version| version.bindings.as_slice())
        .unwrap_or_default();
    let bindings = bindings(&metadata, before_bindings, origin.strict)?;

    let config = |config: Map<String, Value>| {
        check_assets_config(&config)?;
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
        metadata: without_credentials(written),
    })
}

fn check_code(metadata: &Metadata, modules: &[Module]) -> Result<(), Refusal> {
    let Some(main) = &metadata.main_module else {
        return match modules.first() {
            None => Ok(()),
            Some(module) => Err(Refusal::validation(format!(
                "Module `{}` was sent without a `main_module`.",
                module.name
            ))),
        };
    };
    let Some(module) = modules.iter().find(|module| module.name == *main) else {
        return Err(Refusal::validation(format!("No such module \"{main}\".")));
    };
    if module.content_type != "application/javascript+module" {
        return Err(Refusal::validation(format!(
            "The main module must be of type `application/javascript+module`, not `{}`.",
            module.content_type
        )));
    }
    Ok(())
}

fn check_date(date: Option<&str>) -> Result<(), Refusal> {
    let Some(date) = date else { return Ok(()) };
    let Ok(day) = chrono::NaiveDate::parse_from_str(date, "%Y-%m-%d") else {
        return Err(Refusal::validation(format!(
            "Invalid compatibility date: {date}"
        )));
    };
    if day > chrono::Utc::now().date_naive() {
        return Err(Refusal::validation(format!(
            "Can't set compatibility date in the future: {date}"
        )));
    }
    Ok(())
}

/// `workers/message`, `workers/tag` and `workers/alias`, each within its limits.
fn annotations(
    sent: &Map<String, Value>,
    worker: &str,
) -> Result<BTreeMap<String, String>, Refusal> {
    let mut kept = BTreeMap::new();
    for (name, value) in sent {
        let Some(value) = value.as_str() else {
            return Err(Refusal::validation(format!(
                "Annotation `{name}` must be a string."
            )));
        };
        let value = match name.as_str() {
            // Longer messages are cut, not refused.
            "workers/message" => value.chars().take(1000).collect(),
            "workers/tag" if value.len() > 100 => {
                return Err(Refusal::validation(
                    "validation failures: tag is longer than 100 bytes",
                ));
            }
            "workers/alias" if !names::is_alias(value, worker) => {
                return Err(Refusal::validation(format!(
                    "validation failures: invalid alias: {value}"
                )));
            }
            "workers/tag" | "workers/alias" => value.to_owned(),
            _ => {
                return Err(Refusal::validation(format!(
                    "Annotation `{name}` cannot be set."
                )));
            }
        };
        kept.insert(name.clone(), value);
    }
    Ok(kept)
}

/// The bindings that were sent, and those of the version before that are kept.
fn bindings(
    metadata: &Metadata,
    before: &[Binding],
    strict: bool,
) -> Result<Vec<Binding>, Refusal> {
    let mut all: Vec<Binding> = Vec::new();
    let mut names = BTreeSet::new();
    for sent in &metadata.bindings {
        let text = |key: &str| {
            sent.get(key)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
        };
        let Some(name) = text("name") else {
            return Err(Refusal::new(
                axum::http::StatusCode::BAD_REQUEST,
                10052,
                "A binding is uploaded without a name.",
            ));
        };
        let Some(kind) = text("type") else {
            return Err(Refusal::validation(format!("Binding {name} has no type.")));
        };
        if !names.insert(name.to_owned()) {
            return Err(Refusal::validation(format!(
                "Binding name {name} is used twice."
            )));
        }
        if kind == "inherit" {
            match before.iter().find(|binding| binding.name == name) {
                Some(binding) => all.push(binding.clone()),
                None if strict => {
                    return Err(Refusal::new(
                        axum::http::StatusCode::BAD_REQUEST,
                        10057,
                        format!(
                            "Cannot inherit binding {name}: the previous version does not have it."
                        ),
                    ));
                }
                None => {}
            }
            continue;
        }
        if !KINDS.contains(&kind) {
            return Err(Refusal::validation(format!(
                "binding {name} of type {kind} cannot be served by this stand-in"
            )));
        }
        if ["plain_text", "secret_text"].contains(&kind)
            && !sent.get("text").is_some_and(Value::is_string)
        {
            return Err(Refusal::validation(format!(
                "binding {name} of type {kind} must have a valid `text` specified"
            )));
        }
        let mut rest = sent.clone();
        rest.retain(|key, _| key != "name" && key != "type");
        all.push(Binding {
            name: name.to_owned(),
            kind: kind.to_owned(),
            rest,
        });
    }
    let kept = before.iter().filter(|binding| {
        metadata.keep_bindings.contains(&binding.kind) && !names.contains(&binding.name)
    });
    all.extend(kept.cloned());
    Ok(all)
}

fn check_assets_config(config: &Map<String, Value>) -> Result<(), Refusal> {
    let one_of = |key: &str, allowed: &[&str]| match config.get(key) {
        None => Ok(()),
        Some(value) if value.as_str().is_some_and(|value| allowed.contains(&value)) => Ok(()),
        Some(value) => Err(Refusal::validation(format!(
            "Invalid value for assets.config.{key}: {value}"
        ))),
    };
    one_of(
        "html_handling",
        &[
            "auto-trailing-slash",
            "force-trailing-slash",
            "drop-trailing-slash",
            "none",
        ],
    )?;
    one_of(
        "not_found_handling",
        &["none", "single-page-application", "404-page"],
    )?;
    const KNOWN: [&str; 6] = [
        "html_handling",
        "not_found_handling",
        "run_worker_first",
        "base_path",
        "_headers",
        "_redirects",
    ];
    match config.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        Some(key) => Err(Refusal::validation(format!(
            "Unknown field assets.config.{key}"
        ))),
        None => Ok(()),
    }
}

/// The metadata without the texts of secrets and without tokens.
fn without_credentials(mut metadata: Value) -> Value {
    if let Some(assets) = metadata.get_mut("assets").and_then(Value::as_object_mut) {
        assets.remove("jwt");
    }
    let bindings = metadata.get_mut("bindings").and_then(Value::as_array_mut);
    for binding in bindings
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        if binding.get("type").and_then(Value::as_str) == Some("secret_text") {
            binding.remove("text");
        }
    }
    metadata
}

impl Metadata {
    pub fn tags(&self) -> &[String] {
        &self.tags
    }
}

impl Form {
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}
