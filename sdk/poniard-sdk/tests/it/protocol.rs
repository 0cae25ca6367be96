//! The protocol with an engine, over real HTTP.

use poniard_sdk::http::Http;
use poniard_sdk::prelude::*;
use poniard_sdk::serde_json::{Value, json};
use poniard_sdk::serve::serve;
use poniard_sdk::session::Session;

use crate::shop::Shop;
use crate::stub::{Stub, ok};

fn connect(stub: &Stub) -> Dag {
    Dag::new(Session::new(Http::new(
        stub.port,
        "token",
        Some("00-trace-span-01"),
    )))
}

fn block_on<T>(future: impl Future<Output = T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(future))
}

fn serve_call(call: Value) -> Result<Stub> {
    let stub = Stub::with_call(call)?;
    block_on(serve::<Shop>(&connect(&stub)))??;
    Ok(stub)
}

#[test]
fn requests_carry_the_token_and_the_trace() -> Result<()> {
    let stub = Stub::start(|_| ok(json!({ "data": { "version": "v0" } })))?;
    let version = block_on(async { connect(&stub).version().await })??;
    assert_eq!(version, "v0");
    let head = &stub.requests()[0].head;
    assert!(head.starts_with("POST /query HTTP/1.0\r\n"), "{head}");
    // `token:` in base64
    assert!(
        head.contains("\r\nAuthorization: Basic dG9rZW46\r\n"),
        "{head}"
    );
    assert!(
        head.contains("\r\ntraceparent: 00-trace-span-01\r\n"),
        "{head}"
    );
    Ok(())
}

#[test]
fn a_constructor_is_served_with_one_question() -> Result<()> {
    let stub = serve_call(json!({
        "name": "", "parentName": "Shop", "parent": "null",
        "inputArgs": [{ "name": "town", "value": "\"Basle\"" }],
    }))?;
    let state =
        json!({ "town": "Basle", "stock": null, "paid": ["CASH"], "ledger": { "sold": 0 } });
    assert_eq!(stub.returned(), Some(state));
    assert_eq!(stub.requests().len(), 2);
    Ok(())
}

#[test]
fn a_function_is_served_on_its_state() -> Result<()> {
    let state = json!({ "town": "Basle", "paid": [], "ledger": { "sold": 7 }, "other": 1 });
    let stub = serve_call(json!({
        "name": "sell", "parentName": "Shop", "parent": state.to_string(),
        "inputArgs": [{ "name": "by", "value": "\"CASH\"" }],
    }))?;
    let state =
        json!({ "town": "Basle", "stock": null, "paid": ["CASH"], "ledger": { "sold": 8 } });
    assert_eq!(stub.returned(), Some(state));
    Ok(())
}

#[test]
fn an_object_may_be_named_with_the_module_in_front() -> Result<()> {
    let stub = serve_call(json!({
        "name": "nothing", "parentName": "ShopWare", "parent": "{}", "inputArgs": [],
    }))?;
    let expected = "no function `nothing`: is `dagger.types.json` up to date?";
    assert_eq!(stub.error().as_deref(), Some(expected));
    Ok(())
}

#[test]
fn a_failure_is_returned_as_its_chain() -> Result<()> {
    let stub = serve_call(json!({
        "name": "theURL", "parentName": "Shop",
        "parent": json!({ "town": "b", "paid": [], "ledger": { "sold": 0 } }).to_string(),
        "inputArgs": [{ "name": "someHTTPPort", "value": "-1" }],
    }))?;
    let expected = "argument `someHTTPPort`: -1 is out of range: 0 to 65535";
    assert_eq!(stub.error().as_deref(), Some(expected));
    assert_eq!(stub.returned(), None);
    Ok(())
}

#[test]
fn a_failed_request_is_returned_with_all_its_values() -> Result<()> {
    let call = json!({
        "name": "bake", "parentName": "Shop",
        "parent": json!({ "town": "b", "paid": [], "ledger": { "sold": 0 } }).to_string(),
        "inputArgs": [],
    });
    let stub = Stub::start(move |request| {
        if request.query.contains("parentName") {
            ok(json!({ "data": { "currentFunctionCall": call } }))
        } else if request.query.contains("error(message") {
            ok(
                json!({ "data": { "error": { "withValue": { "withValue": { "id": "error-id" } } } } }),
            )
        } else if request.query.contains("currentFunctionCall") {
            ok(json!({ "data": null }))
        } else {
            let extensions = json!({ "_type": "EXEC_ERROR", "exitCode": 3 });
            ok(
                json!({ "data": null, "errors": [{ "message": "burnt", "extensions": extensions }] }),
            )
        }
    })?;
    // `bake` goes through `dag()`, so it is told which session this is.
    let dag = connect(&stub);
    block_on(async { poniard_sdk::dag::on_this_thread(dag.clone(), serve::<Shop>(&dag)).await })??;
    assert_eq!(stub.error().as_deref(), Some("cannot bake: burnt"));
    let requests = stub.requests();
    let made = requests
        .iter()
        .find(|request| request.query.contains("error(message"));
    let made = made.ok_or_eyre("no error was made")?;
    assert_eq!(
        made.query,
        "query($message: String!, $value0: JSON!, $value1: JSON!)\
         {error(message: $message)\
         {withValue(name: \"_type\", value: $value0)\
         {withValue(name: \"exitCode\", value: $value1){id}}}}"
    );
    assert_eq!(
        made.variables,
        json!({ "message": "cannot bake: burnt", "value0": "\"EXEC_ERROR\"", "value1": "3" })
    );
    Ok(())
}

#[test]
fn answers_that_are_none_say_what_came() -> Result<()> {
    let cases = [
        (
            "HTTP/1.1 401 Unauthorized\r\n\r\nno such token\n",
            "the engine answered `HTTP/1.1 401 Unauthorized`: no such token",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}",
            "the engine closed the connection in the middle of its answer",
        ),
        ("", "the engine closed the connection without an answer"),
    ];
    for (answer, expected) in cases {
        let stub = Stub::start(move |_| answer.to_owned())?;
        let failed = block_on(async { connect(&stub).query_raw("{version}", json!({})).await })?;
        assert_eq!(failed, Err(EngineError::new(expected)));
    }
    Ok(())
}

#[test]
fn text_arrives_as_it_was_given() -> Result<()> {
    let stub = Stub::start(|_| ok(json!({ "data": { "file": { "contents": "é\n\u{1}\"" } } })))?;
    let file = block_on(async { connect(&stub).file("a \"b\"\n\u{1}é", "c").contents().await })??;
    assert_eq!(file, "é\n\u{1}\"");
    let query = &stub.requests()[0].query;
    assert!(query.contains("name:\"a \\\"b\\\"\\n\\u0001é\""), "{query}");
    Ok(())
}
