//! Runs processes in containers through an OCI runtime (`runc` or `crun`).
//!
//! [`isolate`] comes first in the program's life and puts all of it into
//! namespaces. Then, for each [`Process`], [`container`] writes a bundle ([`spec`],
//! [`hosts`], [`ca`], [`user`], [`gpu`], mount [`points`]) in memory, starts it below a
//! PID 1 from the [`nursery`], collects its [`output`] without secrets
//! ([`scrub`]), and takes everything away again ([`cgroup`]).

mod ca;
pub mod cgroup;
mod console;
mod container;
pub mod gpu;
mod handle;
mod hosts;
mod inside;
pub mod isolate;
mod launch;
mod mounts;
mod nursery;
mod output;
mod points;
mod running;
mod runtime;
mod scrub;
mod signals;
mod spec;
#[cfg(test)]
mod tests;
mod user;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once, OnceLock, PoisonError};
use std::thread::available_parallelism;

use eyre::{Result, WrapErr};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::net::{Attachment, Network};
use crate::progress::Span;
pub use console::Terminal;
pub use hosts::HostsFile;
pub use isolate::{Isolation, IsolationError, isolate};
pub use output::MAX_BYTES as MAX_OUTPUT_BYTES;
pub use running::Running;

/// Containers that are being started at the same time. A start waits for the kernel now
/// and then, so there are more than cores: with 2 for each, 200 commands need the least
/// processor time.
const STARTS_PER_CORE: usize = 2;

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
    /// `PATH`, `HOME` and what the host's certificates and proxies need are
    /// added unless set.
    pub env: Vec<(String, String)>,
    /// Made when missing; it stays.
    pub cwd: PathBuf,
    /// `name`, `uid`, `name:group` or `uid:gid`, of the container's own
    /// `/etc/passwd` and `/etc/group`; empty is root.
    pub user: String,
    /// A mounted root file system that may be written to.
    pub rootfs: PathBuf,
    /// Missing targets are made, and removed again afterwards (they are not part
    /// of the root). Binds, temps and files are mounted from the root downward;
    /// of those at the same depth, later ones lie over earlier ones.
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
    /// Names for `/etc/hosts` that may still grow while the container runs.
    pub hosts_file: Option<HostsFile>,
    /// All capabilities and devices.
    pub privileged: bool,
    /// NVIDIA's GPUs by index or UUID, or `all`: see [`gpu::require`].
    pub gpus: Vec<String>,
    /// No init process as PID 1.
    pub no_init: bool,
    /// A session for the process: set `DAGGER_SESSION_PORT` of `env` to it.
    pub attachment: Attachment,
    pub hostname: String,
    /// Given back once it runs.
    pub turn: Option<Turn>,
}

/// A place among the containers that are being started, see [`Executor::turn`].
pub struct Turn {
    _permit: OwnedSemaphorePermit,
}

#[derive(Clone)]
pub struct SecretFile {
    pub path: PathBuf,
    pub contents: Vec<u8>,
    pub mode: u32,
    pub owner: String,
}

impl Process {
    /// Another process that sees the same.
    pub fn again(&self, args: Vec<String>, attachment: Attachment) -> Self {
        Self {
            args,
            env: self.env.clone(),
            cwd: self.cwd.clone(),
            user: self.user.clone(),
            rootfs: self.rootfs.clone(),
            binds: self.binds.clone(),
            temps: self.temps.clone(),
            files: self.files.clone(),
            stdin: Vec::new(),
            scrub: self.scrub.clone(),
            hosts: self.hosts.clone(),
            hosts_file: self.hosts_file.clone(),
            privileged: self.privileged,
            gpus: self.gpus.clone(),
            no_init: self.no_init,
            attachment,
            hostname: self.hostname.clone(),
            turn: None,
        }
    }
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
    /// Bytes that each of the three lacks at its beginning: it was too long to be
    /// held, and only its end is there.
    pub left_out: [u64; 3],
}

/// The sandbox itself failed: the command never ran.
#[derive(Clone, Debug, thiserror::Error)]
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
    engine: Arc<Engine>,
    begun: Once,
    starts: Arc<Semaphore>,
}

impl Executor {
    /// `run_dir` is memory-backed and private to this invocation. Nothing is
    /// started before the first container.
    pub fn new(network: Arc<Network>, run_dir: &Path) -> Result<Self> {
        let cores = available_parallelism().map_or(1, usize::from);
        let engine = Engine {
            network,
            run_dir: run_dir.to_owned(),
            trust: ca::HostTrust::of_host(),
            prepared: OnceLock::new(),
            nursery: Mutex::default(),
            runtime: OnceLock::new(),
            cgroups: cgroup::Hierarchies::of_host(),
        };
        Ok(Self {
            engine: Arc::new(engine),
            begun: Once::new(),
            starts: Arc::new(Semaphore::new(STARTS_PER_CORE * cores)),
        })
    }

