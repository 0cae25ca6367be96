//! What outlives an invocation: layers, cache entries, cache volumes, locks.
//!
//! A [`Snapshot`] is a stack of immutable overlay layers and an identity that
//! stands for its content in cache keys. New layers are made by mounting a
//! snapshot with an empty upper directory ([`Store::mount_rw`]), changing files
//! and committing the upper directory. Everything is written to a temporary
//! name, then renamed, so that a killed process leaves nothing half-made.

pub mod digest;
pub mod filter;
pub mod tree;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use eyre::Result;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub use digest::{Digest, Hasher};
pub use filter::Filter;
pub use tree::Tree;

/// A file system, frozen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Stands for the content: equal ids mean equal files.
    pub id: Digest,
    /// Names of layers, lowest first; none is the empty file system.
    pub layers: Vec<String>,
}

/// The state directory.
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Opens (or makes) the state directory `root`.
    pub fn open(root: &Path) -> Result<Arc<Self>> {
        let _ = root;
        todo!()
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The empty file system.
    pub fn scratch() -> Snapshot {
        todo!()
    }

    /// Mounts a snapshot read-only until the guard is dropped.
    pub fn mount(self: &Arc<Self>, snapshot: &Snapshot) -> Result<Mount> {
        let _ = snapshot;
        todo!()
    }

    /// Mounts a snapshot with an empty upper layer, to be committed or dropped.
    pub fn mount_rw(self: &Arc<Self>, snapshot: &Snapshot) -> Result<MountRw> {
        let _ = snapshot;
        todo!()
    }

    /// The snapshot that `change` makes of `base`, remembered under `key`.
    /// Runs once at a time for a key, over all processes.
    pub async fn edit(
        self: &Arc<Self>,
        key: Digest,
        base: &Snapshot,
        change: impl FnOnce(&Tree) -> Result<()> + Send + 'static,
    ) -> Result<Snapshot> {
        let _ = (key, base, change);
        todo!()
    }

    /// The same files under an identity made of their content (names, modes,
    /// owners, bytes; not times), so that equal results of different work are
    /// one for whatever comes after. `path` chooses a directory of `snapshot`,
    /// which becomes the root of the result.
    pub async fn by_content(self: &Arc<Self>, snapshot: &Snapshot, path: &str) -> Result<Snapshot> {
        let _ = (snapshot, path);
        todo!()
    }

    /// Copies a host directory into the store. The id is made of the content.
    /// Unchanged files are neither read nor copied again.
    pub async fn import_dir(self: &Arc<Self>, dir: &Path, filter: &Filter) -> Result<Snapshot> {
        let _ = (dir, filter);
        todo!()
    }

    /// As [`Store::import_dir`] for one file, which gets the name `name`.
    pub async fn import_file(self: &Arc<Self>, file: &Path, name: &str) -> Result<Snapshot> {
        let _ = (file, name);
        todo!()
    }

    /// A remembered value, if it is there and what it refers to as well.
    pub fn cached<T: DeserializeOwned>(&self, kind: &str, key: &Digest) -> Option<T> {
        let _ = (kind, key);
        todo!()
    }

    /// Remembers a value; `layers` are kept as long as the value is.
    pub fn remember<T: Serialize>(&self, kind: &str, key: &Digest, value: &T) -> Result<()> {
        let _ = (kind, key, value);
        todo!()
    }

    /// Waits for the lock `name`, over all processes that share the directory.
    pub async fn lock(&self, name: &str) -> Result<Lock> {
        let _ = name;
        todo!()
    }

    /// Directory of the cache volume `key`, made when missing.
    pub fn volume(&self, key: &Digest) -> Result<PathBuf> {
        let _ = key;
        todo!()
    }

    /// A directory below the state directory that is removed on drop.
    pub fn temp_dir(&self) -> Result<tempfile::TempDir> {
        todo!()
    }
}

/// A mounted snapshot.
pub struct Mount {
    path: PathBuf,
}

impl Mount {
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn tree(&self) -> Tree {
        Tree::new(&self.path)
    }
}

/// A mounted snapshot that can be changed. Dropping it forgets the changes.
pub struct MountRw {
    path: PathBuf,
}

impl MountRw {
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn tree(&self) -> Tree {
        Tree::new(&self.path)
    }

    /// Keeps the changes as a new layer; the result's identity is `id`.
    pub fn commit(self, id: Digest) -> Result<Snapshot> {
        let _ = id;
        todo!()
    }
}

/// Held until dropped.
pub struct Lock {
    _file: std::fs::File,
}
