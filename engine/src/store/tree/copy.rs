//! Bringing files from another tree.

use std::collections::HashMap;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use eyre::Result;

use super::file::{self, Attributes};
use super::{Owner, Tree, clean};
use crate::store::error::{Cause, PathContext, PathError};
use crate::store::filter::Filter;
use crate::store::walk::walk;

impl Tree {
    /// Merges the directory `from` of another tree into `to`. Files replace
    /// files; `owner` and `mode` replace those of everything copied. A file at
    /// `to` is replaced by the directory; a link to a directory is followed.
    pub fn copy_dir(
        &self,
        source: &Tree,
        from: &str,
        to: &str,
        filter: &Filter,
        owner: Option<Owner>,
        mode: Option<u32>,
    ) -> Result<()> {
        let from = source.resolve_dir(from)?;
        let mut copy = Copy::new(source, self, Attributes { owner, mode })?;
        let (to, made) = self.directory_at(to)?;
        let mut dirs = Vec::new();
        if made {
            dirs.push((from.clone(), from.metadata().at("read", &from)?, to.clone()));
        }
        // Where directories of the source went, when a link led elsewhere.
        let mut moved: HashMap<PathBuf, PathBuf> = HashMap::new();
        walk(&from, filter, |path, meta| {
            let parent = path.parent().unwrap_or(Path::new(""));
            let parent = moved
                .get(parent)
                .cloned()
                .unwrap_or_else(|| to.join(parent));
            let target = parent.join(path.file_name().unwrap_or_default());
            if meta.is_dir() {
                let dir = copy.directory(&target)?;
                if dir != target || moved.contains_key(path.parent().unwrap_or(Path::new(""))) {
                    moved.insert(path.to_owned(), dir.clone());
                }
                dirs.push((from.join(path), meta.clone(), dir));
            } else {
                copy.file(&from.join(path), meta, &target)?;
            }
            Ok(())
        })?;
        // Afterwards, for writing into a directory changes its time.
        for (from, meta, to) in dirs.iter().rev() {
            copy.attributes
                .copy(from, meta, to)
                .at("write", self.shown(to))?;
        }
        Ok(())
    }

    /// Copies the file `from` of another tree to exactly `to`. A link at `from`
    /// is followed, one at `to` replaced.
    pub fn copy_file(
        &self,
        source: &Tree,
        from: &str,
        to: &str,
        owner: Option<Owner>,
        mode: Option<u32>,
    ) -> Result<()> {
        source.require_file(from)?;
        let from = source.resolve(from)?;
        let place = clean(to);
        let name = place.file_name().unwrap_or_default();
        let target = self
            .make_dirs(place.parent().unwrap_or(Path::new("")))?
            .join(name);
        if target.is_dir() {
            let cause = Cause::IsDirectory;
            return Err(PathError {
                action: "write",
                path: to.to_owned(),
                cause,
            }
            .into());
        }
        let meta = from.metadata().at("read", &from)?;
        Copy::new(source, self, Attributes { owner, mode })?.file(&from, &meta, &target)
    }

    /// The directory `path`, and whether it was made.
    fn directory_at(&self, path: &str) -> Result<(PathBuf, bool)> {
        match self.resolve_dir(path) {
            Ok(dir) => return Ok((dir, false)),
            Err(PathError {
                cause: Cause::IsFile,
                ..
            }) => {
                let (parent, name) = self.place(path)?;
                std::fs::remove_file(parent.join(name)).at("replace", path)?;
            }
            Err(error) if error.is_missing() => {}
            Err(error) => return Err(error.into()),
        }
        Ok((self.make_dirs(path)?, true))
    }
}

/// A copy under way.
struct Copy<'a> {
    target: &'a Tree,
    source_root: PathBuf,
    target_root: PathBuf,
    layers: &'a [PathBuf],
    attributes: Attributes,
    /// First copies of files that have more names, by device and inode.
    names: HashMap<(u64, u64), PathBuf>,
}

impl<'a> Copy<'a> {
    fn new(source: &'a Tree, target: &'a Tree, attributes: Attributes) -> Result<Self> {
        Ok(Self {
            target,
            source_root: source.resolve_dir("")?,
            target_root: target.resolve_dir("")?,
            layers: if target.linked { &source.layers } else { &[] },
            attributes,
            names: HashMap::new(),
        })
    }

    /// Makes sure of a directory at `target`. Where a link to a directory of the
    /// tree is, that directory, so that `/lib` may be a link to `/usr/lib`.
    fn directory(&self, target: &Path) -> Result<PathBuf> {
        let error = match std::fs::create_dir(target) {
            Ok(()) => return Ok(target.to_owned()),
            Err(error) => error,
        };
        if error.kind() == io::ErrorKind::AlreadyExists {
            let relative = target.strip_prefix(&self.target_root).unwrap_or(target);
            if let Ok(dir) = self.target.resolve_dir(relative) {
                return Ok(dir);
            }
            std::fs::remove_file(target).at("replace", relative)?;
            std::fs::create_dir(target).at("write", relative)?;
            return Ok(target.to_owned());
        }
        Err(PathError::new("write", self.target.shown(target), error).into())
    }

    fn file(&mut self, from: &Path, meta: &Metadata, target: &Path) -> Result<()> {
        let shown = || target.strip_prefix(&self.target_root).unwrap_or(target);
        file::remove(target).at("replace", shown())?;
        if self.link_from_layer(from, meta, target) {
            return Ok(());
        }
        let many = meta.is_file() && meta.nlink() > 1;
        let id = (meta.dev(), meta.ino());
        if many
            && let Some(first) = self.names.get(&id)
            && std::fs::hard_link(first, target).is_ok()
        {
            return Ok(());
        }
        file::copy(from, meta, target, self.attributes).at("copy", shown())?;
        if many {
            self.names.insert(id, target.to_owned());
        }
        Ok(())
    }

    /// Links the file out of the topmost layer that has it.
    fn link_from_layer(&self, from: &Path, meta: &Metadata, target: &Path) -> bool {
        if self.layers.is_empty() || !meta.is_file() || self.attributes.change(meta) {
            return false;
        }
        let Ok(path) = from.strip_prefix(&self.source_root) else {
            return false;
        };
        for layer in self.layers.iter().rev() {
            match std::fs::hard_link(layer.join(path), target) {
                Ok(()) => return true,
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                    ) => {}
                // Too many links, or another file system: copy.
                Err(_) => return false,
            }
        }
        false
    }
}
