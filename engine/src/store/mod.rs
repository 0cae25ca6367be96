//! What outlives an invocation: layers, cache entries, cache volumes, locks.
//!
//! A [`Snapshot`] is a stack of immutable overlay layers and an identity that
//! stands for its content in cache keys. New layers are made by mounting a
//! snapshot with an empty upper directory ([`Store::mount_rw`]), changing files
//! and committing the upper directory. Everything is written to a temporary
//! name, then renamed, so that a killed process leaves nothing half-made.
//!
//! ```text
//! layers/<name>/                files of one layer            layer, mount, overlay
//! cache/<kind>/<aa>/<key>.json  remembered values             cache, edit
//! index/                        what host directories held    import, content
//! volumes/<key>/                cache volumes                 volume
//! locks/  tmp/<session>/        of live processes             lock, session, used, exports
//! ```
//!
//! [`tree`] has the operations on files, [`filter`] and [`walk`] choose them,
//! [`prune`] and [`recover`] take away.

mod cache;
mod content;
pub mod digest;
mod edit;
mod error;
mod exports;
pub mod filter;
mod hashed;
mod import;
mod layer;
mod limits;
mod lock;
mod mount;
mod overlay;
pub mod pattern;
#[cfg(test)]
mod properties;
mod prune;
mod recover;
mod session;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub mod tree;
mod used;
mod volume;
pub(crate) mod walk;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use eyre::{Report, Result, WrapErr};
use serde::{Deserialize, Serialize};

pub(crate) use content::Content;
pub use digest::{Digest, Hasher};
pub(crate) use edit::blocking;
pub use error::{Cause, PathError, StateError, reason};
pub use filter::Filter;
pub(crate) use hashed::Hashed;
pub use limits::{Limits, Usage, parse_size};
pub use lock::Lock;
pub use mount::{Mount, MountRw};
pub use overlay::opaque_attribute;
pub use prune::{Prune, Pruned};
pub use tree::Tree;

use exports::Exports;
use lock::Locks;
use session::Session;

/// Step in which large files are written. For larger ones the kernel takes memory in
/// larger blocks, and in a virtual machine such blocks are often not there before the
/// host has provided them, which takes several times as long as the writing.
pub(crate) const WRITE_BYTES: usize = 64 << 10;

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
    session: Session,
    locks: Locks,
    /// Layers made here that nothing remembered refers to yet.
    fresh: Mutex<HashSet<String>>,
}

/// So few bytes that are free are not enough for a run: what nothing refers to goes.
const LITTLE: u64 = 64 << 20;

impl Store {
    /// Opens (or makes) the state directory `root`.
    pub fn open(root: &Path) -> Result<Arc<Self>> {
        Self::begin(root)
            .and_then(|store| {
                if store.free()? < LITTLE {
                    prune::make_room(&store.root, store.session_dir())?;
                }
                Ok(store)
            })
            .or_else(|error| {
                if !error::is_full(&error) {
                    return Err(error);
                }
                let root = root.canonicalize()?;
                prune::make_room(&root, &root.join("tmp"))?;
                Self::begin(&root)
            })
            .map(Arc::new)
            .map_err(|error| error::explain(root, error))
            .wrap_err_with(|| format!("cannot open the state directory `{}`", root.display()))
    }

    fn begin(root: &Path) -> Result<Self> {
        for name in [
            "layers", "cache", "index", "volumes", "locks", "tmp", "empty",
        ] {
            std::fs::create_dir_all(root.join(name))?;
        }
        // Of the programs on this machine, only this user's may read what builds made.
        std::fs::set_permissions(root, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        let root = root.canonicalize()?;
        std::fs::set_permissions(
            root.join("empty"),
            std::os::unix::fs::PermissionsExt::from_mode(0o755),
        )?;
        let session = Session::begin(&root.join("tmp"), &root.join("locks"))?;
        let store = Self {
            root,
            session,
            locks: Locks::default(),
            fresh: Mutex::default(),
        };
        recover::after_reboot(&store)?;
        Ok(store)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the files of commits that modules are in lie.
    pub fn checkouts(&self) -> PathBuf {
        self.root().join("git-modules")
    }

    /// The empty file system.
    pub fn scratch() -> Snapshot {
        Snapshot {
            id: tree::empty_digest(),
            layers: Vec::new(),
        }
    }

    /// Waits for the lock `name`, over all processes that share the directory.
    pub async fn lock(&self, name: &str) -> Result<Lock> {
        self.locks
            .take(&self.root.join("locks"), name)
            .await
            .map_err(|error| self.explain(error.into()))
            .wrap_err_with(|| format!("cannot take the lock `{name}`"))
    }

    /// Takes the lock `name` if nobody holds it.
    pub fn try_lock(&self, name: &str) -> Result<Option<Lock>> {
        self.locks
            .try_take(&self.root.join("locks"), name)
            .map_err(|error| self.explain(error.into()))
            .wrap_err_with(|| format!("cannot take the lock `{name}`"))
    }

    /// A directory below the state directory that is removed on drop.
    pub fn temp_dir(&self) -> Result<tempfile::TempDir> {
        tempfile::Builder::new()
            .prefix("t-")
            .tempdir_in(self.session_dir())
            .map_err(|error| self.explain(error.into()))
            .wrap_err("cannot make a temporary directory")
    }

    /// Makes the temporary files of exports.
    pub(crate) fn exports(&self) -> &Exports {
        &self.session.exports
    }

    /// Notes that this process uses paths of the state directory: what is there
    /// afterwards stays until it ends.
    fn note<P: AsRef<Path>>(&self, paths: impl IntoIterator<Item = P>) -> Result<()> {
        let paths = paths.into_iter();
        let names = paths.map(|path| used::name(&self.root, path.as_ref()));
        let noted = self.session.used.note(names);
        noted.map_err(|error| self.explain(error.into()))
    }

    fn session_dir(&self) -> &Path {
        self.session.dir()
    }

    fn empty_dir(&self) -> PathBuf {
        self.root.join("empty")
    }

    /// Names the state directory in errors that freeing space would cure.
    pub(crate) fn explain(&self, error: Report) -> Report {
        error::explain(&self.root, error)
    }
}
