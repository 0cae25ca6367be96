//! Commands in the background.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinHandle;

use super::output::Io;
use super::state::Shell;
use super::stop::{Run, Stop};

/// Jobs by number, shared with subshells.
#[derive(Clone, Default)]
pub struct Jobs(Arc<Mutex<Table>>);

#[derive(Default)]
struct Table {
    next: u64,
    running: BTreeMap<u64, Handle>,
}

/// Ends the job when it is dropped.
struct Handle(JoinHandle<Run>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Jobs {
    fn add(&self, job: JoinHandle<Run>) -> u64 {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.next += 1;
        let id = table.next;
        table.running.insert(id, Handle(job));
        id
    }

    fn remove(&self, id: u64) -> Option<Handle> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .running
            .remove(&id)
    }

    fn first(&self) -> Option<u64> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.running.keys().next().copied()
    }
}

impl Shell {
    /// Starts a list of commands in the background; `$!` is its number.
    pub(super) fn background(&mut self, list: brush_parser::ast::AndOrList, io: &Io) {
        let mut shell = self.clone();
        let io = io.with_input(None);
        let job = tokio::spawn(async move { shell.and_or(&list, &io).await });
        self.last_job = Some(self.jobs.add(job));
    }

    /// Waits for a job: its end is that of the caller.
    pub(super) async fn wait_for(&mut self, id: u64) -> Run {
        let Some(mut job) = self.jobs.remove(id) else {
            return Err(Stop::failed(format!(
                "there is no job `{id}`, or it was waited for already"
            )));
        };
        match (&mut job.0).await {
            Ok(Err(Stop::Exit(0))) | Ok(Ok(())) => Ok(()),
            Ok(Err(Stop::Failed(failure))) => Err(Stop::Failed(failure)),
            Ok(Err(Stop::Exit(code) | Stop::Return(code))) => Err(Stop::status(code)),
            Ok(Err(Stop::Break(_) | Stop::Continue(_))) => Ok(()),
            Err(error) => Err(Stop::failed(format!("job `{id}` broke down: {error}"))),
        }
    }
}

/// Waits for all jobs; their failures are told, and forgotten.
pub async fn wait_for_all(shell: &mut Shell) {
    while let Some(id) = shell.jobs.first() {
        if let Err(Stop::Failed(failure)) = shell.wait_for(id).await {
            // Nobody is left to hear of a closed stderr.
            let _ = (shell.teller)(&failure.within(format!("job {id}")).report());
        }
    }
}
