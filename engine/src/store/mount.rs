//! Snapshots as directories: mounted for reading, or for one more layer.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use eyre::{Result, WrapErr};

use super::layer::copy_root;
use super::overlay::{self, Upper};
use super::{Digest, Snapshot, Store, Tree};

/// A mounted snapshot. Of a single layer it is the layer itself: never write there.
pub struct Mount {
    path: PathBuf,
    layers: Vec<PathBuf>,
    _overlay: Option<Overlay>,
    // The session's directory, where the mount is, lives as long.
    _store: Arc<Store>,
}

impl Mount {
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn tree(&self) -> Tree {
        Tree::of_layers(&self.path, self.layers.clone())
    }
}

/// A mounted snapshot that can be changed. Dropping it forgets the changes.
pub struct MountRw {
    store: Arc<Store>,
    base: Snapshot,
    tree: Tree,
    upper: PathBuf,
    overlay: Option<Overlay>,
    dir: tempfile::TempDir,
}

impl MountRw {
    pub fn path(&self) -> &Path {
        self.tree.root()
    }

    pub fn tree(&self) -> Tree {
        self.tree.clone()
    }

    /// Keeps the changes as a new layer; the result's identity is `id`.
    pub fn commit(mut self, id: Digest) -> Result<Snapshot> {
        drop(self.overlay.take());
        let mut layers = self.base.layers.clone();
        if self.changed()? {
            layers.push(self.store.adopt_layer(&self.upper, None)?);
        }
        drop(self.dir);
        self.store.squash(Snapshot { id, layers })
    }

    fn changed(&self) -> Result<bool> {
        if std::fs::read_dir(&self.upper)?.next().is_some() {
            return Ok(true);
        }
        let root = |meta: std::fs::Metadata| (meta.mode(), meta.uid(), meta.gid());
        let before = match self.base.layers.last() {
            Some(name) => root(self.store.layer_path(name).metadata()?),
            None => (0o40755, 0, 0),
        };
        Ok(root(self.upper.metadata()?) != before)
    }
}

/// Unmounts when dropped.
struct Overlay {
    target: PathBuf,
    _dir: Option<tempfile::TempDir>,
}

impl Overlay {
    fn mount(
        lower: &[PathBuf],
        upper: Option<&Upper<'_>>,
        target: PathBuf,
        dir: Option<tempfile::TempDir>,
    ) -> Result<Self> {
        overlay::mount_overlay(lower, upper, &target).wrap_err_with(|| {
            format!(
                "cannot mount {} layers at `{}`",
                lower.len(),
                target.display()
            )
        })?;
        Ok(Self { target, _dir: dir })
    }
}

impl Drop for Overlay {
    fn drop(&mut self) {
        let _ = overlay::unmount_overlay(&self.target);
    }
}

impl Store {
    /// Mounts a snapshot read-only until the guard is dropped.
    pub fn mount(self: &Arc<Self>, snapshot: &Snapshot) -> Result<Mount> {
        self.check(snapshot)?;
        let layers = self.layer_paths(snapshot);
        match layers.as_slice() {
            [] => Ok(Mount {
                path: self.empty_dir(),
                layers,
                _overlay: None,
                _store: self.clone(),
            }),
            [layer] => Ok(Mount {
                path: layer.clone(),
                layers,
                _overlay: None,
                _store: self.clone(),
            }),
            _ => {
                let dir = self.temp_dir()?;
                let path = dir.path().to_owned();
                let overlay = Overlay::mount(&layers, None, path.clone(), Some(dir))?;
                Ok(Mount {
                    path,
                    layers,
                    _overlay: Some(overlay),
                    _store: self.clone(),
                })
            }
        }
    }

    /// Mounts a snapshot with an empty upper layer, to be committed or dropped.
    pub fn mount_rw(self: &Arc<Self>, snapshot: &Snapshot) -> Result<MountRw> {
        self.check(snapshot)?;
        let mut lower = self.layer_paths(snapshot);
        if lower.is_empty() {
            lower.push(self.empty_dir());
        }
        let dir = self.temp_dir()?;
        let [upper, work, merged] = ["upper", "work", "merged"].map(|name| dir.path().join(name));
        for path in [&upper, &work, &merged] {
            std::fs::create_dir(path)?;
        }
        if let Some(top) = lower.last() {
            copy_root(&top.metadata()?, &upper)?;
        }
        let changes = Upper {
            upper: &upper,
            work: &work,
        };
        let overlay = Overlay::mount(&lower, Some(&changes), merged.clone(), None)?;
        Ok(MountRw {
            store: self.clone(),
            base: snapshot.clone(),
            tree: Tree::new(&merged),
            upper,
            overlay: Some(overlay),
            dir,
        })
    }

    /// As [`Store::mount_rw`] of nothing, but a plain directory, where files can
    /// be hard links to those of other layers. Only for [`Tree`]'s operations.
    pub(super) fn plain_rw(self: &Arc<Self>) -> Result<MountRw> {
        let dir = self.temp_dir()?;
        let upper = dir.path().join("upper");
        std::fs::create_dir(&upper)?;
        copy_root(&self.empty_dir().metadata()?, &upper)?;
        Ok(MountRw {
            store: self.clone(),
            base: Self::scratch(),
            tree: Tree::linking(&upper),
            upper,
            overlay: None,
            dir,
        })
    }
}
