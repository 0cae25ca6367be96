//! Small objects: records, secrets, JSON values, errors.

use std::sync::Arc;

use eyre::{Result, eyre};
use serde_json::{Map, Value as Json, json};

use super::unsupported;
use crate::graph::node::{Answer, Lists};
use crate::graph::{Args, Failure, Object, Secret};

/// An object that is its fields.
pub fn record(value: Json) -> Object {
    match value {
        Json::Object(fields) => Object::Record(Arc::new(fields)),
        _ => Object::Record(Arc::default()),
    }
}

/// An object that is its fields, some of them lists of records.
pub fn with_list_fields(fields: Json, lists: Lists) -> Object {
    let fields = fields.as_object().cloned().unwrap_or_default();
    Object::RecordWithLists(Arc::new(fields), Arc::new(lists))
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
