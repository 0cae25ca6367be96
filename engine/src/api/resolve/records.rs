//! Small objects: records, secrets, environment files, JSON values, errors.

use std::sync::Arc;

use eyre::{Result, bail, eyre};
use serde_json::{Map, Value as Json, json};

use super::unsupported;
use crate::api::client::Client;
use crate::graph::node::{Answer, Lists};
use crate::graph::{Args, Failure, File, Object, Secret};

/// An object that is its fields.
pub fn record(value: Json) -> Object {
    match value {
        Json::Object(fields) => Object::Record(Arc::new(fields)),
        _ => Object::Record(Arc::default()),
    }
}

/// A record some fields of which are lists of records.
pub fn with_lists(record: &Map<String, Json>, lists: &Lists, field: &str) -> Result<Answer> {
    match lists.iter().find(|(name, _, _)| name == field) {
        Some((_, type_name, records)) => {
            let objects = records
                .iter()
                .map(|fields| Object::Record(Arc::new(fields.clone())))
                .collect();
            Ok(Answer::AsList(type_name.clone(), objects))
        }
        None => Ok(record.get(field).cloned().unwrap_or_default().into()),
    }
}

pub async fn secret(this: &Secret, field: &str) -> Result<Answer> {
    Ok(match field {
        "name" => this.name().into(),
        "uri" => this.uri().into(),
        "plaintext" => this.plaintext().await?.into(),
        _ => unsupported("Secret", field)?,
    })
}

fn env(variables: Vec<(String, String)>) -> Answer {
    Answer::Object("EnvFile", Object::EnvFile(Arc::new(variables)))
}

pub fn env_file(
    client: &Arc<Client>,
    this: &[(String, String)],
    field: &str,
    args: &Args,
) -> Result<Answer> {
    let raw = args.flag("raw")?;
    let value = |name: &str| {
        this.iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let shown = |text: &str| {
        if raw {
            Ok(text.to_owned())
        } else {
            expanded(this, text)
        }
    };
    Ok(match field {
        "asFile" => {
            let text: String = this
                .iter()
                .map(|(name, value)| format!("{name}={value}\n"))
                .collect();
            File::made(client.engine(), ".env", text.into_bytes(), 0o600).into()
        }
        "exists" => value(&args.str("name")?).is_some().into(),
        "get" => {
            let name = args.str("name")?;
            shown(value(&name).ok_or_else(|| eyre!("environment variable `{name}` is not set"))?)?
                .into()
        }
        "namespace" => {
            let prefix = format!("{}_", args.str("prefix")?.to_uppercase());
            let below = this.iter().filter_map(|(name, value)| {
                let start = name.get(..prefix.len())?;
                start
                    .eq_ignore_ascii_case(&prefix)
                    .then(|| (name[prefix.len()..].to_owned(), value.clone()))
            });
            env(below.collect())
        }
        "variables" => {
            let mut records = Vec::new();
            for (name, value) in this {
                records.push(record(json!({"name": name, "value": shown(value)?})));
            }
            Answer::Objects("EnvVariable", records)
        }
        "withVariable" => {
            let mut variables = this.to_vec();
            crate::graph::container::set(&mut variables, &args.str("name")?, args.str("value")?);
            env(variables)
        }
        "withoutVariable" => {
            let mut variables = this.to_vec();
            crate::graph::container::unset(&mut variables, &args.str("name")?);
            env(variables)
        }
        _ => unsupported("EnvFile", field)?,
    })
}

fn expanded(variables: &[(String, String)], text: &str) -> Result<String> {
    crate::graph::container::expand(text, |name| {
        let own = variables
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone());
        own.or_else(|| std::env::var(name).ok())
            .ok_or_else(|| eyre!("unbound variable `{name}`"))
    })
}

