//! Services: containers that go on while others run.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use eyre::{Result, WrapErr, eyre};
use rustix::process::Signal;
use tokio::sync::watch;

use super::console::{Handover, Terminal};
use super::container::{Container, Processes};
use super::handle::ProcessHandle;
use super::launch::{Launch, Start};
use super::output::Streams;
use super::scrub::Secrets;
use super::{Engine, Output, SandboxError, spec};
use crate::progress::Span;

/// Time between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(10);

/// A service under way. Dropping it kills everything it runs.
pub struct Running {
    id: String,
    engine: Arc<Engine>,
    dir: PathBuf,
    process: oci_spec::runtime::Process,
    secrets: Secrets,
    pub(super) processes: Processes,
    ended: watch::Receiver<Option<Result<Output, String>>>,
    execs: AtomicU64,
}

impl Running {
    pub(super) fn new(container: Container, span: Span) -> Result<Self> {
        let processes = container
            .processes()
            .ok_or_else(|| eyre!("the service has not started"))?;
        let (tell, ended) = watch::channel(None);
        let running = Self {
            id: container.id.clone(),
            engine: container.engine.clone(),
            dir: container.dir.clone(),
            process: spec::process(&container.command)?,
            secrets: container.secrets.clone(),
            processes,
            ended,
            execs: AtomicU64::new(0),
        };
        tokio::spawn(async move {
            let output = container.finish(&span).await;
            let _ = tell.send(Some(output.map_err(|e| format!("{e:#}"))));
        });
        Ok(running)
    }

    /// Waits for the end.
    pub async fn wait(&self) -> Result<Output> {
        let mut ended = self.ended.clone();
        let output = ended.wait_for(Option::is_some).await;
        let output = output.wrap_err("the service was given up")?.clone();
        output
            .unwrap_or_else(|| Err("it has not ended".into()))
            .map_err(|e| eyre!(e))
    }

    /// The output if it has ended.
    pub fn ended(&self) -> Option<Output> {
        self.ended.borrow().as_ref()?.as_ref().ok().cloned()
    }

    /// SIGTERM (or SIGKILL), then SIGKILL after ten seconds; waits for the end.
    pub async fn stop(&self, kill: bool) -> Result<()> {
        if kill {
            self.processes.kill();
        } else {
            self.processes.main.signal(Signal::TERM);
        }
        if tokio::time::timeout(GRACE, self.wait()).await.is_err() {
            self.processes.kill();
            self.wait().await?;
        }
        Ok(())
    }

    /// Runs a command in the namespaces of the service, as its user and with its
    /// environment. Dropping the future kills the command.
    pub async fn exec(&self, args: Vec<String>) -> Result<Output> {
        let (main, streams, _) = self.start(args, false).await?;
        let ended = async {
            let _ = main.ended().await;
        };
        // What the command leaves running may hold the pipes open for long.
        let mut output = streams.collect(&self.secrets, None, ended).await?;
        output.code = main.reap().unwrap_or(255);
        Ok(output)
    }

    /// The same on the user's terminal.
    pub async fn attach(&self, args: Vec<String>, terminal: &Terminal) -> Result<()> {
        let (main, _streams, console) = self.start(args, true).await?;
        let (terminal, secrets) = (terminal.clone(), self.secrets.clone());
        let session = tokio::task::spawn_blocking(move || match console {
            Some(console) => terminal.join(&console, secrets),
            None => Ok(()),
        });
        main.ended()
            .await
            .wrap_err("cannot wait for a command in a service")?;
        main.reap();
        session.await?
    }

    async fn start(
        &self,
        args: Vec<String>,
        terminal: bool,
    ) -> Result<(Started, Streams, Option<OwnedFd>)> {
        if self.ended.borrow().is_some() {
            return Err(SandboxError::Runtime("the service has ended".into()).into());
        }
        let number = self.execs.fetch_add(1, Ordering::Relaxed);
        let file = |name: &str| self.dir.join(format!("exec-{number}-{name}"));
        let mut process = self.process.clone();
        process
            .set_args(Some(args.clone()))
            .set_terminal(Some(terminal));
        let process_file = file("process.json");
        let json = serde_json::to_vec(&process)?;
        std::fs::write(&process_file, json).wrap_err("cannot write what to run in a service")?;

        let socket = file("console");
        let mut words: Vec<&Path> = vec!["exec".as_ref(), "--detach".as_ref()];
        let handover = match terminal {
            true => {
                words.extend(["--console-socket".as_ref(), socket.as_path()]);
                Some(Handover::at(&socket)?)
            }
            false => None,
        };
        words.extend([
            "--process".as_ref(),
            process_file.as_path(),
            self.id.as_ref(),
        ]);
        let (log, pid) = (file("log"), file("pid"));
        let start = Start {
            words: &words,
            log: &log,
            pid_file: &pid,
            args: &args,
            stdin: false,
        };
        let mut launch = Launch::begin(self.engine.runtime()?, &start)?;
        let (main, streams) = launch.complete(&start).await?;
        let console = handover.map(Handover::take).transpose()?;
        let started = Started {
            main,
            _launch: launch,
        };
        Ok((started, streams, console))
    }
}

/// A command in a service. Dropping it kills the command.
struct Started {
    main: Arc<ProcessHandle>,
    _launch: Launch,
}

impl std::ops::Deref for Started {
    type Target = ProcessHandle;

    fn deref(&self) -> &ProcessHandle {
        &self.main
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.processes.kill();
    }
}
