//! Calls to the dependency `dep`.

use poniard_sdk::Result;
use poniard_sdk::serde_json::json;
use poniard_sdk::testing::FakeEngine;

use super::call;

#[test]
fn the_dependency_answers() -> Result<()> {
    let engine = FakeEngine::new()
        .on(r#"dep.hello(name: "bob")"#, "dep:bob")
        .on(r#"dep(prefix: "p").hello(name: "bob")"#, "p:bob");
    assert_eq!(
        call(&engine, "askDep", json!({ "name": "bob" }))?,
        json!("dep:bob")
    );
    let args = json!({ "name": "bob", "prefix": "p" });
    assert_eq!(call(&engine, "askDepAs", args)?, json!("p:bob"));
    Ok(())
}

#[test]
fn a_directory_of_the_dependency_passes_on() -> Result<()> {
    assert_eq!(
        call(&FakeEngine::new(), "depBox", json!({}))?,
        json!("dep.box")
    );
    Ok(())
}
