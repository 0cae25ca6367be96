//! Looking at files.

use std::fs::Metadata;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use eyre::Result;
use rustix::fs::OFlags;

use super::resolve::{clean, shown};
use super::{Kind, Stat, Tree};
use crate::store::error::{Cause, PathContext, PathError};
use crate::store::filter::Filter;
use crate::store::pattern::Pattern;
use crate::store::walk::walk;

impl Tree {
    /// Names in a directory, sorted; those of directories end in `/`.
    pub fn entries(&self, path: &str) -> Result<Vec<String>> {
        let dir = self.resolve_dir(path)?;
        let entries = std::fs::read_dir(dir).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut entries = entries.at("list", path)?;
        entries.sort_by_cached_key(std::fs::DirEntry::file_name);
        let name = |entry: std::fs::DirEntry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                name + "/"
            } else {
                name
            }
        };
        Ok(entries.into_iter().map(name).collect())
    }

    /// Paths (relative to `path`) that match, in order; those of directories end in `/`.
    pub fn glob(&self, path: &str, pattern: &str) -> Result<Vec<String>> {
        let dir = self.resolve_dir(path)?;
        let Some(pattern) = Pattern::parse(pattern)? else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        walk(&dir, &Filter::default(), |path, meta| {
            if pattern.matches(&path.to_string_lossy()) {
                found.push(listed(path, meta.is_dir()));
            }
            Ok(())
        })?;
        Ok(found)
    }

    pub fn read(&self, path: &str) -> Result<Vec<u8>> {
        self.require_file(path)?;
        let file = self
            .open(&clean(path), OFlags::RDONLY | OFlags::NONBLOCK)
            .at("read", path)?;
        let mut contents = Vec::new();
        std::fs::File::from(file)
            .read_to_end(&mut contents)
            .at("read", path)?;
        Ok(contents)
    }

    /// Nothing when there is no such file. `follow`: a link's target counts.
    pub fn stat(&self, path: &str, follow: bool) -> Result<Option<Stat>> {
        match self.metadata(path, follow) {
            Ok(meta) => Ok(Some(Stat::of(&meta))),
            // A path through a file leads nowhere.
            Err(PathError {
                cause: Cause::Missing | Cause::IsFile,
                ..
            }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Where a link points to, unresolved.
    pub fn read_link(&self, path: &str) -> Result<String> {
        let (parent, name) = self.resolve_parent(path)?;
        let target = std::fs::read_link(parent.join(name)).at("read link", path)?;
        Ok(target.to_string_lossy().into_owned())
    }

    /// Refuses what is not a directory.
    pub fn require_dir(&self, path: &str) -> Result<(), PathError> {
        self.resolve_dir(path).map(drop)
    }

    /// Refuses what is not a regular file.
    pub fn require_file(&self, path: &str) -> Result<(), PathError> {
        let error = |cause| {
            let path = shown(Path::new(path)).display().to_string();
            Err(PathError {
                action: "read",
                path,
                cause,
            })
        };
        match Stat::of(&self.metadata(path, true)?).kind {
            Kind::Regular => Ok(()),
            Kind::Directory => error(Cause::IsDirectory),
            _ => error(Cause::System(std::io::Error::other(
                "it is not a regular file",
            ))),
        }
    }

    pub(super) fn metadata(&self, path: &str, follow: bool) -> Result<Metadata, PathError> {
        if follow {
            return self.resolve(path)?.metadata().at("read", path);
        }
        let (parent, name) = self.resolve_parent(path)?;
        parent.join(name).symlink_metadata().at("read", path)
    }
}

impl Stat {
    pub(crate) fn of(meta: &Metadata) -> Self {
        Self {
            kind: Kind::of(meta),
            size: meta.len(),
            mode: meta.permissions().mode() & 0o7777,
            uid: meta.uid(),
            gid: meta.gid(),
        }
    }
}

impl Kind {
    pub(crate) fn of(meta: &Metadata) -> Self {
        match meta.file_type() {
            kind if kind.is_file() => Self::Regular,
            kind if kind.is_dir() => Self::Directory,
            kind if kind.is_symlink() => Self::Symlink,
            _ => Self::Other,
        }
    }
}

/// A path as in lists.
pub(super) fn listed(path: &Path, is_dir: bool) -> String {
    let text = path.to_string_lossy().into_owned();
    if is_dir { text + "/" } else { text }
}
