//! What a module is called by: a path, a name in `dagger.json`, a git reference.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use eyre::{Result, bail};

use super::config::{self, Config, Dependency};
use super::git::version::Found;
use super::git::{Reference, commit, version};
use super::role::{DefaultPaths, Role};
use crate::graph::Engine;
use crate::graph::engine::clean;
use crate::lock::{Lookup, Policy};
use crate::store::Hasher;
use crate::suggest;

/// Directory of the module that a word of the shell means, and its role: one that
/// the module around `base` lists, a git reference, or a directory. `paths` is
/// where default paths of that module's toolchains begin.
pub async fn of_word(
    engine: &Arc<Engine>,
    word: &str,
    base: &Path,
    paths: impl Fn(&Path) -> DefaultPaths,
) -> Result<(PathBuf, Role)> {
    if let Some(dir) = config::find_up(base, config::FILE)
        && let Some(found) = listed(engine, word, &dir, paths(&dir)).await?
    {
        return Ok(found);
    }
    if let Some(reference) = Reference::read(word, base)? {
        return Ok((in_git(engine, &reference, "").await?, Role::default()));
    }
    let path = clean(&base.join(word));
    if path.join(config::FILE).is_file() {
        return Ok((path, Role::default()));
    }
    if path.exists() && word.starts_with(['.', '/']) {
        bail!(
            "module `{word}` does not exist: there is no {} in `{}`",
            config::FILE,
            path.display()
        );
    }
    bail!(
        "module `{word}` does not exist: no function, dependency or directory with a {} has that name",
        config::FILE
    )
}

/// Directory of the module that `-m` means: a git reference, a path in it, or a
/// dependency of the module around `base`. A toolchain is none.
pub async fn of_flag(engine: &Arc<Engine>, value: &str, base: &Path) -> Result<PathBuf> {
    if let Some(reference) = Reference::read(value, base)? {
        let dir = checkout(engine, &reference, "").await?.dir;
        return around(&dir, &reference.subdir, &format!("`{reference}`"));
    }
    let path = clean(&base.join(value));
    if path.exists() {
        let found = config::find_up(&path, config::FILE);
        return found.ok_or_else(|| {
            let (file, path) = (config::FILE, path.display());
            eyre::eyre!("there is no {file} in `{path}` or above")
        });
    }
    if let Some(meant) = neighbour(&path, value) {
        bail!("there is no directory `{value}`; did you mean `{meant}`?");
    }
    let (dependency, dir) = of_dependency(value, base)?;
    dependency_dir(engine, &dependency, &dir).await
}

/// The entry of a dependency in the `dagger.json` around `base`, and its directory.
pub fn of_dependency(value: &str, base: &Path) -> Result<(Dependency, PathBuf)> {
    let Some(dir) = config::find_up(base, config::FILE) else {
        bail!(
            "there is neither a directory `{value}`, nor a {} with a dependency of that name",
            config::FILE
        );
    };
    let config = Config::read(&dir)?;
    if let Some(dependency) = config.dependency(value) {
        return Ok((dependency.clone(), dir));
    }
    let file = dir.join(config::FILE);
    match config.related(value) {
        Some(_) => bail!(
            "`{value}` is only a toolchain of `{}`: name it under `dependencies`, too",
            file.display()
        ),
        None => bail!(
            "there is neither a directory `{value}`, nor a dependency of that name in `{}`{}",
            file.display(),
            suggest::hint(
                value,
                config.dependencies.iter().map(|found| found.name.as_str())
            )
        ),
    }
}

/// The module beside a path, if one has a name like it; as the path was typed.
fn neighbour(path: &Path, typed: &str) -> Option<String> {
    let (above, name) = typed.trim_end_matches('/').rsplit_once('/')?;
    let beside = std::fs::read_dir(path.parent()?).ok()?.flatten();
    let modules = beside.filter(|entry| entry.path().join(config::FILE).is_file());
    let names: Vec<String> = modules
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    let meant = suggest::closest(name, names.iter().map(String::as_str))?;
    Some(format!("{above}/{meant}"))
}

/// Directory and role of a module by its name in the `dagger.json` of `dir`.
pub async fn of_name(
    engine: &Arc<Engine>,
    name: &str,
    dir: &Path,
    paths: DefaultPaths,
) -> Result<(PathBuf, Role)> {
    match listed(engine, name, dir, paths).await? {
        Some(found) => Ok(found),
        None => bail!("`{}` names no `{name}`", dir.join(config::FILE).display()),
    }
}

