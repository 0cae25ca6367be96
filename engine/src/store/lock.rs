//! Locks over all processes that share a state directory.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::Digest;

/// The locks of one process, so that its own tasks queue without polling.
#[derive(Default)]
pub(super) struct Locks {
    names: Mutex<HashMap<String, Weak<AsyncMutex<()>>>>,
}

/// Held until dropped.
pub struct Lock {
    path: PathBuf,
    _file: File,
    // Dropped last: the file is free before the next task of this process tries it.
    _turn: OwnedMutexGuard<()>,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Still locked: whoever waits for this file sees that it is gone and
        // starts over with a new one.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Locks {
    pub async fn take(&self, dir: &Path, name: &str) -> io::Result<Lock> {
        let turn = self.turn(name).lock_owned().await;
        let path = dir.join(file_name(name));
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(file) = try_take(&path)? {
                return Ok(Lock {
                    path,
                    _file: file,
                    _turn: turn,
                });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }

    pub fn try_take(&self, dir: &Path, name: &str) -> io::Result<Option<Lock>> {
        let Ok(turn) = self.turn(name).try_lock_owned() else {
            return Ok(None);
        };
        let path = dir.join(file_name(name));
        Ok(try_take(&path)?.map(|file| Lock {
            path,
            _file: file,
            _turn: turn,
        }))
    }

    fn turn(&self, name: &str) -> Arc<AsyncMutex<()>> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = names.get(name).and_then(Weak::upgrade) {
            return turn;
        }
        names.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::new(AsyncMutex::new(()));
        names.insert(name.to_owned(), Arc::downgrade(&turn));
        turn
    }
}

fn try_take(path: &Path) -> io::Result<Option<File>> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // The holder before may have removed the file between opening and locking.
    let current = path.metadata().is_ok_and(|now| {
        file.metadata()
            .is_ok_and(|own| (own.dev(), own.ino()) == (now.dev(), now.ino()))
    });
    Ok(current.then_some(file))
}

fn file_name(name: &str) -> String {
    let plain = name.len() <= 100
        && !name.starts_with('.')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if plain {
        format!("{name}.lock")
    } else {
        format!("{}.lock", Digest::of(name.as_bytes()).hex())
    }
}
