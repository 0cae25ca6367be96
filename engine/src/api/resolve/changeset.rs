//! The fields of `Changeset`.

use std::sync::Arc;

use eyre::{Result, bail};

use super::directory as dir;
use super::{callers_only, unsupported};
use crate::api::client::Client;
use crate::graph::engine::blocking;
use crate::graph::node::{Answer, Changeset};
use crate::graph::{Args, Directory, Engine, File};
use crate::store::tree::{Changes, Tree};

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
            let patch = compare(engine, this, patch).await?;
            File::made(engine, "diff.patch", patch.into_bytes(), 0o644).into()
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

/// The differences in the unified format.
fn patch(new: &Tree, new_path: &str, old: &Tree, old_path: &str) -> Result<String> {
    use crate::graph::directory::join;
    let changes = new.changes(new_path, old, old_path)?;
    let mut paths: Vec<&String> = changes
        .added
        .iter()
        .chain(&changes.modified)
        .chain(&changes.removed)
        .filter(|p| !p.ends_with('/'))
        .collect();
    paths.sort();
    let mut out = String::new();
    for path in paths {
        let text = |tree: &Tree, base: &str, there: bool| {
            let bytes = if there {
                tree.read(&join(base, path))?
            } else {
                Vec::new()
            };
            Ok::<_, eyre::Report>(String::from_utf8_lossy(&bytes).into_owned())
        };
        let (added, removed) = (changes.added.contains(path), changes.removed.contains(path));
        let (before, after) = (text(old, old_path, !added)?, text(new, new_path, !removed)?);
        let from = if added {
            "/dev/null".to_owned()
        } else {
            format!("a/{path}")
        };
        let to = if removed {
            "/dev/null".to_owned()
        } else {
            format!("b/{path}")
        };
        let options = diffy::DiffOptions::new();
        let hunks = options.create_patch(&before, &after).to_string();
        let hunks = hunks
            .split_once("+++ modified\n")
            .map_or(hunks.as_str(), |(_, hunks)| hunks);
        out.push_str(&format!(
            "diff --git a/{path} b/{path}\n--- {from}\n+++ {to}\n{hunks}"
        ));
    }
    Ok(out)
}