    /// Waits until few enough other containers are being mounted and started, each of
    /// which makes all others slower: the kernel copies and lists the mounts of all for
    /// each. As many as one likes may run.
    ///
    /// Whoever has a turn must not wait for anything that needs one.
    pub async fn turn(&self) -> Result<Turn> {
        Ok(Turn {
            _permit: self.starts.clone().acquire_owned().await?,
        })
    }

    /// Begins to make what the first container needs besides its own, beside what the
    /// caller does before that. Where it fails, the container says so. Once: whoever
    /// comes later has nothing to begin.
    pub fn begin(&self) {
        self.begun.call_once(|| {
            let (engine, network) = (self.engine.clone(), self.engine.network.clone());
            let runtime = tokio::runtime::Handle::current();
            tokio::task::spawn_blocking(move || {
                // Spawned by the caller's thread, it would wait until that has time.
                runtime.spawn(async move { network.begin().await });
                let _ = engine.prepare().and_then(|()| engine.nursery().map(drop));
            });
        });
    }

    /// Begins to end what containers are started with, when none is any more.
    pub fn close(&self) {
        let nursery = self.engine.nursery.lock();
        if let Some(nursery) = &*nursery.unwrap_or_else(PoisonError::into_inner) {
            nursery.end();
        }
    }

    /// Runs to the end. Output goes to `span` as it comes, scrubbed. Dropping
    /// the future kills everything the container runs.
    ///
    /// All output is kept in memory. An error is a [`SandboxError`] when the
    /// command did not run.
    pub async fn run(&self, process: Process, span: &Span) -> Result<Output> {
        container::Container::start(self.engine.clone(), process, false)
            .await?
            .finish(span)
            .await
    }

    /// Runs to the end on the user's terminal.
    pub async fn attach(
        &self,
        process: Process,
        terminal: &Terminal,
        span: &Span,
    ) -> Result<Output> {
        let engine = self.engine.clone();
        let mut container = container::Container::start(engine, process, true).await?;
        let (console, secrets) = (container.console.take(), container.secrets.clone());
        let terminal = terminal.clone();
        let session = tokio::task::spawn_blocking(move || match console {
            Some(console) => terminal.join(&console, secrets),
            None => Ok(()),
        });
        let output = container.finish(span).await?;
        session.await??;
        Ok(output)
    }

    /// Starts a service.
    pub async fn spawn(&self, process: Process, span: Span) -> Result<Running> {
        let container = container::Container::start(self.engine.clone(), process, false).await?;
        Running::new(container, span)
    }
}

/// What all containers share.
struct Engine {
    network: Arc<Network>,
    run_dir: PathBuf,
    trust: ca::HostTrust,
    prepared: OnceLock<()>,
    nursery: Mutex<Option<Arc<nursery::Nursery>>>,
    runtime: OnceLock<runtime::Runtime>,
    cgroups: cgroup::Hierarchies,
}

impl Engine {
    /// Unique on this host, as the network's number in its namespace is.
    fn next_id(&self) -> String {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        format!("{}{count}", self.owner().prefix())
    }

    fn owner(&self) -> cgroup::Owner {
        let (number, namespace) = (self.network.number(), self.network.namespace());
        cgroup::Owner { number, namespace }
    }

    /// Started with the first container.
    fn nursery(&self) -> Result<Arc<nursery::Nursery>> {
        let mut nursery = self.nursery.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(nursery) = &*nursery {
            return Ok(nursery.clone());
        }
        let started = nursery::Nursery::start().wrap_err("cannot start an init process")?;
        Ok(nursery.insert(Arc::new(started)).clone())
    }

    /// To be called before the first container is started.
    fn prepare(&self) -> Result<()> {
        if self.prepared.get().is_none() {
            adopt_orphans()?;
            self.prepared
                .get_or_init(|| self.cgroups.sweep(&self.owner(), Network::reserve));
        }
        Ok(())
    }

    fn runtime(&self) -> Result<&runtime::Runtime, SandboxError> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let found = runtime::Runtime::find(&self.run_dir)?;
        Ok(self.runtime.get_or_init(|| found))
    }
}

/// Commands in containers are left by the runtime, which ends; they become our
/// children, so that we learn how they end.
fn adopt_orphans() -> Result<()> {
    let pid = rustix::process::getpid();
    rustix::process::set_child_subreaper(Some(pid)).wrap_err("cannot wait for containers")
}
