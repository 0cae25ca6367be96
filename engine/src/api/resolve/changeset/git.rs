//! Git as a tool: for patches, and for merges in repositories that are thrown away.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use eyre::{Result, WrapErr, bail, eyre};

/// Runs git in a directory, with the settings of nobody.
pub struct Git {
    dir: PathBuf,
    repository: Option<&'static str>,
}

/// What a command said.
pub struct Said {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

impl Git {
    /// In a repository of its own.
    pub fn in_repository(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            repository: None,
        }
    }

    /// In a directory that is no repository, whatever lies in it: a `.git` that
    /// points elsewhere is not followed.
    pub fn nowhere(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            repository: Some("/dev/null"),
        }
    }

    /// Runs a command that must succeed.
    pub fn run(&self, args: &[&str]) -> Result<Vec<u8>> {
        self.feed(args, b"")
    }

    /// The same with something on its standard input.
    pub fn feed(&self, args: &[&str], input: &[u8]) -> Result<Vec<u8>> {
        let said = self.try_run(args, input)?;
        if said.code != 0 {
            bail!("git {}: {}", args[0], said.cause());
        }
        Ok(said.stdout)
    }

    pub fn try_run(&self, args: &[&str], input: &[u8]) -> Result<Said> {
        let mut command = Command::new("git");
        // Housekeeping would go on while the repository is thrown away.
        command
            .args(["-c", "gc.auto=0", "-c", "maintenance.auto=false"])
            .args([
                "-c",
                "core.quotePath=false",
                "-c",
                "init.defaultBranch=base",
            ])
            .args(args)
            .current_dir(&self.dir)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("HOME", "/dev/null");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "poniard");
            command.env(format!("GIT_{role}_EMAIL"), "poniard@localhost");
        }
        if let Some(repository) = self.repository {
            command.env("GIT_DIR", repository);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| eyre!("cannot run `git`: {error}; install git"))?;
        let mut stdin = child.stdin.take();
        let output = std::thread::scope(|scope| {
            scope.spawn(move || {
                // Git may not want all of it; it says why.
                let _ = stdin.as_mut().map(|stdin| stdin.write_all(input));
            });
            child.wait_with_output()
        });
        let output = output.wrap_err("cannot wait for `git`")?;
        Ok(Said {
            code: output.status.code().unwrap_or(128),
            stdout: output.stdout,
            stderr: output.stderr,
        })
    }
}

impl Said {
    /// Why it failed, in one line.
    pub fn cause(&self) -> String {
        let text = [self.stdout.as_slice(), self.stderr.as_slice()].concat();
        let text = String::from_utf8_lossy(&text);
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines
            .map(|line| line.strip_prefix("error: ").unwrap_or(line))
            .collect::<Vec<_>>()
            .join("; ")
    }
}
