//! The layer of an import: linked from earlier ones where files are the same.

use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use eyre::Result;

use super::index::Index;
use super::scan::{Entry, Scan};
use crate::store::error::PathContext;
use crate::store::tree::{Payload, Stat, contents_of, copy_file_data, set_time};
use crate::store::{Content, Store};

impl Store {
    /// A directory with the files of `scan`. Nothing when they changed meanwhile.
    pub(super) fn import_layer(
        &self,
        scan: &Scan,
        index: &Index,
    ) -> Result<Option<tempfile::TempDir>> {
        let dir = self.new_layer_dir()?;
        let mut files = Vec::new();
        for (path, entry) in scan.entries() {
            let target = dir.path().join(&path);
            match &entry.node.payload {
                Payload::Dir => std::fs::create_dir(&target).at("write", &target)?,
                Payload::Link(to) => {
                    symlink(to, &target).at("write", &target)?;
                    set_time(&target, &entry.meta).at("write", &target)?;
                }
                Payload::File(content) => files.push((path, entry, *content)),
                Payload::Device(_) => {}
            }
        }
        if !self.import_files(scan, &files, index, dir.path())? {
            return Ok(None);
        }
        for (path, entry) in scan.entries().rev() {
            if entry.meta.is_dir() {
                let target = dir.path().join(path);
                finish(entry, &target).at("write", &target)?;
            }
        }
        Ok(Some(dir))
    }

    fn import_files(
        &self,
        scan: &Scan,
        files: &[(PathBuf, &Entry, Content)],
        index: &Index,
        dir: &Path,
    ) -> Result<bool> {
        let next = AtomicUsize::new(0);
        let same = AtomicBool::new(true);
        let failed = Mutex::new(None);
        let work = || {
            while let Some((path, entry, content)) = files.get(next.fetch_add(1, Ordering::Relaxed))
            {
                match self.import_file_into(scan, path, entry, *content, index, dir) {
                    Ok(true) => {}
                    Ok(false) => same.store(false, Ordering::Relaxed),
                    Err(error) => {
                        *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                        next.store(files.len(), Ordering::Relaxed);
                    }
                }
            }
        };
        let threads = std::thread::available_parallelism()
            .map_or(1, usize::from)
            .min(4);
        if files.len() < 64 || threads == 1 {
            work();
        } else {
            std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
        }
        match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(same.into_inner()),
        }
    }

    /// Whether the copy has the content that was found before.
    fn import_file_into(
        &self,
        scan: &Scan,
        path: &Path,
        entry: &Entry,
        content: Content,
        index: &Index,
        dir: &Path,
    ) -> Result<bool> {
        let (host, target) = (scan.host(path), dir.join(path));
        if let Some(copy) = &entry.staged {
            std::fs::rename(copy, &target).at("write", &target)?;
            finish(entry, &target).at("write", &target)?;
            return Ok(true);
        }
        let known = entry.known.as_ref();
        if let Some(layer) = known.and_then(|known| index.layer(known, content)) {
            let known = self.layer_path(layer).join(path);
            if fits(&known, entry) && std::fs::hard_link(&known, &target).is_ok() {
                return Ok(true);
            }
        }
        match copy_file_data(&host, &target) {
            // Gone since it was found.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            result => result.at("copy", &host)?,
        };
        finish(entry, &target).at("write", &target)?;
        let unchanged = host
            .symlink_metadata()
            .is_ok_and(|meta| super::index::Stamp::of(&meta) == entry.stamp());
        if entry.settled && unchanged {
            return Ok(true);
        }
        // Its times tell nothing (yet): compare the copy itself.
        let copied = contents_of(std::slice::from_ref(&target))
            .remove(0)
            .at("read", &target)?;
        Ok(copied == content)
    }
}

/// Whether an earlier copy has the attributes that a new one would get.
fn fits(known: &Path, entry: &Entry) -> bool {
    known.symlink_metadata().is_ok_and(|meta| {
        let (stat, own) = (Stat::of(&meta), Stat::of(&entry.meta));
        (stat.kind, stat.size, stat.mode) == (own.kind, own.size, own.mode)
            && (stat.uid, stat.gid) == (0, 0)
            && (meta.mtime(), meta.mtime_nsec()) == (entry.meta.mtime(), entry.meta.mtime_nsec())
    })
}

fn finish(entry: &Entry, target: &Path) -> std::io::Result<()> {
    std::fs::set_permissions(target, entry.meta.permissions())?;
    set_time(target, &entry.meta)
}
