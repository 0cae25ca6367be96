//! What metadata may say.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::form::Metadata;
use crate::cloudflare::answer::Refusal;
use crate::cloudflare::names;
use crate::cloudflare::state::Module;

pub fn check_code(metadata: &Metadata, modules: &[Module]) -> Result<(), Refusal> {
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

pub fn check_date(date: Option<&str>) -> Result<(), Refusal> {
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
pub fn annotations(
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

pub fn check_assets_config(config: &Map<String, Value>) -> Result<(), Refusal> {
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
pub fn without_credentials(mut metadata: Value) -> Value {
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
