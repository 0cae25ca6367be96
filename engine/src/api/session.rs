//! The engine as the command line sees it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use eyre::Result;
use serde_json::Value;

use super::client::{Client, Core, Shared};
use super::{Model, QueryError, server};
use crate::graph::Engine;
pub use crate::graph::engine::Options;
use crate::module::role::Role;
use crate::module::types::Names;
use crate::module::{Module, config, reference};

/// A module that was loaded for the caller.
#[derive(Clone, Debug)]
pub struct LoadedModule {
    /// As in dagger.json (kebab-case).
    pub name: String,
    pub description: String,
    /// Its main object; its constructor is the function of `Query` called
    /// `constructor`.
    pub object: String,
    pub constructor: String,
    /// Root of the context on the host (git root or module directory).
    pub context: Option<PathBuf>,
    /// Directory of the module, where its dagger.json is.
    pub source: PathBuf,
    /// Names of modules it depends on, in order.
    pub dependencies: Vec<String>,
    /// Names of its toolchains, in order: `call` and `functions` reach them too.
    pub toolchains: Vec<String>,
    /// Whether it has functions of its own.
    pub has_sdk: bool,
}

/// The engine as one caller sees it.
pub struct Session {
    engine: Arc<Engine>,
    client: Arc<Client>,
}

impl Session {
    pub async fn start(options: Options) -> Result<Arc<Self>> {
        let core = tokio::task::spawn_blocking(Core::make);
        let engine = Engine::start(options)?;
        let shared = Shared::new(engine.clone(), core.await??);
        Ok(Arc::new(Self {
            client: Client::caller(shared),
            engine,
        }))
    }

    /// All types: core and every module loaded so far.
    pub fn model(&self) -> Arc<Model> {
        self.client.model()
    }

    /// Runs a GraphQL query; gives its `data`.
    pub async fn query(&self, query: &str, variables: Value) -> Result<Value, QueryError> {
        self.client.query(query, variables).await
    }

    /// Loads the module that a word of the shell means: the name of a dependency
    /// or toolchain of the dagger.json found upward from `base`, a path or a git
    /// reference. Its types join [`Session::model`], its constructor the type
    /// `Query`.
    pub async fn load(&self, word: &str, base: &Path) -> Result<LoadedModule> {
        let paths = |dir: &Path| self.client.shared.default_paths(dir);
        let (dir, role) = reference::of_word(&self.engine, word, base, paths).await?;
        self.load_as(&dir, &role).await
    }

    /// Loads the module that `-m` asks for: a path, a git reference, or the name
    /// of a dependency.
    pub async fn load_flag(&self, value: &str, base: &Path) -> Result<LoadedModule> {
        let dir = reference::of_flag(&self.engine, value, base).await?;
        self.client.shared.ask(&dir);
        self.load_dir(&dir).await
    }

    /// Loads a module that the one in `dir` lists.
    pub async fn load_related(&self, name: &str, dir: &Path) -> Result<LoadedModule> {
        let paths = self.client.shared.default_paths(dir);
        let (dir, role) = reference::of_name(&self.engine, name, dir, paths).await?;
        self.load_as(&dir, &role).await
    }

    /// The module whose directory holds `dir` (the nearest dagger.json upward),
    /// if there is one.
    pub async fn find_module(&self, dir: &Path) -> Result<Option<LoadedModule>> {
        match config::find_up(dir, config::FILE) {
            Some(found) => self.load_dir(&found).await.map(Some),
            None => Ok(None),
        }
    }

    /// The module that commands begin with. Where it has a blueprint, that is at
    /// hand in its place, and the module is by its name.
    async fn load_dir(&self, dir: &Path) -> Result<LoadedModule> {
        let shared = &self.client.shared;
        let Some((blueprint, config)) = shared.blueprint(dir).await? else {
            return self.load_as(dir, &Role::default()).await;
        };
        self.client.add(&blueprint)?;
        let mut toolchains = names(&config.toolchains);
        if config.name != blueprint.name {
            toolchains.push(config.name);
        }
        Ok(LoadedModule {
            context: Some(config::context(dir)),
            source: dir.to_owned(),
            dependencies: Vec::new(),
            toolchains,
            ..described(&blueprint)
        })
    }

    async fn load_as(&self, dir: &Path, role: &Role) -> Result<LoadedModule> {
        let module = self.client.shared.module_as(dir, role).await?;
        if module.config.sdk.is_some() {
            self.client.add(&module)?;
        }
        Ok(described(&module))
    }

    /// Serves the API over HTTP on loopback for a client program; gives port
    /// and token.
    pub async fn serve(self: &Arc<Self>) -> Result<(u16, String)> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let server = server::serve(listener, self.client.clone());
        let token = server.token.clone();
        self.client.hold(server);
        Ok((port, token))
    }

    /// Serves the API at an address of this machine to whoever knows the token;
    /// gives the address.
    pub async fn listen(
        self: &Arc<Self>,
        address: &str,
        token: String,
    ) -> std::io::Result<SocketAddr> {
        let listener = tokio::net::TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        // On loopback no other machine needs a name for it.
        let hosts = if address.ip().is_loopback() {
            server::Hosts::Own
        } else {
            server::Hosts::Any
        };
        let server = server::serve_as(listener, self.client.clone(), token, hosts);
        self.client.hold(server);
        Ok(address)
    }

    /// Stops services and waits until nothing runs any more; then the lock is written.
    pub async fn close(&self) -> Result<()> {
        self.engine.close().await;
        self.engine.write_lock().await
    }
}

fn names(list: &[config::Dependency]) -> Vec<String> {
    let names = list.iter().map(|dependency| dependency.name.clone());
    names.collect()
}

fn described(module: &Module) -> LoadedModule {
    let main = module.types.object(&module.main());
    let described = main
        .map(|object| object.description.clone())
        .filter(|text| !text.is_empty());
    LoadedModule {
        name: module.name.clone(),
        description: described.unwrap_or_else(|| module.types.description.clone()),
        object: Names::new(module).api(&module.main()),
        constructor: module.constructor(),
        context: Some(module.context.clone()),
        source: module.dir.clone(),
        dependencies: names(&module.config.dependencies),
        toolchains: names(&module.config.toolchains),
        has_sdk: module.config.sdk.is_some(),
    }
}
