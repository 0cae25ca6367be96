//! Files below a root directory. Paths are of the root: `..` and links, also
//! absolute ones, never lead out of it.
//!
//! [`resolve`] finds paths, [`read`] and [`write`] are for single files,
//! [`copy`] brings files from another tree, [`digest`] and [`changes`] compare,
//! [`export`] writes to the host.

mod changes;
mod copy;
mod digest;
mod export;
mod file;
mod read;
mod resolve;
#[cfg(test)]
mod tests;
mod write;

pub(in crate::store) use export::set_time;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use changes::Changes;
pub(crate) use digest::{Node, Payload, contents_of, empty_digest, entries_digest, plain_root};
pub(crate) use file::{copy_file_data, xattrs};
pub(crate) use resolve::clean;

/// Kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Regular,
    Directory,
    Symlink,
    Other,
}

/// What is known of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    pub kind: Kind,
    pub size: u64,
    /// Permission bits.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
}

/// Numeric owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    pub uid: u32,
    pub gid: u32,
}

/// Operations on files below a root.
#[derive(Clone, Debug)]
pub struct Tree {
    root: PathBuf,
    /// Where the files really are, lowest first, when they lie in the store:
    /// there they can be linked from.
    layers: Arc<[PathBuf]>,
    /// Files may be hard links to those of layers, which must not change.
    linked: bool,
}

impl Tree {
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            layers: Arc::new([]),
            linked: false,
        }
    }

    /// The merged layers of the store, mounted at `root`.
    pub(super) fn of_layers(root: &Path, layers: Vec<PathBuf>) -> Self {
        Self {
            layers: layers.into(),
            ..Self::new(root)
        }
    }

    /// A plain directory on the store's file system, to be a layer.
    pub(super) fn linking(root: &Path) -> Self {
        Self {
            linked: true,
            ..Self::new(root)
        }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }
}