/// A toolchain, dependency or blueprint of the module in `dir`, or that module
/// where a blueprint stands for it.
async fn listed(
    engine: &Arc<Engine>,
    name: &str,
    dir: &Path,
    paths: DefaultPaths,
) -> Result<Option<(PathBuf, Role)>> {
    let config = Config::read(dir)?;
    let named = |entry: &&Dependency| entry.name == name;
    let (entry, role) = if let Some(entry) = config.toolchains.iter().find(named) {
        (entry, Role::toolchain(entry, paths))
    } else if let Some(entry) = config.dependency(name) {
        (entry, Role::named(Some(name)))
    } else if let Some(entry) = config.blueprint.as_ref().filter(named) {
        (entry, Role::blueprint(entry, paths, dir.to_owned()))
    } else if config.blueprint.is_some() && config.name == name {
        return Ok(Some((dir.to_owned(), Role::default())));
    } else {
        return Ok(None);
    };
    let found = dependency_dir(engine, entry, dir).await?;
    Ok(Some((found, role)))
}

/// Directory of a dependency named in the `dagger.json` of `dir`.
pub async fn dependency_dir(
    engine: &Arc<Engine>,
    dependency: &Dependency,
    dir: &Path,
) -> Result<PathBuf> {
    let path = match place(dependency, dir)? {
        Place::Git(reference) => return in_git(engine, &reference, &dependency.pin).await,
        Place::Near(path) => path,
    };
    if !path.join(config::FILE).is_file() {
        bail!(
            "dependency `{}` of `{}`: there is no {} in `{}`",
            dependency.name,
            dir.join(config::FILE).display(),
            config::FILE,
            path.display()
        );
    }
    Ok(path)
}

/// Where a dependency is.
pub enum Place {
    Git(Reference),
    /// A directory, seen from the module that lists it.
    Near(PathBuf),
}

/// Tells where a dependency is that the `dagger.json` of `dir` names.
pub fn place(dependency: &Dependency, dir: &Path) -> Result<Place> {
    let Dependency { source, pin, .. } = dependency;
    let reference = match pin.as_str() {
        "" => Reference::read(source, dir)?,
        _ => Some(Reference::parse(source)?),
    };
    Ok(match reference {
        Some(reference) => Place::Git(reference),
        None => Place::Near(clean(&dir.join(source))),
    })
}

/// Directory of a module in git, at the pinned commit or at its version.
async fn in_git(engine: &Arc<Engine>, reference: &Reference, pin: &str) -> Result<PathBuf> {
    let checkout = checkout(engine, reference, pin).await?;
    let dir = checkout.dir.join(&reference.subdir);
    if !dir.join(config::FILE).is_file() {
        bail!("there is no {} in `{reference}`", config::FILE);
    }
    Ok(dir)
}

/// A commit whose files lie in a directory.
#[derive(Clone, Debug)]
pub struct Checkout {
    /// The repository, and what of it was asked for.
    pub reference: Reference,
    pub found: Found,
    pub dir: PathBuf,
}

/// All files of the pinned commit. Without one, what the version stands for is
/// asked once in a run, so that all of it sees the same.
pub async fn checkout(engine: &Arc<Engine>, reference: &Reference, pin: &str) -> Result<Checkout> {
    let found = if pin.is_empty() {
        let key = Hasher::new("module-version").with(reference.to_string());
        let (asking, reference) = (engine.clone(), reference.clone());
        let look_up = async move { look_up(&asking, &reference).await };
        let found = engine
            .module_versions
            .once(key.digest(), || Box::pin(look_up));
        found.await?
    } else {
        Found {
            name: reference.version.clone().unwrap_or(pin.to_owned()),
            commit: pin.to_owned(),
            stays: true,
        }
    };
    let dir = commit::checkout(engine, reference, &found.commit).await?;
    let checkout = Checkout {
        reference: reference.clone(),
        found,
        dir,
    };
    engine.note_checkout(&checkout);
    Ok(checkout)
}

/// The commit of a version: that of the lock, or of the repository.
async fn look_up(engine: &Engine, reference: &Reference) -> Result<Found> {
    let lookup = Lookup::Module {
        source: reference.to_string(),
    };
    if let Some(commit) = engine.lock.pin(&lookup)? {
        return Ok(Found {
            name: reference.version.clone().unwrap_or(commit.clone()),
            commit,
            stays: true,
        });
    }
    let found = version::find(reference).await?;
    let policy = if found.stays {
        Policy::Pin
    } else {
        lookup.policy()
    };
    engine.lock.record(&lookup, &found.commit, policy)?;
    Ok(found)
}

/// The module around the directory `subdir` of a checkout.
pub fn around(root: &Path, subdir: &str, shown: &str) -> Result<PathBuf> {
    let dir = root.join(subdir);
    if !dir.exists() {
        bail!("there is no directory `{subdir}` in {shown}");
    }
    let within = dir.ancestors().take_while(|dir| dir.starts_with(root));
    let found = within
        .map(Path::to_owned)
        .find(|dir| dir.join(config::FILE).is_file());
    found.ok_or_else(|| eyre::eyre!("there is no {} in {shown} or above", config::FILE))
}
