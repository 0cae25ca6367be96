//! Changing files.

use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use eyre::Result;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_OMIT};

use super::file::{remove, unshare};
use super::resolve::{chmod, clean, shown};
use super::{Kind, Owner, Stat, Tree};
use crate::store::error::{Cause, PathContext, PathError};
use crate::store::filter::Filter;
use crate::store::pattern::Pattern;
use crate::store::walk::walk;

impl Tree {
    /// Makes or replaces a file, and missing parents (mode 0755). A link at
    /// `path` is followed. Without `owner` it is root's.
    pub fn write(
        &self,
        path: &str,
        contents: &[u8],
        mode: u32,
        owner: Option<Owner>,
    ) -> Result<()> {
        let (parent, name) = self.place(path)?;
        let file = parent.join(name);
        // A new file, for the old one's data may be another snapshot's as well.
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(if file.is_dir() {
                    PathError {
                        action: "write",
                        path: path.to_owned(),
                        cause: Cause::IsDirectory,
                    }
                } else {
                    PathError::new("write", path, error)
                }
                .into());
            }
            _ => {}
        }
        let open = std::fs::File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&file);
        let mut open = open.at("write", path)?;
        open.write_all(contents).at("write", path)?;
        let owner = owner.unwrap_or(Owner { uid: 0, gid: 0 });
        lchown(&file, Some(owner.uid), Some(owner.gid)).at("write", path)?;
        Ok(chmod(&file, mode).at("write", path)?)
    }

    /// Makes a directory, and missing parents; fine when it is there.
    pub fn make_dir(&self, path: &str, mode: u32, owner: Option<Owner>) -> Result<()> {
        match self.resolve_dir(path) {
            Err(error) if error.is_missing() => {}
            found => return Ok(found.map(drop)?),
        }
        let dir = self.make_dirs(path)?;
        if let Some(owner) = owner {
            lchown(&dir, Some(owner.uid), Some(owner.gid)).at("write", path)?;
        }
        Ok(chmod(&dir, mode).at("write", path)?)
    }

    /// Makes a link, and missing parents. It replaces a file or link, not a directory.
    pub fn symlink(&self, target: &str, path: &str) -> Result<()> {
        let clean = clean(path);
        let (Some(name), Some(parent)) = (clean.file_name(), clean.parent()) else {
            return Err(PathError {
                action: "write",
                path: "/".to_owned(),
                cause: Cause::IsDirectory,
            }
            .into());
        };
        let link = self.make_dirs(parent)?.join(name);
        match std::fs::remove_file(&link) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(PathError::new("write", path, error).into())
            }
            _ => Ok(symlink(target, link).at("write", path)?),
        }
    }

    /// Removes what matches the path or pattern; fine when nothing does.
    pub fn remove(&self, pattern: &str) -> Result<()> {
        if clean(pattern).as_os_str().is_empty() {
            for name in self.entries("")? {
                self.remove_entry(name.trim_end_matches('/'))?;
            }
            return Ok(());
        }
        if self.remove_entry(pattern)? {
            return Ok(());
        }
        let Some(parsed) = Pattern::parse(pattern)? else {
            return Ok(());
        };
        if parsed.literal().is_none() {
            for path in self.glob("", pattern)? {
                self.remove_entry(path.trim_end_matches('/'))?;
            }
        }
        Ok(())
    }

    /// Whether there was something to remove.
    fn remove_entry(&self, path: &str) -> Result<bool> {
        match self.resolve_parent(path) {
            Ok((parent, name)) => Ok(remove(&parent.join(name)).at("remove", path)?),
            Err(PathError {
                cause: Cause::Missing | Cause::IsFile,
                ..
            }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Sets the modification time of everything below `path` (seconds since 1970).
    pub fn set_times(&self, path: &str, seconds: i64) -> Result<()> {
        let time = Timespec {
            tv_sec: seconds,
            tv_nsec: 0,
        };
        let access = Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        };
        let times = Timestamps {
            last_access: access,
            last_modification: time,
        };
        self.each(path, |file| {
            rustix::fs::utimensat(CWD, file, &times, AtFlags::SYMLINK_NOFOLLOW)?;
            Ok(())
        })
    }

    /// Gives `path` and everything below to `owner`.
    pub fn chown(&self, path: &str, owner: Owner) -> Result<()> {
        self.each(path, |file| set_owner(file, owner))
    }

    /// Sets the permission bits of `path` itself; a link is followed.
    pub fn chmod(&self, path: &str, mode: u32) -> Result<()> {
        let file = self.resolve(path)?;
        self.own(&file).at("write", path)?;
        Ok(chmod(&file, mode).at("write", path)?)
    }

    /// Changes `path` and everything below, the directories after their files.
    fn each(&self, path: &str, change: impl Fn(&Path) -> std::io::Result<()>) -> Result<()> {
        let top = self.resolve(path)?;
        let mut files = vec![top.clone()];
        if top.is_dir() {
            walk(&top, &Filter::default(), |path, _| {
                files.push(top.join(path));
                Ok(())
            })?;
        }
        for file in files.iter().rev() {
            self.own(file)
                .and_then(|()| change(file))
                .at("change", self.shown(file))?;
        }
        Ok(())
    }

    /// Makes sure that the file's data and attributes are no other snapshot's.
    fn own(&self, file: &Path) -> std::io::Result<()> {
        if self.linked { unshare(file) } else { Ok(()) }
    }

    /// A path of the host as a path of the tree.
    pub(super) fn shown(&self, host: &Path) -> PathBuf {
        let root = self.resolve_dir("").unwrap_or_default();
        shown(host.strip_prefix(root).unwrap_or(host)).to_owned()
    }
}

/// Changes the owner and nothing else: the system takes away set-id bits.
pub(super) fn set_owner(file: &Path, owner: Owner) -> std::io::Result<()> {
    let stat = Stat::of(&file.symlink_metadata()?);
    if (stat.uid, stat.gid) == (owner.uid, owner.gid) {
        return Ok(());
    }
    lchown(file, Some(owner.uid), Some(owner.gid))?;
    if stat.kind != Kind::Symlink && stat.mode & 0o6000 != 0 {
        chmod(file, stat.mode)?;
    }
    Ok(())
}
