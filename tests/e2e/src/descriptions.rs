//! Files that describe something, missing or broken: the error names the file,
//! and the line when there is one.

use crate::fixture::module;
use crate::place::{Place, argument};

const MODULE: &str =
    r#"{ "name": "broken", "engineVersion": "v0.21.8", "sdk": { "source": "../sdk" } }"#;

#[test]
fn a_directory_without_a_module_is_told() {
    let place = Place::new();
    place.fails(&["call", "greet"], &["greet", "dagger.json"]);
}

#[test]
fn a_broken_module_file_is_told_with_its_line() {
    let place = Place::new();
    place.write("dagger.json", "{\n  \"name\": \"broken\",\n  \"sdk\": }\n");
    place.fails(&["functions"], &["dagger.json:3"]);
}

#[test]
fn a_module_file_without_a_name_is_told() {
    let place = Place::new();
    place.write(
        "dagger.json",
        r#"{ "engineVersion": "v0.21.8", "sdk": { "source": "../sdk" } }"#,
    );
    place.fails(&["functions"], &["dagger.json", "name"]);
}

#[test]
fn an_sdk_that_is_not_there_is_told() {
    let place = Place::new();
    place.write("mod/dagger.json", MODULE);
    place.fails(&["functions", "-m", "mod"], &["sdk"]);
}

#[test]
fn a_dependency_that_is_not_there_is_told() {
    let place = Place::new();
    let dependency =
        r#"{ "name": "broken", "dependencies": [{ "name": "gone", "source": "./gone" }] }"#;
    place.write("dagger.json", dependency);
    place.fails(&["-c", "gone | greet"], &["gone"]);
}

#[test]
fn a_broken_types_file_is_told_with_its_line() {
    let place = Place::new();
    place.write("mod/dagger.json", MODULE);
    place.write(
        "sdk/dagger.json",
        r#"{ "name": "sdk", "sdk": { "source": "dang" } }"#,
    );
    place.write(
        "mod/dagger.types.json",
        "{\n  \"objects\": [\n    oops\n  ]\n}\n",
    );
    place.fails(&["functions", "-m", "mod"], &["dagger.types.json:3"]);
}

#[test]
fn an_unknown_type_in_a_types_file_is_told() {
    let place = Place::new();
    place.write("mod/dagger.json", MODULE);
    place.write(
        "sdk/dagger.json",
        r#"{ "name": "sdk", "sdk": { "source": "dang" } }"#,
    );
    place.write(
        "mod/dagger.types.json",
        r#"{ "objects": [{ "name": "Broken", "functions": [{ "name": "greet", "type": "Strong!" }] }] }"#,
    );
    place.fails(
        &["functions", "-m", "mod"],
        &["dagger.types.json", "Strong"],
    );
}

#[test]
fn a_broken_pipeline_file_is_told_with_its_line() {
    let place = Place::new();
    place.write(
        "pipeline.yaml",
        "gitlab:\n  url: https://gitlab.example.com\n  project-id: [\n",
    );
    let config = module("config");
    place.fails(
        &["call", "-m", argument(&config), "gitlab-url"],
        &["pipeline.yaml:"],
    );
}

#[test]
fn a_wrong_value_in_a_pipeline_file_is_told_with_its_line() {
    let place = Place::new();
    place.write(
        "pipeline.yaml",
        "gitlab:\n  project-id: \"42\"\nenvironments:\n  production: 7\n",
    );
    let config = module("config");
    place.fails(
        &["call", "-m", argument(&config), "validate"],
        &["pipeline.yaml:4"],
    );
}

#[test]
fn a_missing_pipeline_file_is_told() {
    let place = Place::new();
    let config = module("config");
    place.fails(
        &["call", "-m", argument(&config), "gitlab-url"],
        &["pipeline.yaml"],
    );
}
