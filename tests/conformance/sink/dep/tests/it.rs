//! The fixture's dependency, without an engine.

use dep::Dep;
use poniard_sdk::Result;
use poniard_sdk::serde_json::json;
use poniard_sdk::testing::FakeEngine;

#[test]
fn types_are_current() {
    poniard_sdk::assert_types_current!(Dep);
}

#[test]
fn hello_starts_with_the_prefix() -> Result<()> {
    let engine = FakeEngine::new();
    let answer = |args| -> Result<_> {
        let hello = engine
            .construct::<Dep>(args)?
            .call("hello", json!({ "name": "bob" }))?;
        Ok(hello.value().clone())
    };
    assert_eq!(answer(json!({}))?, json!("dep:bob"));
    assert_eq!(answer(json!({ "prefix": "other" }))?, json!("other:bob"));
    Ok(())
}

#[test]
fn the_box_holds_the_prefix() -> Result<()> {
    let made = FakeEngine::new()
        .construct::<Dep>(json!({}))?
        .call("box", json!({}))?;
    let expected = r#"directory.withNewFile(contents: "dep", path: "from-dep.txt")"#;
    assert_eq!(made.value(), &json!(expected));
    Ok(())
}
