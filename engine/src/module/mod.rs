//! Modules: what a `dagger.json` stands for ([`manifest`] edits one, [`origin`] tells
//! where it and its files come from).
//!
//! [`reference`] finds the directory (for modules in [`git`], in a checkout of
//! theirs) and the [`role`] that whoever lists it gives it, [`config`] reads it, [`types`] says what
//! it offers (without compiling, when `dagger.types.json` is there), [`defaults`]
//! adds what the user's `.env` files say, [`source`] fingerprints it. When a function is first called,
//! [`prebuilt`] finds its program in the image of a release, or [`build`] compiles it.

pub mod build;
pub mod config;
pub mod defaults;
pub mod definition;
pub mod git;
pub mod manifest;
pub mod origin;
mod prebuilt;
pub mod reference;
pub mod role;
pub mod source;
pub mod types;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use eyre::{Result, WrapErr, bail};

use crate::graph::Engine;
use crate::store::{Digest, Hasher};
use config::Config;
use defaults::{Files, Known};
use role::Role;
use types::Types;

/// The name of the file that says what a module offers.
pub const TYPES_FILE: &str = "dagger.types.json";

/// A module.
pub struct Module {
    /// What it is known by here: its own name, or that which a `dagger.json` that
    /// lists it gives it.
    pub name: String,
    pub role: Role,
    pub config: Config,
    /// Where its `dagger.json` is.
    pub dir: PathBuf,
    /// Root of its repository: nothing above belongs to it.
    pub context: PathBuf,
    pub types: Types,
    /// The defaults among them that are the user's, to be told.
    pub user_defaults: Vec<String>,
    source_key: OnceLock<Digest>,
    /// With the sources of all modules that it uses.
    pub whole_key: tokio::sync::OnceCell<Digest>,
}

impl Module {
    /// Reads the module in a directory. Compiles it only if its types are not
    /// written down.
    pub async fn read(engine: &Arc<Engine>, dir: &Path, role: Role) -> Result<Arc<Self>> {
        let config = role.config(dir)?;
        let mut module = Self {
            name: role.name.clone().unwrap_or_else(|| config.name.clone()),
            role,
            config,
            dir: dir.to_owned(),
            context: config::context(dir),
            types: Types::default(),
            user_defaults: Vec::new(),
            source_key: OnceLock::new(),
            whole_key: Default::default(),
        };
        if module.config.sdk.is_some() {
            module.types = module.read_types(engine).await?;
            let main = module.main();
            module.role.apply(&mut module.types, &main)?;
            module.user_defaults = module.apply_user_defaults(engine)?;
        }
        Ok(Arc::new(module))
    }

    /// Whether the module in a directory has code that is not in Rust.
    pub fn is_foreign(dir: &Path) -> Result<bool> {
        let config = Config::read(dir)?;
        let code = config.code(dir);
        let is_ours = |name: &str| code.join(name).exists();
        Ok(config.sdk.is_some() && !is_ours(TYPES_FILE) && !is_ours("Cargo.toml"))
    }

    /// Whoever calls the module, the files are those of the user on this machine.
    fn apply_user_defaults(&mut self, engine: &Engine) -> Result<Vec<String>> {
        let known = Known {
            name: &self.name,
            own: &self.config.name,
        };
        let dirs = [Some(&self.dir), self.role.caller.as_ref()];
        let dirs = dirs.into_iter().flatten().map(PathBuf::as_path);
        let local = dirs.filter(|dir| !git::commit::is_checkout(engine, dir));
        let files = Files::read(&known, local, &engine.workdir)?;
        let main = self.main();
        let settled = self.role.settles_constructor();
        files.apply(&mut self.types, &main, settled)
    }

    async fn read_types(&self, engine: &Arc<Engine>) -> Result<Types> {
        let path = self.code().join(TYPES_FILE);
        if path.exists() {
            let text = std::fs::read_to_string(&path)
                .wrap_err_with(|| format!("cannot read `{}`", path.display()))?;
            return Types::parse(&text, &path);
        }
        let binary = build::binary(engine, self).await?;
        let output = tokio::process::Command::new(&binary)
            .arg("types")
            .env_clear()
            .output()
            .await?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!(
                "module `{}` cannot tell its types: {}",
                self.name,
                said.trim()
            );
        }
        Types::parse(&String::from_utf8_lossy(&output.stdout), &path)
    }

    /// Where its code is: its directory, or what `source` names in it.
    pub fn code(&self) -> PathBuf {
        self.config.code(&self.dir)
    }

    /// Digest of everything that the module is made from.
    pub fn source_key(&self) -> Result<Digest> {
        if let Some(key) = self.source_key.get() {
            return Ok(*key);
        }
        let files = module_source::files(&self.dir, &self.config.include)?;
        let mut key = source::digest(&self.context, &files)?;
        if let Some(text) = &self.role.manifest {
            key = Hasher::new("module-edited-1").with(key).with(text).digest();
        }
        Ok(*self.source_key.get_or_init(|| key))
    }

    /// Name of the main object, as the module calls it.
    pub fn main(&self) -> String {
        types::pascal(&self.config.name)
    }

    /// Name of the constructor: the field of `Query`.
    pub fn constructor(&self) -> String {
        types::camel(&self.name)
    }
}
