//! From paths of a tree to paths of the host.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use eyre::Result;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::Tree;
use crate::store::error::{Cause, PathContext, PathError};

/// Links in a path, at most, as in the kernel.
const MAX_LINKS: u32 = 40;

/// The path relative to the root: no `.`, no empty name, and `..` takes a name
/// back as long as there is one. The root itself is empty.
pub(crate) fn clean(path: impl AsRef<Path>) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in path.as_ref().components() {
        match component {
            Component::Normal(name) => clean.push(name),
            Component::ParentDir => {
                clean.pop();
            }
            _ => {}
        }
    }
    clean
}

impl Tree {
    /// Where `path` is on the host, links resolved inside of the root. The last
    /// component need not exist. For reading, and for handing to other programs:
    /// a file may share its data with other snapshots, so never write into one
    /// that is there.
    pub fn host_path(&self, path: &str) -> Result<PathBuf> {
        match self.resolve(path) {
            Err(error) if error.is_missing() => {
                let (parent, name) = self.resolve_parent(path)?;
                Ok(parent.join(name))
            }
            found => Ok(found?),
        }
    }

    /// Where `path` is on the host; the last link is followed too.
    pub(crate) fn resolve(&self, path: impl AsRef<Path>) -> Result<PathBuf, PathError> {
        let path = clean(path);
        self.open(&path, OFlags::PATH)
            .and_then(|fd| host_path(&fd))
            .at("read", shown(&path))
    }

    /// As [`Tree::resolve`], for a directory.
    pub(crate) fn resolve_dir(&self, path: impl AsRef<Path>) -> Result<PathBuf, PathError> {
        let path = clean(path);
        self.open(&path, OFlags::PATH | OFlags::DIRECTORY)
            .and_then(|fd| host_path(&fd))
            .at("read", shown(&path))
    }

    /// Where the entry `path` itself is, which may be a link or missing: its
    /// directory and its name. The root has the name `.`.
    pub(super) fn resolve_parent(
        &self,
        path: impl AsRef<Path>,
    ) -> Result<(PathBuf, OsString), PathError> {
        let path = clean(path);
        let Some(name) = path.file_name() else {
            return Ok((self.resolve_dir("")?, OsString::from(".")));
        };
        let parent = path.parent().unwrap_or(Path::new(""));
        let parent = self
            .open(parent, OFlags::PATH | OFlags::DIRECTORY)
            .and_then(|fd| host_path(&fd))
            .at("read", shown(&path))?;
        Ok((parent, name.to_owned()))
    }

    /// As [`Tree::resolve_parent`] for a path to write to: a link at its end is
    /// followed, missing directories are made.
    pub(super) fn place(&self, path: impl AsRef<Path>) -> Result<(PathBuf, OsString), PathError> {
        let shown_path = clean(&path);
        let mut path = shown_path.clone();
        for _ in 0..MAX_LINKS {
            let Some(name) = path.file_name() else {
                return Err(PathError {
                    action: "write",
                    path: shown(&shown_path).display().to_string(),
                    cause: Cause::IsDirectory,
                });
            };
            let parent = self.make_dirs(path.parent().unwrap_or(Path::new("")))?;
            match std::fs::read_link(parent.join(name)) {
                Ok(target) => path = self.below(&parent, &target)?,
                Err(_) => return Ok((parent, name.to_owned())),
            }
        }
        Err(PathError::new("write", shown_path, Errno::LOOP))
    }

    /// The directory `path`, made with its parents (mode 0755) where missing.
    pub(super) fn make_dirs(&self, path: impl AsRef<Path>) -> Result<PathBuf, PathError> {
        self.make_dirs_within(&clean(path), MAX_LINKS)
    }

    fn make_dirs_within(&self, path: &Path, links: u32) -> Result<PathBuf, PathError> {
        match self.resolve_dir(path) {
            Err(error) if error.is_missing() => {}
            found => return found,
        }
        let (Some(name), Some(parent)) = (path.file_name(), path.parent()) else {
            return Err(PathError::new("write", path, Errno::NOENT));
        };
        let parent = self.make_dirs_within(parent, links)?;
        let dir = parent.join(name);
        match std::fs::create_dir(&dir) {
            Ok(()) => {
                // Whatever the umask is.
                chmod(&dir, 0o755).at("write", path)?;
                Ok(dir)
            }
            // A link to what is not there yet.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && links > 0 => {
                let target = std::fs::read_link(&dir).at("write", path)?;
                self.make_dirs_within(&self.below(&parent, &target)?, links - 1)
            }
            Err(error) => Err(PathError::new("write", path, error)),
        }
    }

    /// The path of a link's target; the link is in the host's directory `parent`.
    fn below(&self, parent: &Path, target: &Path) -> Result<PathBuf, PathError> {
        if target.is_absolute() {
            return Ok(clean(target));
        }
        let root = self.resolve_dir("")?;
        Ok(clean(
            parent
                .strip_prefix(&root)
                .unwrap_or(Path::new(""))
                .join(target),
        ))
    }

    pub(super) fn open(&self, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        let root = rustix::fs::openat(
            CWD,
            &self.root,
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        let path = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        // The kernel gives up when directories move elsewhere at the same time.
        for _ in 0..100 {
            match rustix::fs::openat2(&root, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve)
            {
                Err(Errno::AGAIN | Errno::INTR) => {}
                result => return Ok(result?),
            }
        }
        Err(Errno::AGAIN.into())
    }
}

/// Sets the permission bits of a file or directory.
pub(super) fn chmod(path: &Path, mode: u32) -> io::Result<()> {
    std::fs::set_permissions(
        path,
        std::os::unix::fs::PermissionsExt::from_mode(mode & 0o7777),
    )
}

/// A path as users write it.
pub(super) fn shown(path: &Path) -> &Path {
    if path.as_os_str().is_empty() {
        Path::new("/")
    } else {
        path
    }
}

fn host_path(fd: &OwnedFd) -> io::Result<PathBuf> {
    std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd()))
}
