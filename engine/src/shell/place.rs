//! Where the shell is: a directory, and the module around it.

use std::path::{Path, PathBuf};

use crate::api::LoadedModule;
use crate::client::Paths;

#[derive(Clone, Debug)]
pub struct Place {
    /// Relative paths start here.
    pub dir: PathBuf,
    /// Absolute paths start here.
    pub context: PathBuf,
    /// The module whose functions can be called by their names.
    pub module: Option<LoadedModule>,
}

impl Place {
    /// A directory without a module.
    pub fn plain(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            context: dir.to_owned(),
            module: None,
        }
    }

    /// A directory inside of a module.
    pub fn inside(dir: &Path, module: LoadedModule) -> Self {
        let context = module
            .context
            .clone()
            .unwrap_or_else(|| module.source.clone());
        // A remote module has no place on the host.
        let context = if dir.starts_with(&context) {
            context
        } else {
            dir.to_owned()
        };
        Self {
            dir: dir.to_owned(),
            context,
            module: Some(module),
        }
    }

    /// The place of a module that was named: paths follow the module.
    pub fn of(module: LoadedModule, workdir: &Path) -> Self {
        if module.context.is_none() {
            return Self {
                module: Some(module),
                ..Self::plain(workdir)
            };
        }
        let dir = module.source.clone();
        Self::inside(&dir, module)
    }

    pub fn paths(&self) -> Paths {
        Paths {
            dir: self.dir.clone(),
            context: Some(self.context.clone()),
        }
    }
}
