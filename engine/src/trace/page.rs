//! The page: everything in one file, that needs nothing else and reaches nothing.

use base64::Engine as _;
use serde_json::{Map, Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::record::{Record, State, Step};
use super::{Ended, Run};
use crate::credentials::Veil;

const FRAME: &str = include_str!("page/index.html");
const STYLE: &str = include_str!("page/style.css");
/// In this order, in a scope of their own.
const SCRIPTS: [&str; 6] = [
    include_str!("page/text.js"),
    include_str!("page/model.js"),
    include_str!("page/overview.js"),
    include_str!("page/rows.js"),
    include_str!("page/details.js"),
    include_str!("page/main.js"),
];

pub fn page(run: &Run, record: &Record) -> String {
    let script = format!("\"use strict\";\n(() => {{\n{}}})();\n", SCRIPTS.concat());
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(&script));
    let data = data(run, record).to_string();
    // Within a script element only `<` could end it.
    let data = data.replace('<', "\\u003c");
    let title = Veil::new().over_text(&run.title);
    let mut page = String::with_capacity(FRAME.len() + STYLE.len() + script.len() + data.len());
    let mut rest = FRAME;
    while let Some((before, after)) = rest.split_once("{{") {
        page += before;
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        match name {
            "title" => page += &escaped(&title),
            "hash" => page += &hash,
            "style" => page += STYLE,
            "script" => page += &script,
            "data" => page += &data,
            _ => {}
        }
        rest = after;
    }
    page + rest
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

/// What the scripts read: `text.js` and `model.js` name its parts.
fn data(run: &Run, record: &Record) -> Json {
    let veil = Veil::new();
    let took = record.elapsed();
    let mut logs = Map::new();
    let steps: Vec<Json> = record
        .steps()
        .iter()
        .map(|step| {
            log(step, &veil, &mut logs);
            let end = step.end.unwrap_or(took);
            // Unless it has said so itself, what still runs was ended with the run.
            let state = match (step.state, &run.ended) {
                (State::Running, Some(_)) => State::Stopped,
                (state, _) => state,
            };
            json!([
                step.number,
                step.parent,
                veil.over_text(&step.name),
                millis(step.start),
                millis(end.saturating_sub(step.start)),
                state.word(),
                millis(step.waited.inputs),
                millis(step.waited.turn),
                step.error.as_ref().map(|error| veil.over_text(error)),
            ])
        })
        .collect();
    let (outcome, error) = match &run.ended {
        None => ("running", None),
        Some(Ended::Well) => ("succeeded", None),
        Some(Ended::Interrupted) => ("interrupted", None),
        Some(Ended::Failed(error)) => ("failed", Some(veil.over_text(error))),
    };
    let notes: Vec<Json> = record
        .notes
        .iter()
        .map(|(at, text)| json!([millis(*at), veil.over_text(text)]))
        .collect();
    json!({
        "title": veil.over_text(&run.title),
        "version": env!("CARGO_PKG_VERSION"),
        "trace": super::ids::hex(&run.context.trace),
        "started": run.started_millis(),
        "took": millis(took),
        "outcome": outcome,
        "error": error,
        "leftOut": record.left_out,
        "steps": steps,
        "logs": logs,
        "notes": notes,
    })
}

/// The output of a step: bytes that are left out, then texts in turns, first of
/// standard output.
fn log(step: &Step, veil: &Veil, logs: &mut Map<String, Json>) {
    let (texts, left_out) = step.log.texts(veil.longest());
    if texts.is_empty() && left_out == 0 {
        return;
    }
    let mut parts = vec![json!(left_out)];
    let mut stderr = false;
    for (is_stderr, text) in texts {
        if is_stderr != stderr {
            parts.push(json!(""));
        }
        parts.push(json!(veil.over_text(&text)));
        stderr = !is_stderr;
    }
    logs.insert(step.number.to_string(), Json::Array(parts));
}

/// To a tenth.
fn millis(time: std::time::Duration) -> f64 {
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}
