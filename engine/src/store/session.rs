//! What one process has in the state directory: a directory for temporary
//! files that goes away with the process, however it ends.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A live process: holds a lock on `tmp/<name>/live`.
pub(super) struct Session {
    dir: PathBuf,
    _live: File,
}

impl Session {
    /// Begins a session and clears away what dead ones left.
    pub fn begin(tmp: &Path, locks: &Path) -> io::Result<Self> {
        // A new directory is not yet locked: nobody sweeps until it is.
        let gate = File::create(locks.join("sessions"))?;
        gate.lock()?;
        let dir = tempfile::Builder::new()
            .prefix("s-")
            .tempdir_in(tmp)?
            .keep();
        let live = File::create(dir.join("live"))?;
        live.lock()?;
        sweep(tmp, &dir)?;
        Ok(Self { dir, _live: live })
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

fn sweep(tmp: &Path, own: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(tmp)?.flatten() {
        let dir = entry.path();
        if dir != own && !is_live(&dir) {
            detach(&dir);
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
    File::open(dir.join("live"))
        .is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

/// When the oldest session that is still alive began.
pub(super) fn oldest(tmp: &Path) -> io::Result<SystemTime> {
    let mut oldest = SystemTime::now();
    for entry in std::fs::read_dir(tmp)?.flatten() {
        let dir = entry.path();
        if let Ok(meta) = dir.join("live").metadata()
            && is_live(&dir)
        {
            oldest = oldest.min(meta.modified()?);
        }
    }
    Ok(oldest)
}
