//! Directories and files: a place in a lazy file system.

use std::sync::Arc;

use eyre::{Result, bail};

use super::{Engine, Fs};
use crate::store::tree::Kind;
use crate::store::{Digest, Filter, Hasher, Snapshot, Tree};

/// A directory of a file system.
#[derive(Clone)]
pub struct Directory {
    pub fs: Fs,
    /// Below the root of `fs`, clean, without slashes at the ends; empty is the root.
    pub path: String,
}

/// A file of a file system.
#[derive(Clone)]
pub struct File {
    pub fs: Fs,
    pub path: String,
}

/// `base` + `path`, with `.` and `..` resolved and clamped to the root.
pub fn join(base: &str, path: &str) -> String {
    let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
    let floor = parts.len();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.len() > floor => drop(parts.pop()),
            ".." => {}
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// The last component.
pub fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

impl Directory {
    pub fn scratch() -> Self {
        Self {
            fs: Fs::scratch(),
            path: String::new(),
        }
    }

    pub fn root(fs: Fs) -> Self {
        Self {
            fs,
            path: String::new(),
        }
    }

    pub fn at(&self, path: &str) -> String {
        join(&self.path, path)
    }

    /// A directory with the change applied, remembered by what `describe` says
    /// of it, this directory and the directories of `sources`.
    pub fn edit(
        &self,
        engine: &Arc<Engine>,
        describe: Hasher,
        sources: Vec<Fs>,
        change: impl FnOnce(&Tree, &[Tree]) -> Result<()> + Send + 'static,
    ) -> Self {
        Self {
            fs: edit(&self.fs, engine, describe, sources, change),
            path: self.path.clone(),
        }
    }

    /// The directory `path` in this one; an error later if it is not one.
    pub fn directory(&self, engine: &Arc<Engine>, path: &str) -> Self {
        let path = self.at(path);
        Self {
            fs: checked(engine, &self.fs, &path, Kind::Directory),
            path,
        }
    }

    /// The file `path` in this one; an error later if it is not one.
    pub fn file(&self, engine: &Arc<Engine>, path: &str) -> File {
        let path = self.at(path);
        File {
            fs: checked(engine, &self.fs, &path, Kind::Regular),
            path,
        }
    }

    /// The files that pass a filter, at the root of a file system whose identity
    /// is their content.
    pub fn filtered(&self, engine: &Arc<Engine>, filter: Filter) -> Self {
        if filter.is_empty() {
            return self.clone();
        }
        let (source, path, engine_) = (self.fs.clone(), self.path.clone(), engine.clone());
        let fs = Fs::lazy(async move {
            let store = engine_.store.clone();
            let snapshot = source.snapshot().await?;
            let key = Hasher::new("filter-1")
                .with(snapshot.id)
                .with(&path)
                .with(serde_json::to_string(&filter)?)
                .digest();
            let scratch = crate::store::Store::scratch();
            let copied = {
                let store_ = store.clone();
                store
                    .edit(key, &scratch, move |tree| {
                        let mount = store_.mount(&snapshot)?;
                        tree.copy_dir(&mount.tree(), &path, "", &filter, None, None)
                    })
                    .await?
            };
            store.by_content(&copied, "").await
        });
        Self::root(fs)
    }

    /// The files alone, at the root of their own file system.
    pub fn alone(&self, engine: &Arc<Engine>) -> Fs {
        if self.path.is_empty() {
            return self.fs.clone();
        }
        let (fs, path, store) = (self.fs.clone(), self.path.clone(), engine.store.clone());
        Fs::lazy(async move { store.by_content(&fs.snapshot().await?, &path).await })
    }

    /// Digest of the contents.
    pub async fn digest(&self, engine: &Arc<Engine>) -> Result<Digest> {
        let snapshot = self.fs.snapshot().await?;
        Ok(engine.store.by_content(&snapshot, &self.path).await?.id)
    }
}

/// The file system with a change applied.
pub fn edit(
    base: &Fs,
    engine: &Arc<Engine>,
    describe: Hasher,
    sources: Vec<Fs>,
    change: impl FnOnce(&Tree, &[Tree]) -> Result<()> + Send + 'static,
) -> Fs {
    let (base, store) = (base.clone(), engine.store.clone());
    Fs::lazy(async move {
        let base = base.snapshot().await?;
        let sources = futures::future::try_join_all(sources.iter().map(Fs::snapshot)).await?;
        let key = sources
            .iter()
            .fold(describe.with(base.id), |hasher, source| {
                hasher.with(source.id)
            })
            .digest();
        let mounts = store.clone();
        store
            .edit(key, &base, move |tree| {
                let mounted = sources
                    .iter()
                    .map(|source| mounts.mount(source))
                    .collect::<Result<Vec<_>>>()?;
                let trees: Vec<Tree> = mounted.iter().map(|mount| mount.tree()).collect();
                change(tree, &trees)
            })
            .await
    })
}

/// The same file system, once it is known that `path` is what it should be.
fn checked(engine: &Arc<Engine>, fs: &Fs, path: &str, kind: Kind) -> Fs {
    let (fs, path, engine) = (fs.clone(), path.to_owned(), engine.clone());
    Fs::lazy(async move {
        let snapshot = fs.snapshot().await?;
        check(&engine, &snapshot, path, kind).await?;
        Ok(snapshot)
    })
}

async fn check(engine: &Arc<Engine>, snapshot: &Snapshot, path: String, kind: Kind) -> Result<()> {
    if path.is_empty() && kind == Kind::Directory {
        return Ok(());
    }
    let store = engine.store.clone();
    let snapshot = snapshot.clone();
    tokio::task::spawn_blocking(move || {
        let mount = store.mount(&snapshot)?;
        match mount.tree().stat(&path, true)? {
            None => bail!("`{path}`: no such file or directory"),
            Some(stat) if stat.kind == kind => Ok(()),
            Some(stat) if stat.kind == Kind::Directory => {
                bail!("`{path}` is a directory, not a file")
            }
            Some(_) if kind == Kind::Directory => bail!("`{path}` is a file, not a directory"),
            // Devices, sockets and the like can be handed on as files.
            Some(_) => Ok(()),
        }
    })
    .await?
}

impl File {
    pub fn name(&self) -> &str {
        base_name(&self.path)
    }

    pub async fn contents(&self, engine: &Engine) -> Result<Vec<u8>> {
        let path = self.path.clone();
        self.fs.read(engine, move |tree| tree.read(&path)).await
    }

    /// A file of its own with these bytes.
    pub fn made(engine: &Arc<Engine>, name: &str, contents: Vec<u8>, mode: u32) -> Self {
        let name = join("", name);
        let describe = Hasher::new("file-1")
            .with(&name)
            .with(&contents)
            .with(mode.to_le_bytes());
        let path = name.clone();
        let fs = edit(
            &Fs::scratch(),
            engine,
            describe,
            Vec::new(),
            move |tree, _| tree.write(&path, &contents, mode, None),
        );
        Self { fs, path: name }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_and_never_leave_the_base() {
        for (base, path, joined) in [
            ("", "a/./b/../c", "a/c"),
            ("", "../up", "up"),
            ("s", "..", "s"),
            ("s", "/t/", "s/t"),
            ("s/t", "../x", "s/t/x"),
            ("", "/", ""),
            ("", ".", ""),
        ] {
            assert_eq!(join(base, path), joined, "{base} + {path}");
        }
    }
}
