//! The engine as the shell and `call` need it.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use eyre::Result;

use crate::api::{LoadedModule, Model, QueryError, Session};

/// A session, or what stands in for one in tests.
#[async_trait]
pub trait Engine: Send + Sync {
    /// All types: core and every module loaded so far.
    fn model(&self) -> Arc<Model>;

    /// Runs a GraphQL query; gives its `data`.
    async fn query(&self, query: &str) -> Result<serde_json::Value, QueryError>;

    /// Loads the module at a path, git reference, or name of a dependency.
    async fn load(&self, reference: &str, base: &Path) -> Result<LoadedModule>;

    /// The module around `dir`, if there is one.
    async fn find_module(&self, dir: &Path) -> Result<Option<LoadedModule>>;
}

#[async_trait]
impl Engine for Session {
    fn model(&self) -> Arc<Model> {
        Session::model(self)
    }

    async fn query(&self, query: &str) -> Result<serde_json::Value, QueryError> {
        Session::query(self, query, serde_json::Value::Null).await
    }

    async fn load(&self, reference: &str, base: &Path) -> Result<LoadedModule> {
        Session::load(self, reference, base).await
    }

    async fn find_module(&self, dir: &Path) -> Result<Option<LoadedModule>> {
        Session::find_module(self, dir).await
    }
}
