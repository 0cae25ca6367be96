//! Where a `call` begins: a module's main object, the toolchains of a directory,
//! or the core.

use crate::api::LoadedModule;
use crate::api::model::{Function, Model, Object};
use crate::client::{Failure, lookup};

use super::super::runtime::Context;

#[derive(Debug)]
pub struct Root {
    /// None for the core.
    module: Option<LoadedModule>,
    /// Constructors of toolchains: their names among the functions of `Query`.
    toolchains: Vec<String>,
}

/// The module that was asked for, with the toolchains beside it.
pub async fn of_module(context: &Context) -> Result<Option<Root>, Failure> {
    let Some(module) = context.module().await? else {
        return Ok(None);
    };
    let mut toolchains = Vec::new();
    for name in &module.toolchains {
        let loaded = context.session.load_related(name, &module.source).await;
        let loaded = loaded
            .map_err(|e| Failure::from(e).within(format!("cannot load toolchain `{name}`")))?;
        toolchains.push(loaded.constructor);
    }
    Ok(Some(Root {
        module: Some(module),
        toolchains,
    }))
}

impl Root {
    pub fn core() -> Self {
        Self {
            module: None,
            toolchains: Vec::new(),
        }
    }

    #[cfg(test)]
    pub fn module(module: LoadedModule) -> Self {
        Self {
            module: Some(module),
            toolchains: Vec::new(),
        }
    }

    /// What such a line begins with.
    pub fn command(&self) -> &'static str {
        match self.module {
            Some(_) => "call",
            None => "core",
        }
    }

    /// The function that makes the main object.
    pub fn constructor<'a>(&self, model: &'a Model) -> Option<&'a Function> {
        let module = self.module.as_ref().filter(|m| m.has_sdk)?;
        model.object("Query")?.functions.get(&module.constructor)
    }

    /// The object whose functions come first.
    pub fn object<'a>(&self, model: &'a Model) -> Option<&'a Object> {
        match &self.module {
            Some(module) => model.object(&module.object).filter(|_| module.has_sdk),
            None => model.object("Query"),
        }
    }

    /// Constructors of toolchains.
    pub fn toolchains<'a>(&self, model: &'a Model) -> impl Iterator<Item = &'a Function> {
        let query = model.object("Query");
        self.toolchains
            .iter()
            .filter_map(move |name| query?.functions.get(name))
    }

    /// A function that can come first.
    pub fn function<'a>(&self, model: &'a Model, name: &str) -> Option<&'a Function> {
        let own = self
            .object(model)
            .and_then(|object| lookup::function(object, name));
        own.or_else(|| self.toolchain(model, name))
    }

    pub fn toolchain<'a>(&self, model: &'a Model, name: &str) -> Option<&'a Function> {
        self.toolchains(model)
            .find(|f| f.name == name || crate::api::model::kebab(&f.name) == name)
    }
}
