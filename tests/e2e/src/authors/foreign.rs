//! A module in Rust that depends on one in another language. Its client is made
//! from what a Dagger Engine says of it; poniard runs the rest of the module.

use std::fs;

use test_support::repository;

use crate::fixture::greeter;
use crate::place::argument;

const SOURCE: &str = r#"use poniard_sdk::prelude::*;

mod deps {
    poniard_sdk::dependencies!();
}
use deps::{Dependencies, GoLabColour};

/// Greets.
#[object]
pub struct Greeter {}

#[functions]
impl Greeter {
    /// Greets.
    pub fn greet(&self) -> String {
        format!("{:?}", GoLabColour::DarkBlue)
    }

    /// Asks the laboratory.
    pub async fn items(&self, token: Secret) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for item in dag().go_lab(token).items().await? {
            names.push(item.name().await?);
        }
        Ok(names)
    }
}
"#;

#[test]
fn a_dependency_in_another_language_has_a_client_from_the_introspection() {
    let (place, module) = greeter(SOURCE);
    let module = argument(&module);
    place.write(
        "lab/dagger.json",
        r#"{ "name": "go-lab", "engineVersion": "v0.21.8", "sdk": { "source": "go" } }"#,
    );
    place.write("lab/main.go", "package main\n");
    let path = place.path("greeter/dagger.json");
    let manifest = fs::read_to_string(&path).expect("a manifest");
    let dependency = r#""dependencies": [{ "name": "go-lab", "source": "../lab" }]"#;
    let manifest = manifest.replace(r#""dependencies": []"#, dependency);
    assert!(manifest.contains("go-lab"));
    fs::write(path, manifest).expect("written");

    let words = ["go-lab", "run `dagger develop`"];
    place.fails(&["call", "-m", module, "greet"], &words);

    let told = "sdk/poniard-sdk/tests/it/foreign/src/deps/introspection.json";
    let told = fs::read(repository().join(told)).expect("an introspection");
    place.write("greeter/src/deps/introspection.json", told);
    let done = place.run(&["develop", "-m", module]);
    assert_eq!(done.code, 0, "{}", done.stderr());
    let types = fs::read_to_string(place.path("greeter/dagger.types.json")).expect("types");
    assert!(types.contains("Asks the laboratory."), "{types}");
    let done = place.run(&["call", "-m", module, "greet"]);
    assert_eq!(done.stdout(), "DarkBlue", "{}", done.stderr());
    let words = ["`go-lab` is not written in Rust", "Dagger Engine"];
    place.fails(
        &["call", "-m", module, "items", "--token", "env:HOME"],
        &words,
    );
}
