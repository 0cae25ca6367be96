//! Runs processes in containers through an OCI runtime (`runc` or `crun`).

pub mod isolate;
mod signals;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use eyre::Result;

use crate::net::{Attachment, Network};
use crate::progress::Span;

/// A file or directory of the host inside a container.
#[derive(Clone, Debug)]
pub struct Bind {
    pub source: PathBuf,
    pub target: PathBuf,
    pub read_only: bool,
}

/// What a container is started from. Secrets are among `env` and `files`; they
/// reach the runtime only through memory-backed files.
pub struct Process {
    pub args: Vec<String>,
    pub env: Vec<(String, String)>,
    pub cwd: PathBuf,
    /// `name`, `uid`, `name:group` or `uid:gid`, of the container's own
    /// `/etc/passwd` and `/etc/group`; empty is root.
    pub user: String,
    /// A mounted root file system that may be written to.
    pub rootfs: PathBuf,
    /// In order: later ones lie over earlier ones. Missing targets are made,
    /// and removed again afterwards (they are not part of the root).
    pub binds: Vec<Bind>,
    /// Temporary file systems: path and size in bytes.
    pub temps: Vec<(PathBuf, Option<u64>)>,
    /// Secret files: path, contents, mode, owner (`uid:gid` or names).
    pub files: Vec<SecretFile>,
    pub stdin: Vec<u8>,
    /// Replaced by `***` in all output.
    pub scrub: Vec<Vec<u8>>,
    /// More names for `/etc/hosts`.
    pub hosts: Vec<(String, IpAddr)>,
    /// All capabilities and devices.
    pub privileged: bool,
    /// No init process as PID 1.
    pub no_init: bool,
    /// A session for the process: set `DAGGER_SESSION_PORT` of `env` to it.
    pub attachment: Attachment,
    pub hostname: String,
}

#[derive(Clone)]
pub struct SecretFile {
    pub path: PathBuf,
    pub contents: Vec<u8>,
    pub mode: u32,
    pub owner: String,
}

/// What a process left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Exit code; 128 + N when a signal N ended it.
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// Both, in the order in which they came.
    pub combined: Vec<u8>,
}

/// The sandbox itself failed: the command never ran.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Unknown user: exit code 255 on Dagger.
    #[error("cannot run as user `{user}`: {cause}")]
    User { user: String, cause: String },
    #[error("cannot run `{command}`: {cause}")]
    Command { command: String, cause: String },
    #[error("cannot start a container: {0}")]
    Runtime(String),
}

/// Starts containers.
pub struct Executor {
    _network: Arc<Network>,
}

impl Executor {
    /// `run_dir` is memory-backed and private to this invocation.
    pub fn new(network: Arc<Network>, run_dir: &Path) -> Result<Self> {
        let _ = (network, run_dir);
        todo!()
    }

    /// Runs to the end. Output goes to `span` as it comes, scrubbed. Dropping
    /// the future kills everything the container runs.
    pub async fn run(&self, process: Process, span: &Span) -> Result<Output> {
        let _ = (process, span);
        todo!()
    }

    /// Starts a service.
    pub async fn spawn(&self, process: Process, span: Span) -> Result<Running> {
        let _ = (process, span);
        todo!()
    }
}

/// A service under way. Dropping it kills everything it runs.
pub struct Running {}

impl Running {
    /// Waits for the end.
    pub async fn wait(&self) -> Result<Output> {
        todo!()
    }

    /// The output if it has ended.
    pub fn ended(&self) -> Option<Output> {
        todo!()
    }

    /// SIGTERM (or SIGKILL), then SIGKILL after ten seconds; waits for the end.
    pub async fn stop(&self, kill: bool) -> Result<()> {
        let _ = kill;
        todo!()
    }

    /// Runs a command in the namespaces of the service.
    pub async fn exec(&self, args: Vec<String>) -> Result<Output> {
        let _ = args;
        todo!()
    }
}
