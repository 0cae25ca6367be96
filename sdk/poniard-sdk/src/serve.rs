//! The program of a module: prints its types, or serves the one call that the
//! engine started it for.

use std::future::Future;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Mutex;

use eyre::{Result, WrapErr, bail, eyre};
use serde_json::{Map, Value, json};

use crate::dag::{Dag, set_for_process};
use crate::error::{EngineError, message};
use crate::http::Http;
use crate::registry::{Args, Object, Program};
use crate::session::{Session, leaf};

/// What `main!` makes the program's `main`.
pub fn main<Main: Object>() -> ExitCode {
    begin(Program::of::<Main>())
}

fn begin(program: Program) -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => serve_process(program),
        ["types"] => print_types(program),
        _ => Err(eyre!(
            "expected no argument, to serve a call, or `types`, to print `dagger.types.json`"
        )),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(report) => {
            eprintln!("{}", message(&report));
            ExitCode::FAILURE
        }
    }
}

fn print_types(program: Program) -> Result<()> {
    // Not `print!`, which panics when nobody reads on.
    std::io::stdout()
        .write_all(program.types_text()?.as_bytes())
        .wrap_err("cannot print the types")
}

fn serve_process(program: Program) -> Result<()> {
    let dag = Dag::new(Session::new(Http::from_env()?));
    set_for_process(dag.clone());
    note_panics();
    runtime()?.block_on(serve_program(program, &dag))
}

/// One thread: a call waits for the engine most of the time.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .wrap_err("cannot start the runtime")
}

/// Serves the session's current call. The outcome of the function, failure
/// included, goes to the engine; an error here means that it did not get there.
pub async fn serve<Main: Object>(dag: &Dag) -> Result<()> {
    serve_program(Program::of::<Main>(), dag).await
}

async fn serve_program(program: Program, dag: &Dag) -> Result<()> {
    let call = current_call(dag).await.wrap_err("cannot read the call")?;
    match run(program, call).await {
        Ok(value) => return_value(dag, &value).await,
        Err(report) => return_error(dag, &report).await,
    }
    .wrap_err("cannot return the result of the call")
}

/// A function call as the engine puts it.
pub(crate) struct Call {
    pub object: String,
    /// Empty for the constructor.
    pub function: String,
    pub state: Value,
    pub args: Args,
}

async fn current_call(dag: &Dag) -> Result<Call> {
    const QUERY: &str = "{currentFunctionCall{name parentName parent inputArgs{name value}}}";
    let mut data = dag.query_raw(QUERY, json!({})).await?;
    let call = &mut data["currentFunctionCall"];
    let mut args = Map::new();
    for arg in call["inputArgs"].as_array().into_iter().flatten() {
        let name = text(&arg["name"])?;
        let value = serde_json::from_str(&text(&arg["value"])?)
            .wrap_err_with(|| format!("value of argument `{name}`"))?;
        args.insert(name, value);
    }
    let state = match text(&call["parent"])?.as_str() {
        "" => json!({}),
        state => serde_json::from_str(state).wrap_err("state of the object")?,
    };
    Ok(Call {
        object: text(&call["parentName"])?,
        function: text(&call["name"])?,
        // A constructor's parent is null.
        state: if state.is_null() { json!({}) } else { state },
        args: Args(args),
    })
}

fn text(value: &Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Null => Ok(String::new()),
        other => bail!("expected a string, got {other}"),
    }
}

/// Runs the function of a call; a panic in it becomes an error.
pub(crate) async fn run(program: Program, call: Call) -> Result<Value> {
    if call.object.is_empty() {
        bail!(
            "no object is named: this engine asks for a registration, which `dagger.types.json` replaces"
        );
    }
    let mut running = pin!(async move {
        (program.registry)()
            .call(&call.object, call.function, call.state, call.args)
            .await
    });
    std::future::poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(context))).unwrap_or_else(|panic| {
            let text = panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "no message".into());
            let place = LAST_PANIC.lock().ok().and_then(|mut place| place.take());
            let place = place
                .map(|place| format!(" at {place}"))
                .unwrap_or_default();
            Err(eyre!("the module panicked{place}: {text}")).into()
        })
    })
    .await
}

/// File and line of the last panic.
static LAST_PANIC: Mutex<Option<String>> = Mutex::new(None);

/// The panic of a function goes to the caller; one of another thread would be
/// lost, so it is printed.
fn note_panics() {
    let serving = std::thread::current().id();
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().id() != serving {
            return print(panic);
        }
        if let (Ok(mut place), Some(at)) = (LAST_PANIC.lock(), panic.location()) {
            *place = Some(format!("{}:{}", at.file(), at.line()));
        }
    }));
}

async fn return_value(dag: &Dag, value: &Value) -> Result<()> {
    const QUERY: &str = "query($value: JSON!){currentFunctionCall{returnValue(value: $value)}}";
    dag.query_raw(QUERY, json!({ "value": value.to_string() }))
        .await?;
    Ok(())
}

async fn return_error(dag: &Dag, report: &eyre::Report) -> Result<()> {
    let values = EngineError::find(report)
        .map(|error| error.extensions)
        .unwrap_or_default();
    let (query, variables) = error_query(&message(report), &values);
    let data = dag.query_raw(&query, variables).await?;
    let id = leaf(&data);
    // An inline id: engines disagree about the name of its scalar.
    dag.query_raw(
        &format!("{{currentFunctionCall{{returnError(error: {id})}}}}"),
        json!({}),
    )
    .await?;
    Ok(())
}

fn error_query(message: &str, values: &Map<String, Value>) -> (String, Value) {
    let mut variables = json!({ "message": message });
    let mut declared = String::from("$message: String!");
    let mut chain = String::from("error(message: $message)");
    for (at, (name, value)) in values.iter().enumerate() {
        declared += &format!(", $value{at}: JSON!");
        chain += &format!("{{withValue(name: {}, value: $value{at})", json!(name));
        variables[format!("value{at}")] = value.to_string().into();
    }
    let close = "}".repeat(values.len());
    (
        format!("query({declared}){{{chain}{{id}}{close}}}"),
        variables,
    )
}
