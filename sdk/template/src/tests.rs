//! Tests without an engine: what it is asked is answered here.

use poniard_sdk::serde_json::json;
use poniard_sdk::testing::FakeEngine;

use super::*;

#[test]
fn types_are_current() {
    poniard_sdk::assert_types_current!({{TypeName}});
}

#[test]
fn the_word_to_greet_with_is_the_callers() -> Result<()> {
    let engine = FakeEngine::new();
    let module = engine.construct::<{{TypeName}}>(json!({ "greeting": "Good morning" }))?;
    let greeting = module.call("greet", json!({ "name": "Ada" }))?;
    assert_eq!(greeting.value(), &json!("Good morning, Ada!"));
    Ok(())
}

#[test]
fn everybody_in_the_file_is_greeted() -> Result<()> {
    let engine = FakeEngine::new().on("File.contents", "Ada\nGrace\n");
    let module = engine.construct::<{{TypeName}}>(json!({}))?;
    let greetings = module.call("greetAll", json!({ "names": "names.txt" }))?;
    assert_eq!(greetings.value(), &json!(["Hello, Ada!", "Hello, Grace!"]));
    Ok(())
}
