//! One file at a time: copies with everything that belongs to it, links, removes.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, lchown};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, XattrFlags};

use super::resolve::chmod;
use super::{Owner, Stat};

/// What replaces the attributes of a copy.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Attributes {
    pub owner: Option<Owner>,
    pub mode: Option<u32>,
}

impl Attributes {
    /// Whether the copy of a file with these attributes differs in them.
    pub fn change(self, meta: &Metadata) -> bool {
        let stat = Stat::of(meta);
        self.owner
            .is_some_and(|owner| (owner.uid, owner.gid) != (stat.uid, stat.gid))
            || (self.mode.is_some_and(|mode| mode & 0o7777 != stat.mode) && !meta.is_symlink())
    }

    /// Gives `to` the attributes of `from`, except for those set here.
    pub fn copy(self, from: &Path, meta: &Metadata, to: &Path) -> io::Result<()> {
        let owner = self.owner.unwrap_or(Owner {
            uid: meta.uid(),
            gid: meta.gid(),
        });
        lchown(to, Some(owner.uid), Some(owner.gid))?;
        if !meta.is_symlink() {
            chmod(to, self.mode.unwrap_or(meta.mode()))?;
            copy_xattrs(from, to)?;
        }
        let time = |seconds, nanos: i64| Timespec {
            tv_sec: seconds,
            tv_nsec: nanos,
        };
        let times = Timestamps {
            last_access: time(meta.atime(), meta.atime_nsec()),
            last_modification: time(meta.mtime(), meta.mtime_nsec()),
        };
        rustix::fs::utimensat(CWD, to, &times, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(())
    }
}

/// Copies a file of any kind but a directory to `to`, where nothing is.
pub(super) fn copy(
    from: &Path,
    meta: &Metadata,
    to: &Path,
    attributes: Attributes,
) -> io::Result<()> {
    let kind = meta.file_type();
    if kind.is_symlink() {
        std::os::unix::fs::symlink(std::fs::read_link(from)?, to)?;
    } else if kind.is_file() {
        copy_file_data(from, to)?;
    } else if kind.is_socket() {
        // Without its program a socket is of no use.
        return Ok(());
    } else {
        let device = if kind.is_fifo() { 0 } else { meta.rdev() };
        let kind = FileType::from_raw_mode(meta.mode());
        let made = rustix::fs::mknodat(CWD, to, kind, Mode::from_raw_mode(0o600), device);
        if made == Err(rustix::io::Errno::PERM) && crate::rootless::is_nested() {
            // No device can be made for an ordinary user: containers have their own.
            return Ok(());
        }
        made?;
    }
    attributes.copy(from, meta, to)
}

/// Copies contents to a new file with mode 0600. File systems that can share
/// blocks do so.
pub(crate) fn copy_file_data(from: &Path, to: &Path) -> io::Result<File> {
    let mut source = File::open(from)?;
    let mut target = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)?;
    io::copy(&mut source, &mut target)?;
    Ok(target)
}

/// Attributes that belong to a file's content: capabilities and the user's own.
pub(crate) fn xattrs(path: &Path) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut names = [0; 4096];
    let length = match rustix::fs::llistxattr(path, &mut names[..]) {
        Ok(length) => length,
        Err(rustix::io::Errno::OPNOTSUPP) => 0,
        Err(error) => return Err(error.into()),
    };
    let mut found = Vec::new();
    for name in names[..length].split(|byte| *byte == 0) {
        let own = name.starts_with(b"user.") && !name.starts_with(b"user.overlay.");
        if !own && name != b"security.capability" {
            continue;
        }
        let mut value = vec![0; 65536];
        let length = rustix::fs::lgetxattr(path, name, &mut value[..])?;
        value.truncate(length);
        found.push((name.to_vec(), value));
    }
    found.sort();
    Ok(found)
}

fn copy_xattrs(from: &Path, to: &Path) -> io::Result<()> {
    for (name, value) in xattrs(from)? {
        match rustix::fs::lsetxattr(to, &name[..], &value, XattrFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::OPNOTSUPP) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Removes a file or a directory with everything below. Whether there was one.
pub(super) fn remove(path: &Path) -> io::Result<bool> {
    let meta = match path.symlink_metadata() {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if meta.is_dir() {
        std::fs::remove_dir_all(path)?
    } else {
        std::fs::remove_file(path)?
    }
    Ok(true)
}

/// Makes a hard link a file of its own.
pub(super) fn unshare(path: &Path) -> io::Result<()> {
    let meta = path.symlink_metadata()?;
    if meta.is_dir() || meta.nlink() < 2 {
        return Ok(());
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".unshared");
    let copied = path.with_file_name(name);
    copy(path, &meta, &copied, Attributes::default())?;
    std::fs::rename(copied, path)
}
