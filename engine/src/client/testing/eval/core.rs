//! Directories, files and containers.

use serde_json::{Value as Json, json};

use crate::api::QueryError;

use super::{Answer, Args, error, object as given, strings, text};

pub fn directory(object: &Json, name: &str, args: &Args) -> Answer {
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
        "withFile" => drop(files.insert(path, given(args, "source")["contents"].clone())),
        "withDirectory" => {
            let source = given(args, "source");
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
        "export" => return Ok(json!(format!("/host/{path}"))),
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

pub fn first(path: &str) -> String {
    path.split_once('/')
        .map_or_else(|| path.to_owned(), |(dir, _)| format!("{dir}/"))
}

pub fn file(object: &Json, name: &str) -> Answer {
    if let Some(missing) = object["missing"].as_str() {
        return Err(error(format!("{missing}: no such file or directory")));
    }
    match name {
        "size" => Ok(json!(object["contents"].as_str().unwrap_or_default().len())),
        _ => Ok(object[name].clone()),
    }
}

pub fn exec_error(code: i64) -> QueryError {
    let extensions =
        json!({"_type": "EXEC_ERROR", "exitCode": code, "stdout": "", "stderr": "err-text\n"});
    QueryError {
        message: format!("process did not complete successfully: exit code: {code}"),
        extensions: extensions.as_object().cloned().unwrap_or_default(),
    }
}

pub fn container(object: &Json, name: &str, args: &Args) -> Answer {
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
