//! Terminals in containers: on demand, and where a command failed.

use std::sync::Arc;

use eyre::Result;

use super::{Exec, stage};
use crate::exec::Process;
use crate::graph::Engine;
use crate::graph::container::set;
use crate::graph::engine::shown;

/// Opens a terminal; what is changed in it is not kept.
pub async fn run(engine: &Arc<Engine>, exec: &Exec) -> Result<()> {
    engine.terminal.require()?;
    let (stage, process) = stage(engine, exec).await?;
    let title = format!("terminal {}", shown(&exec.args));
    let done = open(engine, process, &title).await;
    drop(stage);
    done
}

/// What to open a terminal with in case that `process` fails, if that is wanted.
pub(super) async fn after_failure(
    engine: &Arc<Engine>,
    process: &Process,
) -> Result<Option<Process>> {
    let Some(command) = &engine.terminal.on_failure else {
        return Ok(None);
    };
    if let Err(error) = engine.terminal.require() {
        engine.progress.note(format!("no terminal: {error}"));
        return Ok(None);
    }
    let attachment = engine.network.attach().await?;
    Ok(Some(process.again(command.clone(), attachment)))
}

pub(super) async fn open(engine: &Arc<Engine>, mut process: Process, title: &str) -> Result<()> {
    if !process.env.iter().any(|(name, _)| name == "PS1") {
        set(&mut process.env, "PS1", "poniard $(pwd) $ ".to_owned());
    }
    let span = engine.progress.start(title);
    let terminal = &engine.terminal;
    let work = engine.executor.attach(process, terminal, &span);
    engine.gate.pass(work).await?;
    span.finish();
    Ok(())
}
