//! Writing to the host.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use eyre::Result;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps};

use super::file::remove;
use super::resolve::chmod;
use super::{Kind, Tree};
use crate::store::error::{Cause, PathContext, PathError};
use crate::store::exports::Exports;
use crate::store::filter::Filter;
use crate::store::walk::walk;

impl Tree {
    /// Writes `path` (file or directory) to the host. A directory merges into
    /// `dest`, which is emptied first when `wipe` is set. Files are this user's;
    /// modes (less set-id bits), times and links are kept, devices left out.
    /// A file replaces a file at `dest`, and is refused by a directory there.
    pub(crate) fn export(
        &self,
        path: &str,
        dest: &Path,
        wipe: bool,
        exports: &Exports,
    ) -> Result<()> {
        let from = self.resolve(path)?;
        let meta = from.metadata().at("read", path)?;
        if let Some(parent) = dest.parent() {
            std::fs::create_dir_all(parent).at("write", parent)?;
        }
        if !meta.is_dir() {
            self.require_file(path)?;
            if dest.is_dir() {
                return Err(refuse(dest, Cause::IsDirectory));
            }
            // Through a link to a file, as a shell's redirect would.
            let dest = dest.canonicalize().unwrap_or_else(|_| dest.to_owned());
            return Ok(export_file(&from, &meta, &dest, exports).at("write", &dest)?);
        }
        if dest.symlink_metadata().is_ok() && !dest.is_dir() {
            return Err(refuse(dest, Cause::IsFile));
        }
        if !dest.is_dir() {
            std::fs::create_dir(dest).at("write", dest)?;
        } else if wipe {
            for entry in std::fs::read_dir(dest).at("list", dest)? {
                let entry = entry.at("list", dest)?.path();
                remove(&entry).at("remove", &entry)?;
            }
        }
        export_dir(&from, &dest.canonicalize().at("write", dest)?, exports)
    }
}

fn refuse(dest: &Path, cause: Cause) -> eyre::Report {
    PathError {
        action: "write",
        path: dest.display().to_string(),
        cause,
    }
    .into()
}

fn export_dir(from: &Path, dest: &Path, exports: &Exports) -> Result<()> {
    let mut dirs: Vec<(PathBuf, Metadata)> = Vec::new();
    walk(from, &Filter::default(), |path, meta| {
        let (source, target) = (from.join(path), dest.join(path));
        match Kind::of(meta) {
            Kind::Directory => {
                make_dir(&target, dest)?;
                dirs.push((target, meta.clone()));
            }
            Kind::Regular => {
                clear_directory(&target)?;
                export_file(&source, meta, &target, exports).at("write", &target)?;
            }
            Kind::Symlink => {
                remove(&target).at("replace", &target)?;
                let to = std::fs::read_link(&source).at("read", path)?;
                symlink(to, &target).at("write", &target)?;
                set_time(&target, meta).at("write", &target)?;
            }
            Kind::Other => {}
        }
        Ok(())
    })?;
    for (dir, meta) in dirs.iter().rev() {
        // A directory without leave to write into it is made last.
        chmod(dir, meta.mode() & 0o1777)
            .and_then(|()| set_time(dir, meta))
            .at("write", dir)?;
    }
    Ok(())
}

/// A directory at `target`. A link there is followed as long as it stays inside of `dest`.
fn make_dir(target: &Path, dest: &Path) -> Result<()> {
    let Ok(meta) = target.symlink_metadata() else {
        return Ok(std::fs::create_dir(target).at("write", target)?);
    };
    if meta.is_symlink() {
        match target.canonicalize() {
            Ok(real) if real.starts_with(dest) && real.is_dir() => return Ok(()),
            Ok(real) if real.is_dir() => eyre::bail!(
                "cannot write `{}`: it is a link to `{}`, outside of `{}`; remove the link or export with wipe",
                target.display(),
                real.display(),
                dest.display()
            ),
            _ => {}
        }
    }
    if !meta.is_dir() {
        std::fs::remove_file(target).at("replace", target)?;
        std::fs::create_dir(target).at("write", target)?;
    }
    Ok(())
}

/// A directory in the place of a file goes away.
fn clear_directory(target: &Path) -> Result<()> {
    if target.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
        remove(target).at("replace", target)?;
    }
    Ok(())
}

/// Writes beside `dest`, then renames: a reader sees the old file or the new one.
fn export_file(from: &Path, meta: &Metadata, dest: &Path, exports: &Exports) -> io::Result<()> {
    let mut temp = exports.beside(dest)?;
    io::copy(&mut std::fs::File::open(from)?, temp.as_file_mut())?;
    chmod(temp.path(), meta.mode() & 0o1777)?;
    set_time(temp.path(), meta)?;
    temp.persist(dest)?;
    Ok(())
}

/// Gives a file, or a link itself, the modification time of another.
pub(in crate::store) fn set_time(path: &Path, meta: &Metadata) -> io::Result<()> {
    let time = Timespec {
        tv_sec: meta.mtime(),
        tv_nsec: meta.mtime_nsec(),
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(())
}
