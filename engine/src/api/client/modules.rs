//! The modules of a run: each is read once for every way in which it is used.

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use eyre::{Result, bail};

use super::{Shared, locked};
use crate::module::config::{Config, Dependency};
use crate::module::role::{DefaultPaths, Role};
use crate::module::{Module, config, reference};
use crate::store::{Digest, Hasher};

/// Directory of a module, and how it is used.
pub(super) type Used = (PathBuf, Role);

fn canonical(dir: &Path) -> PathBuf {
    std::fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned())
}

impl Shared {
    /// The module in a directory, read once; by its own name if there is no other.
    pub async fn module(&self, dir: &Path, name: Option<&str>) -> Result<Arc<Module>> {
        self.module_as(dir, &Role::named(name)).await
    }

    /// The module in a directory, in a role. One that has a blueprint is that by
    /// another name.
    pub async fn module_as(&self, dir: &Path, role: &Role) -> Result<Arc<Module>> {
        let dir = canonical(dir);
        if let Some(module) = self.modules.lock().await.get(&(dir.clone(), role.clone())) {
            return Ok(module.clone());
        }
        let config = role.config(&dir)?;
        let Some(entry) = &config.blueprint else {
            return self.read(dir, role.clone()).await;
        };
        let mut role = role.clone();
        role.manifest = None;
        role.name = role.name.or(Some(config.name.clone()));
        if role.default_paths == DefaultPaths::Own {
            role.default_paths = DefaultPaths::Of(dir.clone());
        }
        self.of_blueprint(entry, &dir, role).await
    }

    /// The blueprint of the module in a directory, as that of the caller, and the
    /// `dagger.json` there; none without one.
    pub async fn blueprint(&self, dir: &Path) -> Result<Option<(Arc<Module>, Config)>> {
        let config = Config::read(dir)?;
        let Some(entry) = &config.blueprint else {
            return Ok(None);
        };
        let role = Role::blueprint(entry, self.default_paths(dir), dir.to_owned());
        let module = self.of_blueprint(entry, dir, role).await?;
        Ok(Some((module, config)))
    }

    async fn of_blueprint(
        &self,
        entry: &Dependency,
        dir: &Path,
        role: Role,
    ) -> Result<Arc<Module>> {
        let found = canonical(&reference::dependency_dir(&self.engine, entry, dir).await?);
        if Config::read(&found)?.blueprint.is_some() {
            bail!(
                "the blueprint of `{}` has a blueprint itself: name that instead",
                dir.join(config::FILE).display()
            );
        }
        self.read(found, role).await
    }

    async fn read(&self, dir: PathBuf, role: Role) -> Result<Arc<Module>> {
        let key = (dir, role);
        let mut modules = self.modules.lock().await;
        if let Some(module) = modules.get(&key) {
            return Ok(module.clone());
        }
        let module = Module::read(&self.engine, &key.0, key.1.clone()).await?;
        modules.insert(key, module.clone());
        Ok(module)
    }

    /// Where default paths of toolchains and the blueprint of a module begin: at
    /// the caller's directory, or at the module where `-m` named it.
    pub fn default_paths(&self, dir: &Path) -> DefaultPaths {
        let dir = canonical(dir);
        match locked(&self.asked).as_ref() {
            Some(asked) if *asked == dir => DefaultPaths::Of(dir),
            _ => DefaultPaths::Caller,
        }
    }

    /// A module that another uses. None for one that only a Dagger Engine can run:
    /// what does not call it works without, and the user is told.
    pub(super) async fn dependency(&self, dir: &Path, name: &str) -> Result<Option<Arc<Module>>> {
        if Module::is_foreign(dir)? {
            let text = format!(
                "dependency `{name}` is not written in Rust, so calls of it fail: use a Dagger Engine for them"
            );
            if locked(&self.told).insert(text.clone()) {
                self.engine.progress.note(text);
            }
            return Ok(None);
        }
        self.module(dir, Some(name)).await.map(Some)
    }

    /// Modules of the caller's workspace: toolchains of the `dagger.json` around
    /// its directory with their entries, its blueprint, the module itself, and the
    /// one that was asked for.
    pub async fn workspace_modules(&self) -> Result<Vec<(Arc<Module>, Option<Dependency>)>> {
        let around = config::find_up(&self.engine.workdir, config::FILE);
        let asked = locked(&self.asked).clone();
        let (mut all, mut dirs) = (Vec::new(), Vec::new());
        dirs.extend(around);
        dirs.extend(asked.filter(|dir| !dirs.contains(dir)));
        for dir in dirs {
            let paths = self.default_paths(&dir);
            for toolchain in &Config::read(&dir)?.toolchains {
                let found = reference::dependency_dir(&self.engine, toolchain, &dir).await?;
                let role = Role::toolchain(toolchain, paths.clone());
                let found = self.module_as(&found, &role).await?;
                all.push((found, Some(toolchain.clone())));
            }
            let module = self.module(&dir, None).await?;
            let blueprint = self.blueprint(&dir).await?.map(|(found, _)| found);
            all.extend(
                blueprint
                    .filter(|found| found.name != module.name)
                    .map(|found| (found, None)),
            );
            all.push((module, None));
        }
        all.retain(|(module, _)| module.config.sdk.is_some());
        Ok(all)
    }

    /// Notes that the caller asked for the module in a directory.
    pub fn ask(&self, dir: &Path) {
        *locked(&self.asked) = Some(canonical(dir));
    }

    /// Any module of this run, by its name and the digest of its sources.
    pub async fn module_by_key(&self, name: &str, key: &str) -> Option<Arc<Module>> {
        let modules = self.modules.lock().await;
        let mut named = modules.values().filter(|module| module.name == name);
        named
            .find(|module| module.source_key().is_ok_and(|k| k.to_string() == key))
            .cloned()
    }

    /// Digest of a module's sources and of all modules that it uses, with the
    /// user's defaults: a function may call any of them without arguments.
    pub async fn whole_key(&self, module: &Arc<Module>) -> Result<Digest> {
        let make = || async {
            let (mut seen, mut hasher) = (HashSet::new(), Hasher::new("modules-1"));
            let mut queue = VecDeque::from([module.clone()]);
            while let Some(module) = queue.pop_front() {
                if !seen.insert((module.dir.clone(), module.name.clone())) {
                    continue;
                }
                hasher.add(module.source_key()?);
                for custom in &module.role.customizations {
                    hasher.add(format!("{custom:?}"));
                }
                module
                    .user_defaults
                    .iter()
                    .for_each(|text| hasher.add(text));
                for dependency in &module.config.dependencies {
                    let dir =
                        reference::dependency_dir(&self.engine, dependency, &module.dir).await?;
                    queue.extend(self.dependency(&dir, &dependency.name).await?);
                }
            }
            Ok::<_, eyre::Report>(hasher.digest())
        };
        module.whole_key.get_or_try_init(make).await.copied()
    }

    /// Tells the user which of their defaults a module has, once in a run.
    pub(super) fn tell_defaults(&self, module: &Module) {
        let mut told = locked(&self.told);
        for text in &module.user_defaults {
            if told.insert(text.clone()) {
                self.engine.progress.note(text);
            }
        }
    }
}
