//! Copies of large files that are new, made while they are hashed: both take
//! long, and most of it at the same time.

use std::fs::File;
use std::io::{self, BufRead, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use eyre::Result;

use super::scan::Entry;
use crate::store::{Content, Hashed, Store, WRITE_BYTES};

/// Below, a second look at the file comes from memory.
const LARGE_BYTES: u64 = 16 << 20;

/// The copies, until they are part of a layer.
#[derive(Default)]
pub(super) struct Stage {
    dir: Option<tempfile::TempDir>,
    copies: usize,
}

impl Stage {
    /// A copy of a file, and its content. Nothing when the file is better hashed
    /// first: it is small, or most likely there already, or a copy does not fit.
    pub fn copy(
        &mut self,
        store: &Store,
        file: &Path,
        entry: &Entry,
    ) -> Option<(PathBuf, Content)> {
        if entry.meta.len() < LARGE_BYTES || entry.known.is_some() {
            return None;
        }
        let path = self.next(store).ok()?;
        match copy_and_hash(file, &path) {
            Ok(content) => Some((path, content)),
            Err(_) => {
                let _ = std::fs::remove_file(path);
                None
            }
        }
    }

    fn next(&mut self, store: &Store) -> Result<PathBuf> {
        let dir = match self.dir.take() {
            Some(dir) => dir,
            None => store.temp_dir()?,
        };
        self.copies += 1;
        let path = dir.path().join(self.copies.to_string());
        self.dir = Some(dir);
        Ok(path)
    }
}

/// The content is the copy's: it is made of the bytes that were written.
fn copy_and_hash(from: &Path, to: &Path) -> io::Result<Content> {
    let source = File::open(from)?;
    let mut target = File::options()
        .write(true)
        .read(true)
        .create_new(true)
        .mode(0o600)
        .open(to)?;
    // File systems that can share blocks do so.
    if rustix::fs::ioctl_ficlone(&target, &source).is_ok() {
        return Hashed::new(target).sum();
    }
    let mut source = Hashed::new(source);
    loop {
        let bytes = source.fill_buf()?;
        if bytes.is_empty() {
            return source.sum();
        }
        let length = bytes.len().min(WRITE_BYTES);
        target.write_all(&bytes[..length])?;
        source.consume(length);
    }
}
