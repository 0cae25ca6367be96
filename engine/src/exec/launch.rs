//! Processes that the runtime starts, in a new container or in one that runs.

use std::io::PipeWriter;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use eyre::{Result, WrapErr};
use rustix::process::Signal;

use super::SandboxError;
use super::handle::ProcessHandle;
use super::output::Streams;
use super::runtime::{self, Runtime};

/// A command for the runtime that starts a process.
pub(super) struct Start<'a> {
    /// `run` or `exec` with what belongs to it.
    pub(super) words: &'a [&'a Path],
    pub(super) log: &'a Path,
    pub(super) pid_file: &'a Path,
    /// What is started, for error messages.
    pub(super) args: &'a [String],
    /// Whether the process is to read something.
    pub(super) stdin: bool,
}

/// A process about to start. Dropping it waits for the runtime, as half of a
/// start cannot be undone, and kills what it has started.
pub(super) struct Launch {
    runtime: Option<(Child, ProcessHandle)>,
    pid_file: PathBuf,
    streams: Option<Streams>,
    pub(super) stdin: Option<PipeWriter>,
    /// Once started.
    main: Option<Arc<ProcessHandle>>,
}

impl Launch {
    pub(super) fn begin(runtime: &Runtime, start: &Start<'_>) -> Result<Self> {
        let pipe = || std::io::pipe().wrap_err("cannot make a pipe");
        let ((stdout, out), (stderr, err)) = (pipe()?, pipe()?);
        let (stdin, input) = match start.stdin {
            true => pipe().map(|(read, write)| (Some(read), Some(write)))?,
            false => (None, None),
        };
        let (first, rest) = start.words.split_at(1);
        let child = runtime
            .command(start.log)
            .args(first)
            .arg("--pid-file")
            .arg(start.pid_file)
            .args(rest)
            .stdin(stdin.map_or_else(Stdio::null, Stdio::from))
            .stdout(out)
            .stderr(err)
            // Out of reach of the terminal's signals.
            .process_group(0)
            .spawn()
            .map_err(|e| {
                let program = runtime.program().display();
                SandboxError::Runtime(format!("cannot run `{program}`: {e}"))
            })?;
        let handle = ProcessHandle::of_other(child.id() as i32);
        let handle = handle.wrap_err("cannot watch the container runtime")?;
        Ok(Self {
            runtime: Some((child, handle)),
            pid_file: start.pid_file.to_owned(),
            streams: Some(Streams { stdout, stderr }),
            stdin: input,
            main: None,
        })
    }

    /// Waits until the process runs.
    pub(super) async fn complete(
        &mut self,
        start: &Start<'_>,
    ) -> Result<(Arc<ProcessHandle>, Streams)> {
        let unwaited = "cannot wait for the container runtime";
        if let Some((child, handle)) = &mut self.runtime {
            handle.ended().await.wrap_err(unwaited)?;
            let status = child.wait().wrap_err(unwaited)?;
            self.runtime = None;
            if !status.success() {
                return Err(runtime::failure(start.log, start.args).into());
            }
            self.main = self.started();
        }
        match (self.main.clone(), self.streams.take()) {
            (Some(main), Some(streams)) => Ok((main, streams)),
            _ => {
                let told = "the runtime did not tell what it has started";
                Err(SandboxError::Runtime(told.into()).into())
            }
        }
    }

    /// The process, once started.
    pub(super) fn main(&self) -> Option<&Arc<ProcessHandle>> {
        self.main.as_ref()
    }

    /// The process whose PID the runtime has written.
    fn started(&self) -> Option<Arc<ProcessHandle>> {
        let pid = std::fs::read_to_string(&self.pid_file)
            .ok()?
            .trim()
            .parse()
            .ok()?;
        ProcessHandle::of_child(pid).ok().map(Arc::new)
    }
}

impl Drop for Launch {
    fn drop(&mut self) {
        const PATIENCE: Duration = Duration::from_secs(5);
        if let Some((mut child, handle)) = self.runtime.take() {
            if !handle.ended_within(PATIENCE) {
                let group = rustix::process::Pid::from_child(&child);
                let _ = rustix::process::kill_process_group(group, Signal::KILL);
            }
            let _ = child.wait();
            self.main = self.started();
        }
        if let Some(main) = &self.main
            && !main.reaped()
        {
            main.signal(Signal::KILL);
            if main.ended_within(PATIENCE) {
                main.reap();
            }
        }
    }
}
