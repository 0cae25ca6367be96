//! Differences of directories: taken, copied, applied.

use std::sync::Arc;

use eyre::{Result, WrapErr};

use crate::api::resolve::changeset;
use crate::graph::directory::join;
use crate::graph::node::Changeset;
use crate::graph::{Directory, Engine};
use crate::store::Hasher;
use crate::store::pattern::escape;
use crate::store::tree::{Kind, Owner, Tree};

/// What `newer` has that `this` lacks or has otherwise.
pub fn diff(engine: &Arc<Engine>, this: &Directory, newer: &Directory) -> Directory {
    let (old_path, new_path) = (this.path.clone(), newer.path.clone());
    let describe = Hasher::new("diff-1").with(&old_path).with(&new_path);
    let sources = vec![this.fs.clone(), newer.fs.clone()];
    Directory::scratch().edit(engine, describe, sources, move |tree, sources| {
        let (old, new) = (&sources[0], &sources[1]);
        let changes = new.changes(&new_path, old, &old_path)?;
        copy_paths(
            tree,
            new,
            &new_path,
            "",
            changes.added.iter().chain(&changes.modified),
        )
    })
}

/// Copies files and directories, given as paths below `from`, to below `to`.
fn copy_paths<'a>(
    tree: &Tree,
    source: &Tree,
    from: &str,
    to: &str,
    mut paths: impl Iterator<Item = &'a String>,
) -> Result<()> {
    paths.try_for_each(|path| transfer(tree, source, &join(from, path), &join(to, path)))
}

/// Copies a file, a link itself, or a directory without what is in it.
pub fn transfer(tree: &Tree, source: &Tree, from: &str, to: &str) -> Result<()> {
    match source.stat(from, false)? {
        Some(stat) if stat.kind == Kind::Directory => {
            let owner = Owner {
                uid: stat.uid,
                gid: stat.gid,
            };
            tree.make_dir(to, stat.mode, Some(owner))
        }
        Some(stat) if stat.kind == Kind::Symlink => tree.symlink(&source.read_link(from)?, to),
        _ => tree.copy_file(source, from, to, None, None),
    }
}

pub fn with_changes(engine: &Arc<Engine>, base: &Directory, changes: &Changeset) -> Directory {
    let Changeset { before, after } = changes.clone();
    let (to, old, new) = (base.path.clone(), before.path, after.path);
    let describe = Hasher::new("apply-1").with(&to).with(&old).with(&new);
    base.edit(
        engine,
        describe,
        vec![before.fs, after.fs],
        move |tree, sources| {
            let changes = sources[1].changes(&new, &sources[0], &old)?;
            // The deepest first, so that directories are empty when it is their turn.
            changes
                .removed
                .iter()
                .rev()
                .try_for_each(|path| tree.remove(&escape(&join(&to, path))))?;
            copy_paths(
                tree,
                &sources[1],
                &new,
                &to,
                changes.added.iter().chain(&changes.modified),
            )
        },
    )
}

pub(super) fn with_patch(engine: &Arc<Engine>, base: &Directory, patch: Vec<u8>) -> Directory {
    let at = base.path.clone();
    let describe = Hasher::new("patch-2").with(&at).with(&patch);
    base.edit(engine, describe, Vec::new(), move |tree, _| {
        // As in a mail: what stands before the first file is no part of it.
        if patch.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let git = changeset::Git::nowhere(&tree.host_path(&at)?);
        git.feed(&["apply", "--allow-empty", "-"], &patch)
            .wrap_err("cannot apply the patch")
            .map(drop)
    })
}
