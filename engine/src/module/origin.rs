//! `ModuleSource`: where a module comes from, and its `dagger.json`, which may be
//! another than the one that lies there.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use eyre::{OptionExt, Result, bail, eyre};
use serde_json::Map;

use super::config::{self, Config};
use super::git::Reference;
use super::git::version::Found;
use super::manifest::Manifest;
use super::reference::Checkout;
use super::role::Role;
use crate::graph::Directory;

/// A module's files and its `dagger.json`.
#[derive(Clone)]
pub struct ModuleSource {
    pub place: Place,
    /// The directory on this machine that all files of the module are below.
    pub context: PathBuf,
    /// Directory of `dagger.json` below the context; empty is the context itself.
    pub root: String,
    /// The directory that was asked for, likewise.
    pub asked: String,
    /// `dagger.json`, as it is edited.
    pub manifest: Manifest,
    /// What it says.
    pub config: Config,
    /// Whether there is one in the directory.
    pub config_exists: bool,
    /// Whether it is another than that.
    pub edited: bool,
    alias: Option<String>,
}

/// What a context is.
#[derive(Clone)]
pub enum Place {
    /// A directory of the caller's machine.
    Local,
    /// The files of a commit.
    Git(Reference, Found),
    /// A directory of the API, and where it is written to.
    Dir(Directory, Arc<tempfile::TempDir>),
}

impl Place {
    /// The kind, as in the API.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Local => "LOCAL_SOURCE",
            Self::Git(..) => "GIT_SOURCE",
            Self::Dir(..) => "DIR_SOURCE",
        }
    }
}

impl ModuleSource {
    /// That of a directory of this machine, or with `find_up` of the nearest one
    /// above that has a `dagger.json`.
    pub fn local(asked: &Path, find_up: bool) -> Result<Self> {
        let found = find_up.then(|| config::find_up(asked, config::FILE));
        let dir = found.flatten().unwrap_or_else(|| asked.to_owned());
        let context = config::find_up(asked, ".git").unwrap_or_else(|| dir.clone());
        let (root, below) = (below(&context, &dir), below(&context, asked));
        let (Some(root), Some(below)) = (root, below) else {
            bail!(
                "module `{}` lies outside of the repository `{}`: ask for a directory in it",
                dir.display(),
                context.display()
            );
        };
        Self::read(Place::Local, context, root, below)
    }

    /// That of a directory in a commit.
    pub fn git(checkout: &Checkout, dir: &Path) -> Result<Self> {
        let Checkout {
            reference,
            found,
            dir: context,
        } = checkout;
        let root = below(context, dir).ok_or_eyre("a module lies outside of its repository")?;
        let place = Place::Git(reference.clone(), found.clone());
        let asked = reference.subdir.clone();
        Self::read(place, context.clone(), root, asked)
    }

    /// That of a directory in one of the API.
    pub fn dir(directory: Directory, written: Arc<tempfile::TempDir>, root: &str) -> Result<Self> {
        let context = written.path().to_owned();
        let place = Place::Dir(directory, written);
        Self::read(place, context, root.to_owned(), String::new())
    }

    /// That of a module nearby, in the same context.
    pub fn beside(&self, dir: &Path) -> Result<Self> {
        let root = below(&self.context, dir).ok_or_else(|| {
            eyre!(
                "`{}` lies outside of `{}`, which is what belongs to module `{}`",
                dir.display(),
                self.context.display(),
                self.name()
            )
        })?;
        match &self.place {
            // It may have a repository of its own.
            Place::Local => Self::local(dir, false),
            place => Self::read(place.clone(), self.context.clone(), root.clone(), root),
        }
    }

    fn read(place: Place, context: PathBuf, root: String, asked: String) -> Result<Self> {
        let dir = join(&context, &root);
        let found = Manifest::read_if_there(&dir)?;
        let config_exists = found.is_some();
        let config = if config_exists {
            Config::read(&dir)?
        } else {
            Config::default()
        };
        Ok(Self {
            place,
            context,
            root,
            asked,
            manifest: found.unwrap_or(Manifest {
                dir,
                fields: Map::new(),
            }),
            config,
            config_exists,
            edited: false,
            alias: None,
        })
    }

    /// By another name, which a `dagger.json` without one gets.
    pub fn named(&self, name: &str) -> Result<Self> {
        let mut this = match self.manifest.name() {
            Some(_) => self.clone(),
            None => self.edit(|manifest| {
                manifest.fields.insert("name".into(), name.into());
                Ok(())
            })?,
        };
        this.alias = Some(name.to_owned()).filter(|name| *name != this.config.name);
        Ok(this)
    }

