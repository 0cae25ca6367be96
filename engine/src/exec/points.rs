//! Mount points that a root file system lacks: made before a container starts,
//! removed when it has ended, so that they do not become part of the image.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, Timespec, Timestamps};

use super::inside;

/// What a mount point has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Directory,
    File,
}

/// Mount points made. Dropping removes them, unless something was put there.
#[derive(Default)]
pub(super) struct MountPoints(Vec<Made>);

struct Made {
    /// Held, as the path may lead elsewhere after the command has run.
    parent: OwnedFd,
    name: OsString,
    kind: Kind,
    /// Times of the parent before, and its change time stamp afterwards.
    before: Timestamps,
    after: Timespec,
}

impl MountPoints {
    /// Makes `target` and the directories above it inside of `root`.
    pub(super) fn ensure(&mut self, root: &Path, target: &Path, kind: Kind) -> io::Result<()> {
        let path = inside::resolve(root, target)?;
        let mut names = path.iter().peekable();
        let mut parent = root.to_owned();
        while let Some(name) = names.next() {
            let kind = if names.peek().is_some() {
                Kind::Directory
            } else {
                kind
            };
            let path = parent.join(name);
            match path.symlink_metadata() {
                Ok(found) if found.is_dir() == (kind == Kind::Directory) => {}
                Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
                Ok(_) => return Err(io::ErrorKind::NotADirectory.into()),
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    self.0.push(Made::new(&parent, name.to_owned(), kind)?);
                }
                Err(e) => return Err(e),
            }
            parent = path;
        }
        Ok(())
    }
}

impl Made {
    fn new(parent: &Path, name: OsString, kind: Kind) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let parent = rustix::fs::open(parent, flags, Mode::empty())?;
        let before = times(&parent)?;
        match kind {
            Kind::Directory => rustix::fs::mkdirat(&parent, &name, 0o755.into())?,
            Kind::File => {
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
                rustix::fs::openat(&parent, &name, flags, 0o644.into())?;
            }
        }
        let after = times(&parent)?.last_modification;
        Ok(Self {
            parent,
            name,
            kind,
            before,
            after,
        })
    }

    fn remove(&self) -> io::Result<()> {
        let untouched = times(&self.parent)?.last_modification == self.after;
        match self.kind {
            // Refused if something is in it.
            Kind::Directory => {
                rustix::fs::unlinkat(&self.parent, &self.name, AtFlags::REMOVEDIR)?;
            }
            Kind::File => {
                let flags = AtFlags::SYMLINK_NOFOLLOW;
                let stat = rustix::fs::statat(&self.parent, &self.name, flags)?;
                let regular = stat.st_mode & libc::S_IFMT == libc::S_IFREG;
                if regular && stat.st_size == 0 {
                    rustix::fs::unlinkat(&self.parent, &self.name, AtFlags::empty())?;
                }
            }
        }
        if untouched {
            rustix::fs::futimens(&self.parent, &self.before)?;
        }
        Ok(())
    }
}

impl Drop for MountPoints {
    fn drop(&mut self) {
        while let Some(made) = self.0.pop() {
            // What was put there by the command belongs to the result.
            let _ = made.remove();
        }
    }
}

fn times(directory: &OwnedFd) -> io::Result<Timestamps> {
    let stat = rustix::fs::fstat(directory)?;
    let time = |tv_sec, tv_nsec: u64| Timespec {
        tv_sec,
        tv_nsec: tv_nsec as _,
    };
    Ok(Timestamps {
        last_access: time(stat.st_atime as _, stat.st_atime_nsec as _),
        last_modification: time(stat.st_mtime as _, stat.st_mtime_nsec as _),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_is_removed_and_times_are_as_before() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        std::fs::create_dir(root.join("etc")).unwrap();
        let before = root.join("etc").metadata().unwrap().modified().unwrap();
        let mut points = MountPoints::default();
        points
            .ensure(root, Path::new("/etc/a/b/c.conf"), Kind::File)
            .unwrap();
        points
            .ensure(root, Path::new("/etc/a/d"), Kind::Directory)
            .unwrap();
        points
            .ensure(root, Path::new("/etc"), Kind::Directory)
            .unwrap();
        assert!(root.join("etc/a/b/c.conf").is_file());
        assert!(root.join("etc/a/d").is_dir());
        drop(points);
        assert_eq!(root.join("etc").read_dir().unwrap().count(), 0);
        assert_eq!(
            root.join("etc").metadata().unwrap().modified().unwrap(),
            before
        );
    }

    #[test]
    fn what_a_command_put_beside_a_mount_point_stays() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let mut points = MountPoints::default();
        points
            .ensure(root, Path::new("/mnt/d"), Kind::Directory)
            .unwrap();
        points.ensure(root, Path::new("/file"), Kind::File).unwrap();
        std::fs::write(root.join("mnt/made"), "x").unwrap();
        std::fs::write(root.join("file"), "now mine").unwrap();
        drop(points);
        assert!(!root.join("mnt/d").exists());
        assert!(root.join("mnt/made").exists());
        assert!(root.join("file").exists());
    }

    #[test]
    fn removal_does_not_follow_a_link_that_a_command_has_made() {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = dir.path();
        std::fs::create_dir(root.join("mnt")).unwrap();
        std::fs::create_dir(other.path().join("d")).unwrap();
        let mut points = MountPoints::default();
        points
            .ensure(root, Path::new("/mnt/d"), Kind::Directory)
            .unwrap();
        std::fs::rename(root.join("mnt"), root.join("moved")).unwrap();
        std::os::unix::fs::symlink(other.path(), root.join("mnt")).unwrap();
        drop(points);
        assert!(other.path().join("d").exists());
        assert!(!root.join("moved/d").exists());
    }

    #[test]
    fn a_directory_where_a_file_is_wanted_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("d")).unwrap();
        let mut points = MountPoints::default();
        assert!(
            points
                .ensure(dir.path(), Path::new("/d"), Kind::File)
                .is_err()
        );
    }
}
