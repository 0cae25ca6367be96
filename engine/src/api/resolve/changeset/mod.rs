//! The fields of `Changeset`. Differences of lines, and merging, are [`Git`]'s
//! work: [`patch`] compares, [`merge`] joins.

mod git;
mod merge;
mod patch;

use std::sync::Arc;

use eyre::{Result, bail};

use super::directory as dir;
use super::{callers_only, records, unsupported};
use crate::api::client::Client;
use crate::graph::engine::blocking;
use crate::graph::node::{Answer, Changeset};
use crate::graph::{Args, Directory, Engine, File};
use crate::store::tree::{Changes, Tree};
pub use git::Git;

pub async fn resolve(
    client: &Arc<Client>,
    this: &Changeset,
    field: &str,
    args: &Args,
) -> Result<Answer> {
    let engine = client.engine();
    Ok(match field {
        "addedPaths" => changes(engine, this).await?.added.into(),
        "modifiedPaths" => changes(engine, this).await?.modified.into(),
        "removedPaths" => changes(engine, this).await?.removed.into(),
        "isEmpty" => (changes(engine, this).await? == Changes::default()).into(),
        "after" => this.after.clone().into(),
        "before" => this.before.clone().into(),
        "layer" => dir::diff(engine, &this.before, &this.after).into(),
        "asPatch" => {
            let patch = compare(engine, this, |new, new_path, old, old_path| {
                patch::Sides::lay_out(new, new_path, old, old_path)?.patch()
            });
            File::made(engine, "diff.patch", patch.await?, 0o644).into()
        }
        "diffStats" => {
            let stats = compare(engine, this, |new, new_path, old, old_path| {
                patch::Sides::lay_out(new, new_path, old, old_path)?.stats()
            });
            let records = stats.await?.into_iter().map(records::record).collect();
            Answer::Objects("DiffStat", records)
        }
        "withChangeset" => {
            let other = *args.changeset("changes")?;
            merge::two(engine, this, &other, &args.text("onConflict")?).await?
        }
        "withChangesets" => {
            let others = args.nodes("changes")?.into_iter();
            let others = others.map(|node| node.changeset().map(|other| *other));
            let others = others.collect::<Result<Vec<_>>>()?;
            merge::many(engine, this, &others, &args.text("onConflict")?).await?
        }
        "export" => {
            callers_only(client, "Changeset.export")?;
            let dest = engine.host_path(&args.str("path")?);
            let removed = changes(engine, this).await?.removed;
            dir::export(
                engine,
                &dir::diff(engine, &this.before, &this.after),
                &dest,
                false,
            )
            .await?;
            for path in removed.iter().rev() {
                let path = dest.join(path.trim_end_matches('/'));
                // What is gone already, or not empty because of files of the host, stays as it is.
                let is_dir = std::fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir());
                let _ = if is_dir {
                    std::fs::remove_dir(&path)
                } else {
                    std::fs::remove_file(&path)
                };
            }
            dest.to_string_lossy().into_owned().into()
        }
        "sync" => {
            changes(engine, this).await?;
            Answer::This
        }
        _ => unsupported("Changeset", field)?,
    })
}

/// Whether nothing differs.
pub async fn is_empty(engine: &Arc<Engine>, this: &Changeset) -> Result<bool> {
    Ok(changes(engine, this).await? == Changes::default())
}

/// Paths that differ.
pub async fn paths(engine: &Arc<Engine>, this: &Changeset) -> Result<Vec<String>> {
    let Changes {
        added,
        modified,
        removed,
        ..
    } = changes(engine, this).await?;
    let mut paths = [added, modified, removed].concat();
    paths.sort();
    Ok(paths)
}

/// Changes of several put together; no two may concern one file.
pub async fn merged(engine: &Arc<Engine>, all: Vec<(String, Box<Changeset>)>) -> Result<Changeset> {
    let mut owners = std::collections::BTreeMap::<String, String>::new();
    let mut changed = Vec::new();
    for (name, changeset) in all {
        let found = paths(engine, &changeset).await?;
        for path in found.iter().filter(|path| !path.ends_with('/')) {
            if let Some(first) = owners.insert(path.clone(), name.clone()) {
                bail!(
                    "conflict between changesets at path {path:?}: both {first} and {name} change it"
                );
            }
        }
        if !found.is_empty() {
            changed.push(*changeset);
        }
    }
    let Some((first, more)) = changed.split_first() else {
        let (before, after) = (Directory::scratch(), Directory::scratch());
        return Ok(Changeset { before, after });
    };
    // Most have been made from the same files.
    let before = more.iter().fold(first.before.clone(), |all, changes| {
        dir::with_directory(engine, &all, "/", &changes.before, None, None)
    });
    let after = changed.iter().fold(before.clone(), |all, changes| {
        dir::with_changes(engine, &all, changes)
    });
    Ok(Changeset { before, after })
}

async fn changes(engine: &Arc<Engine>, this: &Changeset) -> Result<Changes> {
    compare(engine, this, |new, new_path, old, old_path| {
        new.changes(new_path, old, old_path)
    })
    .await
}

/// Looks at both directories.
async fn compare<T: Send + 'static>(
    engine: &Arc<Engine>,
    this: &Changeset,
    look: impl FnOnce(&Tree, &str, &Tree, &str) -> Result<T> + Send + 'static,
) -> Result<T> {
    let (old, new) = tokio::try_join!(this.before.fs.snapshot(), this.after.fs.snapshot())?;
    let (old_path, new_path) = (this.before.path.clone(), this.after.path.clone());
    let store = engine.store.clone();
    blocking(move || {
        let (old, new) = (store.mount(&old)?, store.mount(&new)?);
        look(&new.tree(), &new_path, &old.tree(), &old_path)
    })
    .await
}
