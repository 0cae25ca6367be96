//! Dagger's GraphQL API over the objects of [`crate::graph`].

pub mod model;

use std::path::PathBuf;
use std::sync::Arc;

use eyre::Result;

use crate::progress::Progress;
pub use model::Model;

/// How a session is set up.
pub struct Options {
    pub state_dir: PathBuf,
    /// The caller's working directory.
    pub workdir: PathBuf,
    pub progress: Progress,
}

/// A failed query: the message, and `extensions` as in GraphQL. A failed
/// command has `_type` = `EXEC_ERROR`, `exitCode`, `cmd`, `stdout`, `stderr`.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    pub message: String,
    pub extensions: serde_json::Map<String, serde_json::Value>,
}

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
    /// Root of the context on the host (git root or module directory); none for
    /// remote modules.
    pub context: Option<PathBuf>,
    /// Directory of the module, where its dagger.json is.
    pub source: PathBuf,
    /// Names of modules it depends on, in order.
    pub dependencies: Vec<String>,
}

/// The engine as one caller sees it.
pub struct Session {}

impl Session {
    pub async fn start(options: Options) -> Result<Arc<Self>> {
        let _ = options;
        todo!()
    }

    /// All types: core and every module loaded so far.
    pub fn model(&self) -> Arc<Model> {
        todo!()
    }

    /// Runs a GraphQL query; gives its `data`.
    pub async fn query(
        &self,
        query: &str,
        variables: serde_json::Value,
    ) -> Result<serde_json::Value, QueryError> {
        let _ = (query, variables);
        todo!()
    }

    /// Loads the module at a path (relative to `base`), git reference, or name
    /// of a dependency or toolchain of the dagger.json found upward. Its types
    /// join [`Session::model`], its constructor the type `Query`.
    pub async fn load(&self, reference: &str, base: &std::path::Path) -> Result<LoadedModule> {
        let _ = (reference, base);
        todo!()
    }

    /// The module whose directory holds `dir` (the nearest dagger.json upward),
    /// if there is one.
    pub async fn find_module(&self, dir: &std::path::Path) -> Result<Option<LoadedModule>> {
        let _ = dir;
        todo!()
    }

    /// Serves the API over HTTP on loopback for a client program; gives port
    /// and token.
    pub async fn serve(self: &Arc<Self>) -> Result<(u16, String)> {
        todo!()
    }

    /// Stops services and waits until nothing runs any more.
    pub async fn close(&self) -> Result<()> {
        todo!()
    }
}
