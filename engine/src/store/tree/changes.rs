//! How two directories differ.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use eyre::Result;

use super::file::xattrs;
use super::read::listed;
use super::{Kind, Stat, Tree, contents_of};
use crate::store::error::PathContext;
use crate::store::filter::Filter;
use crate::store::walk::walk;

/// How two directories differ. Paths of directories end in `/`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub added: Vec<String>,
    pub modified: Vec<String>,
    pub removed: Vec<String>,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.modified.is_empty() && self.removed.is_empty()
    }
}

impl Tree {
    /// Paths that differ: (added, modified, removed) from `before` to `self`,
    /// sorted; those of directories end in `/`; what is below an added or
    /// removed directory is listed too. A directory with another mode only is
    /// not listed. What is of another kind is removed and added, except that a
    /// file for a link, or the other way round, is modified.
    pub fn changes(&self, path: &str, before: &Tree, before_path: &str) -> Result<Changes> {
        let (now_dir, before_dir) = (self.resolve_dir(path)?, before.resolve_dir(before_path)?);
        let now = list(&now_dir)?;
        let mut old = list(&before_dir)?;
        let mut changes = Changes::default();
        let mut undecided = Vec::new();
        for (path, meta) in &now {
            match old.remove(path) {
                None => changes.added.push(listed(path, meta.is_dir())),
                Some(was) if was.is_dir() != meta.is_dir() => {
                    changes.removed.push(listed(path, was.is_dir()));
                    changes.added.push(listed(path, meta.is_dir()));
                }
                Some(_) if meta.is_dir() => {}
                Some(was) => match same(&now_dir.join(path), meta, &before_dir.join(path), &was)? {
                    Some(true) => {}
                    Some(false) => changes.modified.push(listed(path, false)),
                    None => undecided.push(path.clone()),
                },
            }
        }
        changes
            .removed
            .extend(old.iter().map(|(path, meta)| listed(path, meta.is_dir())));
        for path in different(&now_dir, &before_dir, undecided)? {
            changes.modified.push(listed(&path, false));
        }
        for list in [
            &mut changes.added,
            &mut changes.modified,
            &mut changes.removed,
        ] {
            list.sort();
        }
        Ok(changes)
    }
}

fn list(dir: &Path) -> Result<BTreeMap<PathBuf, Metadata>> {
    let mut files = BTreeMap::new();
    walk(dir, &Filter::default(), |path, meta| {
        files.insert(path.to_owned(), meta.clone());
        Ok(())
    })?;
    Ok(files)
}

/// Nothing when only the contents can tell.
fn same(now: &Path, meta: &Metadata, before: &Path, was: &Metadata) -> Result<Option<bool>> {
    let (a, b) = (Stat::of(meta), Stat::of(was));
    if a.kind == Kind::Symlink && b.kind == Kind::Symlink {
        let target = |path: &Path| std::fs::read_link(path).at("read", path);
        return Ok(Some(target(now)? == target(before)?));
    }
    if a != b || meta.rdev() != was.rdev() {
        return Ok(Some(false));
    }
    if a.kind != Kind::Regular || (meta.dev(), meta.ino()) == (was.dev(), was.ino()) {
        return Ok(Some(true));
    }
    let own = |path: &Path| xattrs(path).at("read attributes of", path);
    Ok(if own(now)? == own(before)? {
        None
    } else {
        Some(false)
    })
}

/// Those whose contents differ.
fn different(now: &Path, before: &Path, paths: Vec<PathBuf>) -> Result<Vec<PathBuf>> {
    let below = |dir: &Path| paths.iter().map(|path| dir.join(path)).collect::<Vec<_>>();
    let contents = contents_of(&below(now))
        .into_iter()
        .zip(contents_of(&below(before)));
    let mut found = Vec::new();
    for (path, (a, b)) in paths.iter().zip(contents) {
        if a.at("read", path)? != b.at("read", path)? {
            found.push(path.clone());
        }
    }
    Ok(found)
}
