//! The form of an upload: its metadata, and the modules that come with it.

use axum::extract::Multipart;
use axum::extract::multipart::MultipartError;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::cloudflare::answer::Refusal;
use crate::cloudflare::state::Module;

/// All modules together, before compression.
const MOST_BYTES: usize = 64 * 1024 * 1024;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    pub main_module: Option<String>,
    pub compatibility_date: Option<String>,
    #[serde(default)]
    pub compatibility_flags: Vec<String>,
    #[serde(default)]
    pub bindings: Vec<Map<String, Value>>,
    #[serde(default)]
    pub keep_bindings: Vec<String>,
    #[serde(default)]
    pub keep_assets: bool,
    pub assets: Option<AssetsMetadata>,
    #[serde(default)]
    pub annotations: Map<String, Value>,
    #[serde(default)]
    pub tags: Vec<String>,
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
pub struct AssetsMetadata {
    pub jwt: Option<String>,
    #[serde(default)]
    pub config: Map<String, Value>,
}

/// What came in the form, before anything is looked up.
#[derive(Debug)]
pub struct Form {
    pub metadata: Metadata,
    pub written: Value,
    pub modules: Vec<Module>,
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

pub fn broken(error: MultipartError) -> Refusal {
    Refusal::new(error.status(), 10026, error.body_text())
}
