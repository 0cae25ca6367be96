//! State, scalars, lists, enumerations and own objects.

use poniard_sdk::Result;
use poniard_sdk::serde_json::{Value, json};
use poniard_sdk::testing::FakeEngine;
use sink::Sink;

fn call(function: &str, args: Value) -> Result<Value> {
    super::call(&FakeEngine::new(), function, args)
}

#[test]
fn defaults_are_those_of_the_specification() -> Result<()> {
    assert_eq!(call("greet", json!({}))?, json!("hello, world!"));
    assert_eq!(call("defaultWords", json!({}))?, json!("a+b"));
    assert_eq!(call("feel", json!({}))?, json!("feeling HAPPY"));
    assert_eq!(
        call("describe", json!({ "name": "x" }))?,
        json!("name=x count=1 ratio=0.5 loud=false note=(none)")
    );
    assert_eq!(
        call("toV2URL", json!({ "someHTTPHost": "h" }))?,
        json!("http://h:80")
    );
    Ok(())
}

#[test]
fn every_argument_arrives() -> Result<()> {
    let args = json!({ "name": "x", "count": 2, "ratio": 1.25, "loud": true, "note": "n" });
    assert_eq!(
        call("describe", args)?,
        json!("name=x count=2 ratio=1.25 loud=true note=n")
    );
    assert_eq!(call("sum", json!({ "numbers": [1, 2, 39] }))?, json!(42));
    assert_eq!(
        call("countTrue", json!({ "values": [true, false, true] }))?,
        json!(2)
    );
    assert_eq!(
        call("splitWords", json!({ "text": "a b" }))?,
        json!(["a", "b"])
    );
    Ok(())
}

#[test]
fn state_is_carried_through_a_chain() -> Result<()> {
    let engine = FakeEngine::new();
    let sink = engine.construct::<Sink>(json!({ "counter": 40 }))?;
    let later = sink
        .call("increment", json!({}))?
        .call("withGreeting", json!({ "word": "hey" }))?
        .call("increment", json!({ "by": 1 }))?;
    assert_eq!(later.call("total", json!({}))?.value(), &json!(42));
    assert_eq!(
        later.call("greet", json!({ "name": "you" }))?.value(),
        &json!("hey, you!")
    );
    assert_eq!(later.call("greeting", json!({}))?.value(), &json!("hey"));
    Ok(())
}

#[test]
fn null_passes_through() -> Result<()> {
    assert_eq!(call("maybe", json!({}))?, Value::Null);
    assert_eq!(call("maybe", json!({ "value": null }))?, Value::Null);
    assert_eq!(call("maybe", json!({ "value": "v" }))?, json!("v"));
    assert_eq!(call("nothing", json!({}))?, Value::Null);
    assert_eq!(call("tag", json!({}))?, Value::Null);
    Ok(())
}

#[test]
fn enumerations_travel_by_member_name() -> Result<()> {
    assert_eq!(call("opposite", json!({ "mood": "HAPPY" }))?, json!("SAD"));
    assert_eq!(call("opposite", json!({ "mood": "CALM" }))?, json!("CALM"));
    Ok(())
}

#[test]
fn own_objects_travel_as_their_state() -> Result<()> {
    let engine = FakeEngine::new();
    let sink = engine.construct::<Sink>(json!({}))?;
    let ann = sink
        .call("person", json!({ "name": "ann" }))?
        .call("older", json!({ "years": 3 }))?;
    assert_eq!(ann.value(), &json!({ "name": "ann", "age": 33 }));
    assert_eq!(ann.call("intro", json!({}))?.value(), &json!("ann is 33"));
    let met = sink.call("meet", json!({ "who": ann.value() }))?;
    assert_eq!(met.value(), &json!("hello, ann!"));
    assert_eq!(
        call("people", json!({}))?[2],
        json!({ "name": "cy", "age": 53 })
    );
    Ok(())
}
