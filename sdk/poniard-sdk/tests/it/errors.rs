//! What becomes of failures.

use poniard_sdk::api::id::IntoID;
use poniard_sdk::prelude::*;
use poniard_sdk::serde_json::{Value, json};
use poniard_sdk::testing::FakeEngine;

use crate::shop::Shop;

fn exec_error() -> EngineError {
    EngineError::new("process \"bake\" did not complete successfully: exit code: 3")
        .with_value("_type", "EXEC_ERROR")
        .with_value("exitCode", 3)
        .with_value("stdout", "flour")
        .with_value("stderr", "smoke")
        .with_value("more", json!({ "kept": true }))
}

fn text<T>(result: Result<T>) -> Option<String> {
    result.err().map(|report| format!("{report:#}"))
}

#[test]
fn an_error_keeps_all_its_values_through_context() {
    let engine = FakeEngine::new().on_error("container.from.withExec.stdout", exec_error());
    let failed: Result<String> = engine.run(async {
        let baked = dag()
            .container()
            .from("oven")
            .with_exec(vec!["bake"])
            .stdout()
            .await;
        baked.wrap_err("cannot bake").wrap_err("no breakfast")
    });
    assert_eq!(
        failed.as_ref().err().and_then(EngineError::find),
        Some(exec_error())
    );
}

#[test]
fn a_failing_object_as_argument_is_an_error_where_it_is_used() -> Result<()> {
    let engine = FakeEngine::new().on_error("container.from.directory.id", exec_error());
    let shop = engine.construct::<Shop>(json!({ "stock": null }))?;
    let report = shop.call("bake", json!({})).err();
    assert_eq!(
        report.as_ref().and_then(EngineError::find),
        Some(exec_error())
    );
    assert!(report.is_some_and(|report| report.to_string() == "cannot bake"));
    Ok(())
}

#[test]
fn a_failing_object_as_result_is_an_error() {
    let engine = FakeEngine::new().on_error("directory.withNewFile.id", exec_error());
    let failed = engine.run(async {
        let made = dag().directory().with_new_file("a", "b");
        poniard_sdk::value::IntoApi::into_api(made).await
    });
    assert_eq!(
        failed.err().as_ref().and_then(EngineError::find),
        Some(exec_error())
    );
}

#[test]
fn an_object_that_is_not_there_is_an_error_that_names_it() {
    let engine = FakeEngine::new().on("Directory.id", Value::Null);
    let failed = engine.run(async {
        let gone: Directory = dag().object("gone");
        dag().container().with_directory("/x", gone).stdout().await
    });
    let failed = text(failed.map_err(|error| EngineError::from(error).into()));
    assert_eq!(
        failed,
        Some("no such object: `node(id:\"gone\"){... on Directory`".into())
    );
}

#[test]
fn a_failing_list_of_objects_keeps_the_error() {
    let engine = FakeEngine::new().on_error("container.envVariables.id", exec_error());
    let failed = engine.run(async { dag().container().env_variables().await });
    assert_eq!(failed.err().map(EngineError::from), Some(exec_error()));
}

#[test]
fn null_is_none_and_other_failures_stay() -> Result<()> {
    let engine = FakeEngine::new()
        .on("container.envVariable", Value::Null)
        .on("container.label", "here")
        .on_error("container.user", exec_error());
    engine.run(async {
        let empty = dag().container();
        assert_eq!(empty.env_variable("HOME").await.nullable()?, None);
        assert_eq!(empty.label("x").await.nullable()?, Some("here".into()));
        assert_eq!(empty.user().await.nullable(), Err(exec_error()));
        Ok(())
    })
}

#[test]
fn a_panic_is_an_error_with_its_message() -> Result<()> {
    let shop = FakeEngine::new().construct::<Shop>(json!({}))?;
    let failed = text(shop.call("panics", json!({}))).unwrap_or_default();
    assert!(failed.starts_with("the module panicked"), "{failed}");
    assert!(
        failed.ends_with("index out of bounds: the len is 0 but the index is 1"),
        "{failed}"
    );
    Ok(())
}

#[test]
fn arguments_and_state_that_do_not_fit_are_named() -> Result<()> {
    let shop = FakeEngine::new().construct::<Shop>(json!({}))?;
    let cases = [
        (
            json!({ "someHTTPPort": 70000 }),
            "argument `someHTTPPort`: 70000 is out of range: 0 to 65535",
        ),
        (
            json!({ "someHTTPPort": "80" }),
            "argument `someHTTPPort`: expected an integer, got \"80\"",
        ),
        (
            json!({ "tags": ["a", 1] }),
            "argument `tags`: item 1: expected a string, got 1",
        ),
        (
            json!({ "version": null }),
            "argument `version`: expected a string, got null",
        ),
    ];
    for (args, expected) in cases {
        assert_eq!(text(shop.call("theURL", args)).as_deref(), Some(expected));
    }
    let ware = json!({ "in": [{ "label": 3, "parts": [] }] });
    assert_eq!(
        text(shop.call("wares", ware)).as_deref(),
        Some("argument `in`: item 0: field `label` of `Ware`: expected a string, got 3")
    );
    let empty = FakeEngine::new().construct::<Shop>(json!({ "town": "" }));
    assert_eq!(text(empty).as_deref(), Some("`town` is empty"));
    Ok(())
}

#[test]
fn outside_of_a_call_each_request_fails() {
    let failed = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        Ok::<_, std::io::Error>(runtime.block_on(dag().directory().into_id()))
    });
    let id = failed.join().ok().and_then(Result::ok).and_then(Result::ok);
    // An id never fails: it stands for the failure where it is used.
    assert!(id.is_some_and(|id| id.0.starts_with("poniard-failed-")));
}

#[test]
fn state_survives_a_chain_of_calls() -> Result<()> {
    let shop = FakeEngine::new().construct::<Shop>(json!({ "stock": "some-id" }))?;
    let later = shop
        .call("sell", json!({}))?
        .call("sell", json!({ "by": "CASH" }))?;
    assert_eq!(later.call("sold", json!({}))?.value(), &json!(2));
    assert_eq!(
        later.value()["paid"],
        json!(["CASH", "CREDIT_CARD", "CASH"])
    );
    assert_eq!(later.call("stock", json!({}))?.value(), &json!("some-id"));
    let chair = shop.call("stocked", json!({ "label": "chair" }))?;
    assert_eq!(
        chair.value(),
        &json!({ "label": "chair", "sizeCM": 1.5, "parts": [{ "label": "leg", "sizeCM": null, "parts": [] }] })
    );
    let same = shop.call("wares", json!({ "in": [chair.value()], "with": null }))?;
    assert_eq!(&same.value()[0], chair.value());
    Ok(())
}
