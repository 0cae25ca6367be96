//! What a worker finds in `env`: bindings that were sent, and those that are kept.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::Value;

use super::form::Metadata;
use crate::cloudflare::answer::Refusal;
use crate::cloudflare::state::Binding;

/// Kinds of bindings that can be served here.
const KINDS: [&str; 5] = [
    "plain_text",
    "json",
    "secret_text",
    "assets",
    "version_metadata",
];

/// The bindings that were sent, and those of the version before that are kept.
pub fn bindings(
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
                StatusCode::BAD_REQUEST,
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
                        StatusCode::BAD_REQUEST,
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