/// Reads lines `NAME=value`, `export NAME="value"`, comments and blank lines.
pub fn parse_env(text: &str) -> Result<Vec<(String, String)>> {
    let mut variables = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((name, value)) = line.split_once('=') else {
            bail!("line {} of the environment file has no `=`", n + 1);
        };
        let value = value.trim();
        let unquoted = ['"', '\'']
            .iter()
            .find_map(|q| value.strip_prefix(*q)?.strip_suffix(*q));
        crate::graph::container::set(
            &mut variables,
            name.trim(),
            unquoted.unwrap_or(value).to_owned(),
        );
    }
    Ok(variables)
}

fn value(json: Json) -> Answer {
    Answer::Object("JSONValue", Object::Json(Arc::new(json)))
}

pub fn json(this: &Json, field: &str, args: &Args) -> Result<Answer> {
    let wrong = |wanted: &str| eyre!("the JSON value is not {wanted}");
    Ok(match field {
        "asArray" => {
            let items = this.as_array().ok_or_else(|| wrong("an array"))?;
            Answer::Objects(
                "JSONValue",
                items
                    .iter()
                    .map(|item| Object::Json(Arc::new(item.clone())))
                    .collect(),
            )
        }
        "asBoolean" => this.as_bool().ok_or_else(|| wrong("a boolean"))?.into(),
        "asInteger" => this.as_i64().ok_or_else(|| wrong("an integer"))?.into(),
        "asString" => this.as_str().ok_or_else(|| wrong("a string"))?.into(),
        "contents" if args.flag("pretty")? => pretty(this, &args.text("indent")?)?.into(),
        "contents" => this.to_string().into(),
        "field" => {
            let path = args.list("path")?;
            let mut at = this;
            for name in &path {
                at = at
                    .get(name)
                    .ok_or_else(|| eyre!("the JSON value has no field `{}`", path.join(".")))?;
            }
            value(at.clone())
        }
        "fields" => {
            let fields = this.as_object().ok_or_else(|| wrong("an object"))?;
            fields.keys().cloned().collect::<Vec<_>>().into()
        }
        "newBoolean" => value(args.get::<bool>("value")?.into()),
        "newInteger" => value(args.get::<i64>("value")?.into()),
        "newString" => value(args.str("value")?.into()),
        "withContents" => {
            let text = args.str("contents")?;
            value(
                serde_json::from_str(&text)
                    .map_err(|error| eyre!("the contents are not JSON: {error}"))?,
            )
        }
        "withField" => {
            let mut json = this.clone();
            let mut at = &mut json;
            for name in args.list("path")? {
                if !at.is_object() {
                    *at = Json::Object(Map::new());
                }
                at = &mut at[&name];
            }
            *at = Json::clone(&*args.json("value")?);
            value(json)
        }
        _ => unsupported("JSONValue", field)?,
    })
}

fn pretty(json: &Json, indent: &str) -> Result<String> {
    let mut out = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
    serde::Serialize::serialize(
        json,
        &mut serde_json::Serializer::with_formatter(&mut out, formatter),
    )?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// A JSON scalar of the API is a text that holds JSON.
pub fn error(this: &Failure, field: &str, args: &Args) -> Result<Answer> {
    Ok(match field {
        "message" => this.message.clone().into(),
        "values" => {
            let records = this.extensions.iter();
            let records = records
                .map(|(name, value)| record(json!({"name": name, "value": value.to_string()})));
            Answer::Objects("ErrorValue", records.collect())
        }
        "withValue" => {
            let text = args.str("value")?;
            let parsed = serde_json::from_str(&text)
                .map_err(|error| eyre!("argument `value` is not JSON: {error}"))?;
            let mut failure = this.clone();
            failure.extensions.insert(args.str("name")?, parsed);
            Answer::Object("Error", Object::Error(Arc::new(failure)))
        }
        _ => unsupported("Error", field)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environment_files_are_read() {
        let variables = parse_env("# c\nA=1\n\nexport B=\"two words\"\nA='3'\n").unwrap();
        assert_eq!(
            variables,
            [("A".into(), "3".into()), ("B".into(), "two words".into())]
        );
        assert!(parse_env("x\n").unwrap_err().to_string().contains("line 1"));
    }
}
