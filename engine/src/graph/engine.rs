//! What evaluation works with: the store, images, processes, the network.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use eyre::Result;

use super::exec;
use super::gate::Gate;
use super::memo::Memo;
use super::service::Services;
use crate::exec::{Executor, HostsFile, Terminal};
use crate::image::Images;
use crate::lock::{self, Locked};
use crate::module::git::version::Found;
use crate::module::reference::Checkout;
use crate::net::Network;
use crate::progress::Progress;
pub(crate) use crate::store::blocking;
use crate::store::{Digest, Store};
pub use module_source::clean;

/// One per invocation.
pub struct Engine {
    pub store: Arc<Store>,
    pub images: Images,
    /// What names stood for.
    pub lock: Locked,
    pub executor: Arc<Executor>,
    pub network: Arc<Network>,
    pub progress: Progress,
    /// Gives sessions to commands that want one; set by whoever serves the API.
    pub nesting: OnceLock<Arc<dyn Nesting>>,
    pub terminal: Terminal,
    pub services: Services,
    /// Open as long as the run goes on.
    pub gate: Arc<Gate>,
    /// The caller's working directory.
    pub workdir: PathBuf,
    /// Keys the fingerprints of secrets.
    pub secret_key: [u8; 32],
    /// Names of this run's services, for programs that start services while they run.
    pub hosts: HostsFile,
    /// Commands under way or done, by cache key.
    pub(super) execs: Memo<Arc<exec::Outcome>>,
    /// Commits that versions of modules in git stand for.
    pub module_versions: Memo<Found>,
    /// Where commits of modules lie, by directory.
    checkouts: Mutex<HashMap<PathBuf, Checkout>>,
}

/// Serves the API to commands in containers.
pub trait Nesting: Send + Sync {
    /// Serves on a listener in the command's network until the session is dropped.
    fn serve(&self, listener: tokio::net::TcpListener) -> Result<NestedSession>;
}

/// A session of a command.
pub struct NestedSession {
    pub token: String,
    /// What serves it.
    pub server: Box<dyn std::any::Any + Send + Sync>,
}

/// How an engine is set up.
pub struct Options {
    pub state_dir: PathBuf,
    /// The caller's working directory.
    pub workdir: PathBuf,
    /// `poniard.toml`, if there is one.
    pub config: Option<PathBuf>,
    /// Memory-backed, private to this invocation.
    pub run_dir: PathBuf,
    pub progress: Progress,
    /// The user's terminal, for containers.
    pub terminal: Terminal,
    /// Whether the lock of the working directory counts.
    pub lock: lock::Mode,
}

impl Engine {
    pub fn start(options: Options) -> Result<Arc<Self>> {
        let Options {
            state_dir,
            workdir,
            config,
            run_dir,
            progress,
            terminal,
            lock,
        } = options;
        let store = Store::open(&state_dir)?;
        let network = Arc::new(Network::new(&run_dir)?);
        let executor = Arc::new(Executor::new(network.clone(), &run_dir)?);
        let gate = Arc::new(Gate::default());
        let runner = Arc::new(exec::Recipes {
            gate: gate.clone(),
            store: store.clone(),
            executor: executor.clone(),
            network: network.clone(),
        });
        let images = Images::new(store.clone(), config.as_deref(), runner)?;
        let secret_key = store.secret_key()?;
        Ok(Arc::new(Self {
            store,
            images,
            lock: Locked::new(lock, &workdir),
            executor,
            network,
            progress,
            nesting: OnceLock::new(),
            terminal,
            services: Services::default(),
            gate,
            workdir,
            secret_key,
            hosts: HostsFile::new(),
            execs: Memo::default(),
            module_versions: Memo::default(),
            checkouts: Mutex::default(),
        }))
    }

    /// A path of the caller's machine, relative ones from the working directory.
    pub fn host_path(&self, path: &str) -> PathBuf {
        match path.strip_prefix("~/") {
            Some(below) => Path::new(&std::env::var("HOME").unwrap_or_default()).join(below),
            None => clean(&self.workdir.join(path)),
        }
    }

    /// Writes what was looked up into the lock, if that is wanted.
    pub async fn write_lock(&self) -> Result<()> {
        if !self.lock.has_news() {
            return Ok(());
        }
        let name = Digest::of(self.workdir.as_os_str().as_encoded_bytes());
        let _turn = self.store.lock(&format!("lock-{}", name.hex())).await?;
        self.lock.write()
    }

    /// Notes where a commit lies.
    pub fn note_checkout(&self, checkout: &Checkout) {
        let mut checkouts = self
            .checkouts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let dir = std::fs::canonicalize(&checkout.dir).unwrap_or(checkout.dir.clone());
        let noted = Checkout {
            dir: dir.clone(),
            ..checkout.clone()
        };
        checkouts.entry(dir).or_insert(noted);
    }

    /// The commit of this run that a directory is a part of.
    pub fn checkout_of(&self, dir: &Path) -> Option<Checkout> {
        let checkouts = self
            .checkouts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        dir.ancestors().find_map(|dir| checkouts.get(dir).cloned())
    }

    /// Stops what still runs.
    pub async fn close(&self) {
        self.gate.close().await;
        self.services.stop_all().await;
        self.executor.close();
        self.network.close();
        let store = self.store.clone();
        // A state that cannot be written is not trimmed.
        if let Ok(Some(pruned)) = blocking(move || store.trim()).await {
            self.progress.note(format!(
                "freed {} MB of caches, which took more of the disk than they may",
                pruned.bytes / 1_000_000
            ));
        }
    }
}

/// Shortens a command for display.
pub fn shown(args: &[String]) -> String {
    let text = args.join(" ").replace('\n', " ");
    match text.char_indices().nth(72) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
