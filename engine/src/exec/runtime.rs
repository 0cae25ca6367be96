//! The OCI runtime as a program: where it is, and what it says when it fails.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::SandboxError;
use crate::programs;

/// A runtime that takes runc's command line.
pub(super) struct Runtime {
    program: PathBuf,
    /// Its state, in memory.
    root: PathBuf,
}

impl Runtime {
    /// The first of `runc` and `crun` in `PATH`.
    pub(super) fn find(run_dir: &Path) -> Result<Self, SandboxError> {
        let mut names = ["runc", "crun"].into_iter();
        let found = names.find_map(|name| Self::named(name, run_dir));
        found.ok_or_else(|| {
            SandboxError::Runtime(
                "neither `runc` nor `crun` is in `PATH`; install one (`apt-get install runc`)"
                    .into(),
            )
        })
    }

    /// A certain one, if it is in `PATH`.
    pub(super) fn named(name: &str, run_dir: &Path) -> Option<Self> {
        Some(Self {
            program: programs::find(name)?,
            root: run_dir.join("runtime"),
        })
    }

    /// Its command line up to the command.
    pub(super) fn command(&self, log: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--root").arg(&self.root).arg("--log").arg(log);
        command.args(["--log-format", "json"]);
        command
    }

    pub(super) fn program(&self) -> &Path {
        &self.program
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
    // `exec: "name": why` of runc; crun says ``executable file `name` not found …``
    // and `open executable: Why`.
    let of_runc = rest.strip_prefix("exec: ").map(|named| {
        let cause = named.split_once("\": ").map(|(_, cause)| cause);
        cause.unwrap_or(rest).to_owned()
    });
    let of_crun = || {
        let not_found = rest.starts_with("executable file ").then_some(rest);
        let refused = rest.strip_prefix("open executable: ");
        let lower = |cause: &str| cause[..1].to_lowercase() + &cause[1..];
        not_found
            .map(str::to_owned)
            .or(refused.filter(|cause| cause.is_ascii()).map(lower))
    };
    match (args.first(), of_runc.or_else(of_crun)) {
        (Some(command), Some(cause)) => SandboxError::Command {
            command: command.clone(),
            cause,
        },
        _ if rest.starts_with("cgroups in hybrid mode ") => SandboxError::Runtime(
            "`crun` does not take the control groups of this machine, which are of both versions: install `runc`".to_owned(),
        ),
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
        for (message, cause) in [
            (
                "executable file `tool` not found in $PATH: No such file or directory",
                "executable file `tool` not found",
            ),
            ("open executable: Permission denied", "permission denied"),
        ] {
            let told = explained(message);
            assert!(
                told.starts_with(&format!("cannot run `tool`: {cause}")),
                "{told}"
            );
        }
        let hybrid =
            explained("cgroups in hybrid mode not supported, drop all controllers from cgroupv2");
        assert!(hybrid.ends_with("install `runc`"), "{hybrid}");
        let other = "runc run failed: unable to start container process: error during container init: error mounting \"/x\"";
        assert_eq!(
            explained(other),
            "cannot start a container: error during container init: error mounting \"/x\""
        );
    }
}
