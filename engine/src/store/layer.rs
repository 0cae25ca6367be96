//! Layers: `layers/<name>/`, each a directory that overlayfs takes as a lower
//! or upper directory. They are made elsewhere and renamed into place.

use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use eyre::{Result, WrapErr};

use super::error::PathContext;
use super::{Digest, Filter, Snapshot, Store, Tree};

/// Longest stack; a taller one is made into a single layer.
const MAX_LAYERS: usize = 100;

impl Store {
    /// Where a layer is, or will be.
    pub fn layer_path(&self, name: &str) -> PathBuf {
        self.root().join("layers").join(name)
    }

    pub fn has_layer(&self, name: &str) -> bool {
        self.layer_path(name)
            .symlink_metadata()
            .is_ok_and(|meta| meta.is_dir())
    }

    /// Whether there is such a layer; if so it stays as long as this process lives.
    pub fn keep_layer(&self, name: &str) -> bool {
        self.note([self.layer_path(name)]).is_ok() && self.has_layer(name)
    }

    /// Directories of a snapshot's layers, lowest first. None for the empty snapshot.
    pub fn layer_paths(&self, snapshot: &Snapshot) -> Vec<PathBuf> {
        snapshot
            .layers
            .iter()
            .map(|name| self.layer_path(name))
            .collect()
    }

    /// Makes the directory `dir` (on the state directory's file system) the
    /// layer `name`, or one with a new name. One that is there stays.
    pub fn adopt_layer(&self, dir: &Path, name: Option<String>) -> Result<String> {
        let (name, is_fresh) = match name {
            Some(name) => (name, false),
            None => (random_name()?, true),
        };
        let path = self.layer_path(&name);
        self.note([&path])
            .wrap_err_with(|| format!("cannot keep layer `{}`", path.display()))?;
        if let Err(error) = std::fs::rename(dir, &path) {
            if !self.has_layer(&name) {
                return Err(self.explain(error.into()))
                    .wrap_err_with(|| format!("cannot keep layer `{}`", path.display()));
            }
            std::fs::remove_dir_all(dir)?;
        }
        if is_fresh {
            let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
            fresh.insert(name.clone());
        }
        Ok(name)
    }

    /// A new directory that can become a layer, with the root's usual mode.
    pub fn new_layer_dir(&self) -> Result<tempfile::TempDir> {
        let dir = self.temp_dir()?;
        std::fs::set_permissions(
            dir.path(),
            std::os::unix::fs::PermissionsExt::from_mode(0o755),
        )?;
        Ok(dir)
    }

    /// Refuses a snapshot whose layers are gone.
    pub(super) fn check(&self, snapshot: &Snapshot) -> Result<()> {
        match snapshot.layers.iter().find(|name| !self.has_layer(name)) {
            Some(name) => eyre::bail!(
                "layer `{name}` is missing from the state directory `{}`; run again to make it anew",
                self.root().display()
            ),
            None => Ok(()),
        }
    }

    /// The same files in few enough layers.
    pub(super) fn squash(self: &Arc<Self>, snapshot: Snapshot) -> Result<Snapshot> {
        if snapshot.layers.len() <= MAX_LAYERS {
            return Ok(snapshot);
        }
        let name = self.flatten(&snapshot, "")?;
        Ok(Snapshot {
            id: snapshot.id,
            layers: vec![name],
        })
    }

    /// Makes one layer of the directory `path` of `snapshot`, by hard links
    /// where possible.
    pub(super) fn flatten(self: &Arc<Self>, snapshot: &Snapshot, path: &str) -> Result<String> {
        let mount = self.mount(snapshot)?;
        let source = mount.tree();
        let dir = self.new_layer_dir()?;
        let meta = source.resolve(path)?.metadata().at("read", path)?;
        copy_root(&meta, dir.path())?;
        Tree::linking(dir.path()).copy_dir(&source, path, "", &Filter::default(), None, None)?;
        self.adopt_layer(&dir.keep(), None)
    }

    /// The content id's snapshot, made of a directory that becomes a layer.
    pub(super) fn content_layer(&self, id: Digest, dir: tempfile::TempDir) -> Result<Snapshot> {
        let layers = if std::fs::read_dir(dir.path())?.next().is_none() && id == Self::scratch().id
        {
            Vec::new()
        } else {
            vec![self.adopt_layer(&dir.keep(), None)?]
        };
        let snapshot = Snapshot { id, layers };
        self.remember("content", &id, &snapshot)?;
        Ok(snapshot)
    }
}

/// Gives a new layer's root the mode and owner of the root below it.
pub(super) fn copy_root(meta: &std::fs::Metadata, to: &Path) -> Result<()> {
    chown(to, Some(meta.uid()), Some(meta.gid())).at("write", to)?;
    std::fs::set_permissions(to, meta.permissions()).at("write", to)?;
    Ok(())
}

fn random_name() -> Result<String> {
    let mut bytes = [0; 10];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
