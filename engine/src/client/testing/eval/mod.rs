//! Queries answered from what is in them: an object's id is its JSON.

mod core;
mod sink;

use std::collections::BTreeMap;

use async_graphql::parser::types::{Field, Selection, SelectionSet};
use serde_json::{Map, Value as Json, json};

use crate::api::QueryError;

type Args = BTreeMap<String, Json>;
type Answer = Result<Json, QueryError>;

pub fn query(text: &str) -> Answer {
    let document = async_graphql::parser::parse_query(text).map_err(|e| error(e.to_string()))?;
    let (_, operation) = document.operations.iter().next().expect("an operation");
    select(&json!({"is": "Query"}), &operation.node.selection_set.node)
}

fn error(message: impl Into<String>) -> QueryError {
    QueryError {
        message: message.into(),
        extensions: Map::new(),
    }
}

fn select(object: &Json, set: &SelectionSet) -> Answer {
    match object {
        Json::Null => return Ok(Json::Null),
        Json::Array(items) => return items.iter().map(|item| select(item, set)).collect(),
        _ => {}
    }
    let mut out = Map::new();
    for selection in &set.items {
        let Selection::Field(field) = &selection.node else {
            continue;
        };
        let field: &Field = &field.node;
        let args: Args = field
            .arguments
            .iter()
            .map(|(name, value)| {
                let value = value.node.clone().into_const().expect("no variables");
                (name.node.to_string(), value.into_json().expect("JSON"))
            })
            .collect();
        let name = field.name.node.as_str();
        let value = call(object, name, &args)?;
        let deeper = !field.selection_set.node.items.is_empty();
        let value = if deeper {
            select(&value, &field.selection_set.node)?
        } else {
            value
        };
        out.insert(name.to_owned(), value);
    }
    Ok(Json::Object(out))
}

fn text(args: &Args, name: &str, default: &str) -> String {
    args.get(name)
        .and_then(Json::as_str)
        .unwrap_or(default)
        .to_owned()
}

fn number(args: &Args, name: &str, default: i64) -> i64 {
    args.get(name).and_then(Json::as_i64).unwrap_or(default)
}

fn object(args: &Args, name: &str) -> Json {
    serde_json::from_str(&text(args, name, "null")).expect("an id")
}

fn strings(args: &Args, name: &str) -> Vec<String> {
    let items = args
        .get(name)
        .and_then(Json::as_array)
        .cloned()
        .unwrap_or_default();
    items
        .iter()
        .map(|i| i.as_str().expect("a string").to_owned())
        .collect()
}

fn person(name: &str, age: i64) -> Json {
    json!({"is": "SinkPerson", "name": name, "age": age})
}

fn call(object: &Json, name: &str, args: &Args) -> Answer {
    if matches!(name, "id" | "sync") {
        if let Some(failed) = object.get("failed") {
            return Err(core::exec_error(failed.as_i64().unwrap_or(1)));
        }
        if let Some(missing) = object.get("missing") {
            return Err(error(format!(
                "{}: no such file or directory",
                crate::client::print::scalar(missing)
            )));
        }
        return Ok(Json::String(object.to_string()));
    }
    match object["is"].as_str().unwrap_or_default() {
        "Query" => root(name, args),
        "Host" => host(name, args),
        "Directory" => core::directory(object, name, args),
        "File" => core::file(object, name),
        "Container" => core::container(object, name, args),
        "Sink" => sink::sink(object, name, args),
        "SinkPerson" if name == "older" => {
            let age = object["age"].as_i64().unwrap_or(0) + number(args, "years", 1);
            Ok(person(object["name"].as_str().unwrap_or_default(), age))
        }
        _ => Ok(object[name].clone()),
    }
}

fn root(name: &str, args: &Args) -> Answer {
    Ok(match name {
        "directory" => json!({"is": "Directory", "files": {}}),
        "file" => {
            json!({"is": "File", "name": text(args, "name", ""), "contents": text(args, "contents", "")})
        }
        "container" => json!({"is": "Container", "env": [], "stdout": null}),
        "host" => json!({"is": "Host"}),
        "cacheVolume" => json!({"is": "CacheVolume", "key": text(args, "key", "")}),
        "setSecret" => json!({"is": "Secret", "name": text(args, "name", "")}),
        "sink" => {
            json!({"is": "Sink", "greeting": text(args, "greeting", "hello"), "total": number(args, "counter", 0)})
        }
        _ => {
            return Err(error(format!(
                "Cannot query field \"{name}\" on type \"Query\"."
            )));
        }
    })
}

fn host(name: &str, args: &Args) -> Answer {
    let path = text(args, "path", "");
    if name == "file" {
        let contents = std::fs::read_to_string(&path).map_err(|e| error(format!("{path}: {e}")))?;
        let base = path.rsplit('/').next().unwrap_or_default();
        return Ok(json!({"is": "File", "name": base, "contents": contents}));
    }
    let mut files = Map::new();
    for entry in walkdir::WalkDir::new(&path).min_depth(1) {
        let entry = entry.map_err(|e| error(e.to_string()))?;
        let inside = entry
            .path()
            .strip_prefix(&path)
            .expect("inside")
            .to_string_lossy()
            .into_owned();
        if entry.file_type().is_file() {
            files.insert(
                inside,
                std::fs::read_to_string(entry.path()).expect("text").into(),
            );
        }
    }
    Ok(json!({"is": "Directory", "files": files}))
}
