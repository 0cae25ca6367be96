//! Runs checks and generators: each is a call like any other.

use std::sync::Arc;

use eyre::{Result, bail, eyre};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde_json::{Value as Json, json};

use super::names;
use crate::api::QueryError;
use crate::api::client::Client;
use crate::api::resolve::changeset;
use crate::graph::node::Changeset;
use crate::graph::task::{Done, Kind, Task};
use crate::graph::{Failure, Node};

/// Runs one; gives it with how it went.
pub async fn one(client: &Arc<Client>, task: &Task) -> Task {
    let span = client.engine().progress.start(names::shown(&task.path));
    let outcome = call(client, task).await.map_err(Failure::from);
    match &outcome {
        Ok(_) => span.finish(),
        Err(failure) => span.fail(&failure.message),
    }
    Task {
        outcome: Some(outcome),
        ..task.clone()
    }
}

/// Runs all at once; gives them, or all that failed.
pub async fn all(client: &Arc<Client>, tasks: &[Arc<Task>], fail_fast: bool) -> Result<Vec<Task>> {
    let mut running: FuturesUnordered<_> = tasks
        .iter()
        .enumerate()
        .map(|(n, task)| async move { (n, one(client, task).await) })
        .collect();
    let mut done: Vec<Option<Task>> = tasks.iter().map(|_| None).collect();
    while let Some((n, task)) = running.next().await {
        let failed = matches!(task.outcome, Some(Err(_)));
        done[n] = Some(task);
        if failed && fail_fast {
            break;
        }
    }
    drop(running);
    let done: Vec<Task> = done.into_iter().flatten().collect();
    let mut failures = done.iter().filter_map(|task| match &task.outcome {
        Some(Err(failure)) => Some((task, failure)),
        _ => None,
    });
    let Some((task, failure)) = failures.next() else {
        return Ok(done);
    };
    let said = |task: &Task, failure: &Failure| {
        format!("{}: {}", names::shown(&task.path), failure.message)
    };
    let mut first = failure.clone();
    first.message = failures.fold(said(task, failure), |text, (task, failure)| {
        text + "\n" + &said(task, failure)
    });
    Err(first.into())
}

async fn call(client: &Arc<Client>, task: &Task) -> Result<Done> {
    match task.kind {
        Kind::Check => {
            check(client, task).await?;
            Ok(Done::Passed)
        }
        Kind::Generator => Ok(Done::Changes(object(client, task).await?.changeset()?)),
        Kind::GeneratorCheck => {
            let changes = object(client, task).await?.changeset()?;
            let stale = changeset::paths(client.engine(), &changes).await?;
            if stale.is_empty() {
                return Ok(Done::Passed);
            }
            let name = names::shown(&task.path);
            bail!(
                "generate function {name} produced changes; run 'dagger generate {name}' to apply: {}",
                shortened(&stale)
            )
        }
        Kind::Up => Ok(Done::Service(object(client, task).await?.service()?)),
    }
}

fn shortened(paths: &[String]) -> String {
    const SHOWN: usize = 10;
    let mut text = paths
        .iter()
        .take(SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if let Some(more) = paths.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        text += &format!(" and {more} more");
    }
    text
}

/// What can be synced fails as a check when that fails.
async fn check(client: &Arc<Client>, task: &Task) -> Result<()> {
    let caller = caller(client, task)?;
    let last = match &task.gives {
        None => "",
        Some(name) => {
            let own = crate::module::types::Names::new(&task.module).api(name);
            let model = caller.model();
            let object = model.object(&own);
            match object.is_some_and(|object| object.functions.contains_key("sync")) {
                true => "sync",
                false => "id",
            }
        }
    };
    query(&caller, task, last).await.map(drop)
}

/// The object that the function gives.
async fn object(client: &Arc<Client>, task: &Task) -> Result<Arc<Node>> {
    let caller = caller(client, task)?;
    let id = query(&caller, task, "id").await?;
    let id = id
        .as_str()
        .ok_or_else(|| eyre!("`{}` gave nothing", names::shown(&task.path)))?;
    caller.node(id, None).await
}

/// The caller of the run, whoever asks: the modules are those of its workspace.
fn caller(client: &Arc<Client>, task: &Task) -> Result<Arc<Client>> {
    let caller = Arc::new(Client::new(
        client.shared.clone(),
        None,
        client.reads.below(),
    ));
    caller.add(&task.module)?;
    Ok(caller)
}

/// Asks for the function, and for `last` of what it gives.
async fn query(caller: &Arc<Client>, task: &Task, last: &str) -> Result<Json> {
    let mut names = vec![task.module.constructor()];
    names.extend(task.fields.iter().cloned());
    names.extend((!last.is_empty()).then(|| last.to_owned()));
    let open = names.join("{");
    let document = format!("{{{open}{}", "}".repeat(names.len()));
    let mut value = caller.query(&document, json!({})).await.map_err(|error| {
        let QueryError {
            message,
            extensions,
        } = error;
        Failure {
            message,
            extensions,
        }
    })?;
    for name in &names {
        value = value.get_mut(name).map(Json::take).unwrap_or_default();
    }
    Ok(value)
}

/// The changes of a generator that was run.
pub fn changes(task: &Task, field: &str) -> Result<Box<Changeset>> {
    let name = names::shown(&task.path);
    match &task.outcome {
        None => bail!("generator {name:?} must be run before querying {field}"),
        Some(Ok(Done::Changes(changes))) => Ok(changes.clone()),
        Some(_) => bail!("generator {name:?} did not produce a changeset result"),
    }
}
