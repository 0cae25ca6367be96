//! What all callers of a run share: the engine, and the objects that they have made.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, Weak};

use async_graphql::dynamic::Schema;
use eyre::{OptionExt, Result};

use super::modules::Used;
use super::{Client, locked};
use crate::api::functions::Results;
use crate::api::{Model, schema, sdl, server};
use crate::graph::engine::{NestedSession, Nesting};
use crate::graph::memo::Memo;
use crate::graph::node::Workspace;
use crate::graph::{Directory, Engine, Node};
use crate::module::Module;
use crate::store::Digest;

/// What all callers of a run share.
pub struct Shared {
    pub engine: Arc<Engine>,
    pub(super) core: Core,
    pub(super) clients: AtomicU64,
    /// Objects by id.
    nodes: Mutex<HashMap<Digest, Arc<Node>>>,
    pub(super) modules: tokio::sync::Mutex<HashMap<Used, Arc<Module>>>,
    pub workspace: Arc<Workspace>,
    /// Of the caller, in no other run.
    pub id: String,
    /// Results of functions in this run.
    pub results: Results,
    /// User defaults that the user was told.
    pub(super) told: Mutex<HashSet<String>>,
    /// Directory of the module that `-m` named.
    pub(super) asked: Mutex<Option<PathBuf>>,
    /// Directories of the API that modules were read from, where they lie.
    pub written: Memo<Arc<tempfile::TempDir>>,
    /// The same by where they lie.
    written_of: Mutex<HashMap<PathBuf, Written>>,
}

/// What a client sees that has no modules.
pub struct Core {
    pub(super) model: Arc<Model>,
    pub(super) schema: Schema,
}

impl Core {
    /// Takes some milliseconds, as [`Engine::start`] does, and can be done beside it.
    pub fn make() -> Result<Self> {
        let model = Arc::new(sdl::core()?);
        let schema = schema::build(&model)?;
        Ok(Self { model, schema })
    }
}

/// A directory of the API, and where it lies.
pub type Written = (Directory, Arc<tempfile::TempDir>);

impl Shared {
    pub fn new(engine: Arc<Engine>, core: Core) -> Arc<Self> {
        let workspace = Workspace::around(&engine.workdir);
        let shared = Arc::new(Self {
            engine,
            core,
            clients: AtomicU64::new(0),
            nodes: Mutex::default(),
            modules: Default::default(),
            workspace: Arc::new(workspace),
            id: server::token(),
            results: Results::default(),
            told: Mutex::default(),
            asked: Mutex::default(),
            written: Memo::default(),
            written_of: Mutex::default(),
        });
        let nested = NestedSessions(Arc::downgrade(&shared));
        // Whoever serves first serves all.
        let _ = shared.engine.nesting.set(Arc::new(nested));
        shared
    }

    /// Notes where a directory of the API lies.
    pub fn note_written(&self, directory: &Directory, place: &Arc<tempfile::TempDir>) {
        let path = place.path();
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let written = || (directory.clone(), place.clone());
        locked(&self.written_of).entry(path).or_insert_with(written);
    }

    /// The directory of the API that one of this machine is a part of.
    pub fn written_of(&self, dir: &Path) -> Option<Written> {
        let written = locked(&self.written_of);
        dir.ancestors().find_map(|dir| written.get(dir).cloned())
    }

    pub fn known(&self, id: &Digest) -> Option<Arc<Node>> {
        locked(&self.nodes).get(id).cloned()
    }

    pub(super) fn add(&self, node: Node) -> Arc<Node> {
        let mut nodes = locked(&self.nodes);
        if nodes.get(&node.id).is_some_and(|known| known.failed()) {
            nodes.remove(&node.id);
        }
        nodes
            .entry(node.id)
            .or_insert_with(|| Arc::new(node))
            .clone()
    }
}

/// Serves the API to commands in containers.
struct NestedSessions(Weak<Shared>);

impl Nesting for NestedSessions {
    fn serve(&self, listener: tokio::net::TcpListener) -> Result<NestedSession> {
        let shared = self.0.upgrade().ok_or_eyre("the run is over")?;
        let server = server::serve(listener, Client::nested(shared));
        Ok(NestedSession {
            token: server.token.clone(),
            server: Box::new(server),
        })
    }
}
