//! What one process has in the state directory: a directory for temporary
//! files that goes away with the process, however it ends.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::exports::{self, Exports};
use super::used::Used;

/// How the names of sessions begin.
const PREFIX: &str = "s-";

/// A live process: holds a lock on `tmp/<name>/live`.
pub(super) struct Session {
    dir: PathBuf,
    pub used: Used,
    pub exports: Exports,
    _live: File,
}

impl Session {
    /// Clears away what dead ones left and begins a session.
    pub fn begin(tmp: &Path, locks: &Path) -> io::Result<Self> {
        // A new directory is not yet locked: nobody sweeps until it is.
        let gate = File::create(locks.join("sessions"))?;
        gate.lock()?;
        // First, for a full disk has no place for another.
        sweep(tmp)?;
        let dir = tempfile::Builder::new().prefix(PREFIX).tempdir_in(tmp)?;
        let live = File::create(dir.path().join("live"))?;
        live.lock()?;
        Ok(Self {
            used: Used::begin(dir.path(), locks)?,
            exports: Exports::begin(dir.path())?,
            dir: dir.keep(),
            _live: live,
        })
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Mounts of guards that outlive the store keep their directories; the
        // next session sweeps them.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn sweep(tmp: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(tmp)?.flatten() {
        let dir = entry.path();
        if !is_live(&dir) {
            detach(&dir);
            if is_session(&dir) {
                exports::clear(&dir);
            }
            let _ = std::fs::remove_dir_all(&dir);
        }
    }
    Ok(())
}

/// Mounts of a process that had no mount namespace of its own.
fn detach(session: &Path) {
    for entry in std::fs::read_dir(session).into_iter().flatten().flatten() {
        for target in [entry.path().join("merged"), entry.path()] {
            let _ = super::overlay::unmount_overlay(&target);
        }
    }
}

fn is_live(dir: &Path) -> bool {
    is_session(dir)
        && File::open(dir.join("live"))
            .is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

/// As opposed to what [`super::prune`] takes away, which may hold any file.
fn is_session(dir: &Path) -> bool {
    let name = dir.file_name().unwrap_or_default();
    name.as_bytes().starts_with(PREFIX.as_bytes())
}

/// Directories of the sessions that are still alive.
pub(super) fn live(tmp: &Path) -> io::Result<Vec<PathBuf>> {
    let all = std::fs::read_dir(tmp)?.flatten().map(|entry| entry.path());
    Ok(all.filter(|dir| is_live(dir)).collect())
}
