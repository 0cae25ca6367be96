//! An engine for tests: a few types of the core held in memory, and a module.

mod eval;
mod types;

use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use eyre::{Result, bail};
use serde_json::Value as Json;

use crate::api::model::{Arg, TypeRef};
use crate::api::{LoadedModule, Model, QueryError};

use super::Engine;

/// Answers queries about directories, files, containers and the module `sink`.
pub struct Fake {
    model: Arc<Model>,
    /// Every query that was asked.
    pub asked: Mutex<Vec<String>>,
}

impl Fake {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            model: Arc::new(types::model()),
            asked: Mutex::default(),
        })
    }
}

#[async_trait]
impl Engine for Fake {
    fn model(&self) -> Arc<Model> {
        self.model.clone()
    }

    async fn query(&self, query: &str) -> Result<Json, QueryError> {
        self.asked.lock().expect("no poison").push(query.to_owned());
        eval::query(query)
    }

    async fn load(&self, reference: &str, base: &Path) -> Result<LoadedModule> {
        let path = base.join(reference);
        if !path.join("dagger.json").exists() {
            bail!("no dagger.json in `{}`", path.display());
        }
        Ok(sink(&path))
    }

    async fn find_module(&self, dir: &Path) -> Result<Option<LoadedModule>> {
        let found = dir.ancestors().find(|d| d.join("dagger.json").exists());
        Ok(found.map(sink))
    }
}

pub fn sink(path: &Path) -> LoadedModule {
    LoadedModule {
        name: "sink".into(),
        description: "Exercises every kind of argument.".into(),
        object: "Sink".into(),
        constructor: "sink".into(),
        context: Some(path.to_owned()),
        source: path.to_owned(),
        dependencies: vec![],
        toolchains: vec![],
        has_sdk: true,
    }
}

/// A type as it is written: `[String!]!`.
pub fn ty(text: &str) -> TypeRef {
    let (text, required) = match text.strip_suffix('!') {
        Some(text) => (text, true),
        None => (text, false),
    };
    match text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
        Some(inner) => TypeRef::List {
            of: Box::new(ty(inner)),
            required,
        },
        None => TypeRef::Named {
            name: text.to_owned(),
            required,
        },
    }
}

/// An argument without a default.
pub fn arg(name: &str, type_text: &str, expected: &str) -> Arg {
    Arg {
        name: name.into(),
        description: String::new(),
        ty: ty(type_text),
        expected: expected.into(),
        default: None,
        default_path: None,
        ignore: vec![],
        deprecated: None,
    }
}
