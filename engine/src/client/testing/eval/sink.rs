//! The module of the tests.

use serde_json::{Value as Json, json};

use super::core::directory;
use super::{Answer, Args, number, object as given, person, strings, text};

pub fn sink(object: &Json, name: &str, args: &Args) -> Answer {
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
            given(args, "who")["name"].as_str().unwrap_or_default()
        )),
        "listDir" => return directory(&given(args, "dir"), "entries", &Args::new()),
        "nothing" => Json::Null,
        "maybe" => args.get("value").cloned().unwrap_or(Json::Null),
        "echo" => json!(format!("sink says {}", text(args, "msg", ""))),
        "makeDir" => json!({"is": "Directory", "files": {text(args, "name", "made.txt"): "made"}}),
        _ => object[name].clone(),
    })
}
