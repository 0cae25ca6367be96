//! Queries answered from what is in them: an object's id is its JSON.

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
            return Err(exec_error(failed.as_i64().unwrap_or(1)));
        }
        if let Some(missing) = object.get("missing") {
            return Err(error(format!(
                "{}: no such file or directory",
                super::super::print::scalar(missing)
            )));
        }
        return Ok(Json::String(object.to_string()));
    }
    match object["is"].as_str().unwrap_or_default() {
        "Query" => root(name, args),
        "Host" => host(name, args),
        "Directory" => directory(object, name, args),
        "File" => file(object, name),
        "Container" => container(object, name, args),
        "Sink" => sink(object, name, args),
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

fn directory(object: &Json, name: &str, args: &Args) -> Answer {
    let mut files = object["files"].as_object().cloned().unwrap_or_default();
    let path = text(args, "path", "")
        .trim_start_matches(['/', '.'])
        .to_owned();
    let prefix = if path.is_empty() {
        String::new()
    } else {
        format!("{}/", path.trim_end_matches('/'))
    };
    match name {
        "withNewFile" => drop(files.insert(path, text(args, "contents", "").into())),
        "withNewDirectory" => drop(files.insert(prefix, Json::Null)),
        "withFile" => drop(files.insert(path, self::object(args, "source")["contents"].clone())),
        "withDirectory" => {
            let source = self::object(args, "source");
            let globs = strings(args, "include");
            for (inside, contents) in source["files"].as_object().expect("files") {
                let kept = globs
                    .iter()
                    .any(|g| inside.ends_with(g.trim_start_matches('*')));
                if globs.is_empty() || kept {
                    files.insert(format!("{prefix}{inside}"), contents.clone());
                }
            }
        }
        "entries" => {
            let mut names: Vec<String> = files
                .keys()
                .filter_map(|f| f.strip_prefix(&prefix))
                .map(first)
                .collect();
            names.sort();
            names.dedup();
            return Ok(json!(names));
        }
        "exists" => return Ok(json!(files.contains_key(&path))),
        "file" => {
            let base = path.rsplit('/').next().unwrap_or_default();
            return Ok(match files.get(&path) {
                Some(contents) => json!({"is": "File", "name": base, "contents": contents}),
                None => json!({"is": "File", "missing": path}),
            });
        }
        _ => return Err(error(format!("no field {name}"))),
    }
    Ok(json!({"is": "Directory", "files": files}))
}

fn first(path: &str) -> String {
    path.split_once('/')
        .map_or_else(|| path.to_owned(), |(dir, _)| format!("{dir}/"))
}

fn file(object: &Json, name: &str) -> Answer {
    if let Some(missing) = object["missing"].as_str() {
        return Err(error(format!("{missing}: no such file or directory")));
    }
    match name {
        "size" => Ok(json!(object["contents"].as_str().unwrap_or_default().len())),
        _ => Ok(object[name].clone()),
    }
}

fn exec_error(code: i64) -> QueryError {
    let extensions =
        json!({"_type": "EXEC_ERROR", "exitCode": code, "stdout": "", "stderr": "err-text\n"});
    QueryError {
        message: format!("process did not complete successfully: exit code: {code}"),
        extensions: extensions.as_object().cloned().unwrap_or_default(),
    }
}

fn container(object: &Json, name: &str, args: &Args) -> Answer {
    let mut next = object.clone();
    match name {
        "from" => {}
        "withEnvVariable" => {
            let variable = json!({"is": "EnvVariable", "name": text(args, "name", ""), "value": text(args, "value", "")});
            next["env"].as_array_mut().expect("a list").push(variable);
        }
        // `echo` prints, `exit N` fails.
        "withExec" => match strings(args, "args").as_slice() {
            [command, code] if command == "exit" => {
                next["failed"] = code.parse::<i64>().unwrap_or(1).into()
            }
            words => {
                next["stdout"] =
                    format!("{}\n", words.get(1..).unwrap_or_default().join(" ")).into()
            }
        },
        "envVariables" => return Ok(object["env"].clone()),
        "entrypoint" => return Ok(json!([])),
        "user" => return Ok(json!("")),
        "label" => return Ok(Json::Null),
        "stdout" => match object["failed"].as_i64() {
            Some(code) => return Err(exec_error(code)),
            None => return Ok(object["stdout"].clone()),
        },
        _ => return Err(error(format!("no field {name}"))),
    }
    Ok(next)
}

fn sink(object: &Json, name: &str, args: &Args) -> Answer {
    let greeting = object["greeting"].as_str().unwrap_or_default();
    Ok(match name {
        "greet" => json!(format!("{greeting}, {}!", text(args, "name", "world"))),
        "increment" => {
            let mut next = object.clone();
            next["total"] = json!(object["total"].as_i64().unwrap_or(0) + number(args, "by", 1));
            next
        }
        "add" => json!(number(args, "a", 0) + number(args, "b", 0)),
        "flip" => json!(!args["flag"].as_bool().expect("a truth value")),
        "describe" => json!(format!(
            "name={} count={} ratio={} loud={} note={}",
            text(args, "name", ""),
            number(args, "count", 1),
            args.get("ratio").unwrap_or(&json!(0.5)),
            args.get("loud").unwrap_or(&json!(false)),
            text(args, "note", "(none)"),
        )),
        "joinWords" => json!(strings(args, "words").join(&text(args, "sep", " "))),
        "sum" => json!(
            args["numbers"]
                .as_array()
                .expect("a list")
                .iter()
                .filter_map(Json::as_i64)
                .sum::<i64>()
        ),
        "feel" => json!(format!("feeling {}", text(args, "mood", "HAPPY"))),
        "opposite" => json!(if text(args, "mood", "") == "HAPPY" {
            "SAD"
        } else {
            "HAPPY"
        }),
        "person" => person(&text(args, "name", ""), number(args, "age", 30)),
        "people" => json!([person("ann", 31), person("bob", 42), person("cy", 53)]),
        "meet" => json!(format!(
            "{greeting}, {}!",
            self::object(args, "who")["name"]
                .as_str()
                .unwrap_or_default()
        )),
        "listDir" => return directory(&self::object(args, "dir"), "entries", &Args::new()),
        "nothing" => Json::Null,
        "maybe" => args.get("value").cloned().unwrap_or(Json::Null),
        "echo" => json!(format!("sink says {}", text(args, "msg", ""))),
        "makeDir" => json!({"is": "Directory", "files": {text(args, "name", "made.txt"): "made"}}),
        _ => object[name].clone(),
    })
}
