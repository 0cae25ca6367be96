//! What live processes use of the state directory, which [`super::prune`]
//! leaves alone: each notes paths below the root, one a line, in
//! `tmp/<session>/used`. No clock is asked, for one may be set while they run.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::session;

/// Below `locks/`: shared by those who note, alone for who takes away.
const GATE: &str = "used";

/// The notes of this process.
pub(super) struct Used(Mutex<Notes>);

struct Notes {
    file: File,
    gate: File,
    known: HashSet<String>,
}

impl Used {
    /// No notes yet, in the directory of a session.
    pub fn begin(session: &Path, locks: &Path) -> io::Result<Self> {
        Ok(Self(Mutex::new(Notes {
            file: File::options()
                .create(true)
                .append(true)
                .open(session.join("used"))?,
            gate: File::create(locks.join(GATE))?,
            known: HashSet::new(),
        })))
    }

    /// Notes paths below the root. What is there afterwards stays as long as
    /// this process lives: look only then.
    pub fn note(&self, paths: impl IntoIterator<Item = String>) -> io::Result<()> {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut new: Vec<_> = paths.into_iter().collect();
        new.retain(|path| !notes.known.contains(path));
        if new.is_empty() {
            return Ok(());
        }
        // A line ends one that did not fit on the disk.
        let text: String = new.iter().map(|path| format!("\n{path}\n")).collect();
        notes.gate.lock_shared()?;
        let written = notes.file.write_all(text.as_bytes());
        let _ = notes.gate.unlock();
        written?;
        notes.known.extend(new);
        Ok(())
    }
}

/// What live processes have noted. Nobody notes more until this is dropped.
pub(super) struct Held {
    paths: HashSet<String>,
    gate: File,
}

impl Drop for Held {
    fn drop(&mut self) {
        // A child that was just forked may have the file as well.
        let _ = self.gate.unlock();
    }
}

impl Held {
    pub fn take(root: &Path) -> io::Result<Self> {
        let gate = File::create(root.join("locks").join(GATE))?;
        gate.lock()?;
        let mut paths = HashSet::new();
        for session in session::live(&root.join("tmp"))? {
            let text = std::fs::read(session.join("used")).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            paths.extend(text.lines().map(str::to_owned));
        }
        Ok(Self { paths, gate })
    }

    /// Whether a live process uses `path`, which is below the root `root`.
    pub fn has(&self, root: &Path, path: &Path) -> bool {
        self.paths.contains(&name(root, path))
    }
}

/// A path as it is noted.
pub(super) fn name(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    below.to_string_lossy().replace('\n', "\u{fffd}")
}
