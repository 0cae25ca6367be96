//! The OCI runtime as a program: where it is, how it is started, what it says
//! when it fails.

use std::io::PipeWriter;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use eyre::{Result, WrapErr};
use rustix::process::Signal;
use serde::Deserialize;

use super::SandboxError;
use super::handle::ProcessHandle;
use super::output::Streams;

/// A runtime that takes runc's command line.
pub(super) struct Runtime {
    program: PathBuf,
    /// Its state, in memory.
    root: PathBuf,
}

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
        let child = Command::new(&runtime.program)
            .arg("--root")
            .arg(&runtime.root)
            .arg("--log")
            .arg(start.log)
            .args(["--log-format", "json"])
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
                let program = runtime.program.display();
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
                return Err(failure(start.log, start.args).into());
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

impl Runtime {
    /// The first of `runc` and `crun` in `PATH`.
    pub(super) fn find(run_dir: &Path) -> Result<Self, SandboxError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = ["runc", "crun"].iter().find_map(|name| {
            std::env::split_paths(&path)
                .map(|dir| dir.join(name))
                .find(|file| file.is_file())
        });
        let program = found.ok_or_else(|| {
            SandboxError::Runtime(
                "neither `runc` nor `crun` is in `PATH`; install one (`apt-get install runc`)"
                    .into(),
            )
        })?;
        Ok(Self {
            program,
            root: run_dir.join("runtime"),
        })
    }

    /// State of the container `id`.
    pub(super) fn state(&self, id: &str) -> PathBuf {
        self.root.join(id)
    }
}

#[derive(Deserialize)]
struct LogLine {
    level: String,
    msg: String,
}

/// Why the runtime failed, by the log that it wrote.
pub(super) fn failure(log: &Path, args: &[String]) -> SandboxError {
    let log = std::fs::read_to_string(log).unwrap_or_default();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<LogLine>(line).ok());
    let mut errors = lines
        .filter(|line| line.level == "error")
        .map(|line| line.msg);
    let message = errors.next_back();
    explain(
        &message.unwrap_or_else(|| "the runtime has failed without a message".into()),
        args,
    )
}

fn explain(message: &str, args: &[String]) -> SandboxError {
    const NOISE: [&str; 5] = [
        "runc run failed: ",
        "exec failed: ",
        "unable to start container process: ",
        "container_linux.go:380: starting container process caused: ",
        "error executing setns process: ",
    ];
    let mut rest = message;
    while let Some(shorter) = NOISE.iter().find_map(|noise| rest.strip_prefix(noise)) {
        rest = shorter;
    }
    // `exec: "name": why` of runc; crun says ``executable file `name` not found …``.
    let of_command = rest.starts_with("exec: ") || rest.starts_with("executable file ");
    let named = rest.split_once("\": ").map(|(_, cause)| cause);
    match args.first() {
        Some(command) if of_command => SandboxError::Command {
            command: command.clone(),
            cause: named.unwrap_or(rest).to_owned(),
        },
        _ => SandboxError::Runtime(rest.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(message: &str) -> String {
        explain(message, &["tool".to_owned()]).to_string()
    }

    #[test]
    fn a_missing_command_is_told_apart_from_a_broken_sandbox() {
        let missing = "runc run failed: unable to start container process: exec: \"tool\": executable file not found in $PATH";
        assert_eq!(
            explained(missing),
            "cannot run `tool`: executable file not found in $PATH"
        );
        let denied = "unable to start container process: exec: \"tool\": permission denied";
        assert_eq!(explained(denied), "cannot run `tool`: permission denied");
        let other = "runc run failed: unable to start container process: error during container init: error mounting \"/x\"";
        assert_eq!(
            explained(other),
            "cannot start a container: error during container init: error mounting \"/x\""
        );
    }
}