    /// With another `dagger.json`.
    pub fn edit(&self, change: impl FnOnce(&mut Manifest) -> Result<()>) -> Result<Self> {
        let mut this = self.clone();
        change(&mut this.manifest)?;
        this.config = Config::of_fields(&this.manifest.fields)?;
        this.edited = true;
        Ok(this)
    }

    /// What it is called by whoever asks.
    pub fn name(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.config.name)
    }

    /// The directory of `dagger.json`.
    pub fn directory(&self) -> &Path {
        &self.manifest.dir
    }

    /// The directory of the code below the context, `.` for that itself; none
    /// without an SDK that says there is code.
    pub fn source(&self) -> Option<String> {
        let Config { sdk, source, .. } = &self.config;
        let has_code = sdk.is_some() || source.is_some();
        let source = source.as_deref().unwrap_or(".");
        has_code.then(|| inside(&self.root, source).unwrap_or_default())
    }

    /// How the module is used that this is of.
    pub fn role(&self) -> Role {
        Role {
            manifest: self.edited.then(|| self.manifest.text()),
            ..Role::named(self.alias.as_deref())
        }
    }

    /// As [`ModuleSource::role`] says.
    pub fn in_role(&self, role: &Role) -> Result<Self> {
        let this = match &role.manifest {
            Some(text) => self.edit(|manifest| {
                *manifest = Manifest::parse(&manifest.dir, text)?;
                Ok(())
            })?,
            None => self.clone(),
        };
        match &role.name {
            Some(name) => this.named(name),
            None => Ok(this),
        }
    }

    /// Patterns for the files that the module is made from, below the context.
    pub fn patterns(&self) -> Result<Vec<String>> {
        let mut all = vec![dotless(&self.root, config::FILE)];
        let code = self.source().unwrap_or_else(|| self.root.clone());
        match code.as_str() {
            "" if self.source().is_none() => {}
            "" => all.push("*".to_owned()),
            code => all.push(code.to_owned()),
        }
        for pattern in &self.config.include {
            all.push(self.rebased(pattern)?);
        }
        Ok(all)
    }

    /// A pattern of `include`, seen from the context.
    pub fn rebased(&self, pattern: &str) -> Result<String> {
        let (negated, path) = match pattern.strip_prefix('!') {
            Some(path) => ("!", path),
            None => ("", pattern),
        };
        let Some(below) = inside(&self.root, path) else {
            bail!(
                "`include` of module `{}` has `{pattern}`, which leads out of `{}`",
                self.name(),
                self.context.display()
            );
        };
        Ok(format!("{negated}{below}"))
    }
}

/// The way from a directory to one below it.
fn below(base: &Path, dir: &Path) -> Option<String> {
    let rest = dir.strip_prefix(base).ok()?;
    Some(rest.to_string_lossy().into_owned())
}

fn join(context: &Path, root: &str) -> PathBuf {
    match root {
        "" => context.to_owned(),
        root => context.join(root),
    }
}

fn dotless(base: &str, name: &str) -> String {
    match base {
        "" => name.to_owned(),
        base => format!("{base}/{name}"),
    }
}

/// `base/path` without `.` and `..`; none where it leads out.
pub fn inside(base: &str, path: &str) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    for part in Path::new(base)
        .components()
        .chain(Path::new(path).components())
    {
        match part {
            Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
            Component::ParentDir => drop(parts.pop()?),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_together_and_do_not_lead_out() {
        for (base, path, want) in [
            ("", ".", Some("")),
            ("a/b", "../c", Some("a/c")),
            ("a", "./b/../*.md", Some("a/*.md")),
            ("a", "..", Some("")),
            ("a", "../..", None),
        ] {
            assert_eq!(inside(base, path).as_deref(), want, "{base} + {path}");
        }
    }

    #[test]
    fn a_module_above_the_repository_that_was_asked_for_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(config::FILE), r#"{"name": "a"}"#).unwrap();
        let repository = dir.path().join("repository");
        std::fs::create_dir_all(repository.join(".git")).unwrap();
        let error = ModuleSource::local(&repository, true).err().unwrap();
        assert!(
            error.to_string().contains("outside of the repository"),
            "{error}"
        );
        assert!(
            !ModuleSource::local(&repository, false)
                .unwrap()
                .config_exists
        );
    }
}
