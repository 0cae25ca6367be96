//! The fixture, without an engine; with one, the conformance cases call it.

mod core_objects;
mod dependency;
mod failures;
mod process;
mod values;

use poniard_sdk::Result;
use poniard_sdk::serde_json::{Value, json};
use poniard_sdk::testing::FakeEngine;
use sink::Sink;

/// Calls one function of a sink made with defaults.
fn call(engine: &FakeEngine, function: &str, args: Value) -> Result<Value> {
    let sink = engine.construct::<Sink>(json!({}))?;
    Ok(sink.call(function, args)?.value().clone())
}

#[test]
fn types_are_current() {
    poniard_sdk::assert_types_current!(Sink);
}
