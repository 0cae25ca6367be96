//! The functions, on an engine that answers what a test sets.

use poniard_sdk::prelude::*;
use poniard_sdk::serde_json::{Value, json};
use poniard_sdk::testing::FakeEngine;

use crate::Ci;

#[test]
fn types_are_current() {
    poniard_sdk::assert_types_current!(Ci);
}

/// A checkout with one module and one component, and the caller at a path.
fn checkout(path: &str) -> FakeEngine {
    FakeEngine::new()
        .on("Workspace.path", path)
        .on_with("Workspace.directory.glob", |chain| {
            let pattern = chain.arg("glob", "pattern");
            Ok(
                match pattern.as_ref().and_then(|pattern| pattern.as_str()) {
                    Some("modules/*/dagger.types.json") => json!(["modules/a/dagger.types.json"]),
                    Some("templates/*/template.yml") => json!(["templates/site/template.yml"]),
                    _ => json!([]),
                },
            )
        })
}

fn call(engine: &FakeEngine, function: &str) -> Result<Value> {
    let ci = engine.construct::<Ci>(json!({}))?;
    Ok(ci
        .call(function, json!({"workspace": "ws"}))?
        .value()
        .clone())
}

fn error(engine: &FakeEngine, function: &str) -> String {
    format!("{:#}", call(engine, function).unwrap_err())
}

#[test]
fn format_gives_what_the_formatter_changes() -> Result<()> {
    let changes = call(&checkout("."), "format")?.to_string();
    assert!(
        changes.contains("cargo") && changes.contains("fmt"),
        "{changes}"
    );
    assert!(changes.contains("rust:1.95-slim"), "{changes}");
    Ok(())
}

#[test]
fn changes_are_those_at_the_callers_directory() -> Result<()> {
    let below = call(&checkout("modules/a"), "format")?.to_string();
    assert!(
        below.contains(r#"directory(path: \"modules/a\").changes("#),
        "{below}"
    );
    let above = call(&checkout("."), "format")?.to_string();
    assert!(
        above.contains(r#"directory(path: \"/src\").changes("#),
        "{above}"
    );
    Ok(())
}

#[test]
fn types_are_what_the_modules_program_prints() -> Result<()> {
    let engine = checkout(".").on("*.stdout", "{}\n");
    let changes = call(&engine, "types")?.to_string();
    assert!(
        changes.contains("modules/a/dagger.types.json") && changes.contains("{}"),
        "{changes}"
    );
    let asked = engine.asked().join("\n");
    assert!(
        asked.contains(r#"asModule(sourceRootPath: "modules/a")"#),
        "{asked}"
    );
    Ok(())
}

#[test]
fn a_readme_keeps_its_text_and_gets_the_tables_of_the_types() -> Result<()> {
    const START: &str = "<!-- functions: from dagger.types.json, see modules/readme.rs -->\n";
    let contents = move |readme: &'static str| {
        checkout(".").on_with("Workspace.directory.file.contents", move |chain| {
            let path = chain.arg("file", "path");
            let path = path.as_ref().and_then(|path| path.as_str()).unwrap_or_default();
            Ok(json!(if path.ends_with(".md") {
                readme.replace("START", START)
            } else {
                r#"{"objects": [{"name": "A", "functions": [{"name": "lint", "type": "Void", "description": "Looks.", "check": true}]}]}"#.to_owned()
            }))
        })
    };
    let engine = contents("# A\nSTARTold\n<!-- /functions -->\nthe end\n");
    let changes = call(&engine, "readmes")?.to_string();
    for word in ["# A", "| `lint` |  | Looks. (a check) |", "the end"] {
        assert!(changes.contains(word), "no `{word}`: {changes}");
    }
    assert!(!changes.contains("old"), "{changes}");
    let error = error(&contents("# A\n"), "readmes");
    assert!(
        error.contains("`modules/a/README.md` has no place"),
        "{error}"
    );
    Ok(())
}

#[test]
fn headers_of_components_are_checked_and_a_file_without_one_is_refused() {
    let file = "Workspace.directory.file.contents";
    let engine = checkout(".").on(file, "spec:\n  inputs: {}\n---\njob: {}\n");
    call(&engine, "components").unwrap();
    let asked = engine.asked().join("\n");
    assert!(asked.contains("vendor.gitlab-ci"), "{asked}");
    assert!(!asked.contains("job:"), "{asked}");
    let error = error(&checkout(".").on(file, "job: {}\n"), "components");
    assert!(
        error.contains("`templates/site/template.yml` is no component"),
        "{error}"
    );
}

#[test]
fn tests_that_need_a_machine_are_left_out() {
    let engine = checkout(".");
    call(&engine, "test").unwrap();
    let asked = engine.asked().join("\n");
    assert!(asked.contains(r#""--exclude","poniard""#), "{asked}");
}
