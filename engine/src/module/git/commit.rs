//! The files of a commit.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use eyre::{Result, WrapErr};

use super::Reference;
use crate::graph::Engine;
use crate::graph::git::{Auth, git};
use crate::store::Hasher;

/// Whether a directory is one of [`checkout`].
pub fn is_checkout(engine: &Engine, dir: &Path) -> bool {
    let root = engine.store.checkouts();
    dir.starts_with(std::fs::canonicalize(&root).unwrap_or(root))
}

/// Directory with all files of a commit, kept in the store: got once.
pub async fn checkout(
    engine: &Arc<Engine>,
    reference: &Reference,
    commit: &str,
) -> Result<PathBuf> {
    let url = reference.url();
    let key = Hasher::new("module-git-1").with(&url).with(commit).digest();
    let dir = engine.store.checkouts().join(&key.hex()[..32]);
    if engine.store.mark_used(&dir) {
        return Ok(dir);
    }
    let _lock = engine
        .store
        .lock(&format!("git-module-{}", key.hex()))
        .await?;
    if dir.exists() {
        return Ok(dir);
    }
    let span = engine.progress.start(format!("git fetch {url}"));
    let temp = engine.store.temp_dir()?;
    let work = temp.path().join("clone");
    fetch(&url, commit, &work).await?;
    git(
        &["checkout", "-q", "--detach", commit],
        Some(&work),
        &Auth::default(),
    )
    .await?;
    if let Some(parent) = dir.parent() {
        std::fs::create_dir_all(parent)
            .wrap_err_with(|| format!("cannot make `{}`", parent.display()))?;
    }
    std::fs::rename(&work, &dir).wrap_err_with(|| format!("cannot keep `{}`", dir.display()))?;
    span.finish();
    Ok(dir)
}

/// Files of a commit, given by their paths in the repository; none for those
/// that are not there. Nothing is kept.
pub async fn read(
    reference: &Reference,
    commit: &str,
    paths: &[String],
) -> Result<Vec<Option<String>>> {
    let temp = tempfile::tempdir().wrap_err("cannot make a temporary directory")?;
    let work = temp.path().join("clone");
    fetch(&reference.url(), commit, &work).await?;
    let mut files = Vec::new();
    for path in paths {
        let name = format!("{commit}:{path}");
        let there = git(&["cat-file", "-e", &name], Some(&work), &Auth::default()).await;
        files.push(match there {
            Ok(_) => Some(git(&["cat-file", "blob", &name], Some(&work), &Auth::default()).await?),
            Err(_) => None,
        });
    }
    Ok(files)
}

/// All files of a commit, in a directory that goes when it is dropped.
pub async fn lay_out(reference: &Reference, commit: &str) -> Result<tempfile::TempDir> {
    let temp = tempfile::tempdir().wrap_err("cannot make a temporary directory")?;
    let auth = Auth::default();
    fetch(&reference.url(), commit, temp.path()).await?;
    let checkout = ["checkout", "-q", "--detach", commit];
    git(&checkout, Some(temp.path()), &auth).await?;
    Ok(temp)
}

/// Makes a repository in `dir` that has the commit.
async fn fetch(url: &str, commit: &str, dir: &Path) -> Result<()> {
    let auth = Auth::default();
    let failed = || format!("cannot get module from `{url}`");
    let path = dir.to_string_lossy().into_owned();
    git(&["init", "-q", "--", &path], None, &auth).await?;
    let only = ["fetch", "-q", "--depth=1", "--no-tags", "--", url, commit];
    let Err(error) = git(&only, Some(dir), &auth).await else {
        return Ok(());
    };
    // Not every server gives out a commit by its id, or without its history.
    let said = error.to_string();
    let refused = ["not our ref", "unadvertised object", "shallow"];
    if !refused.iter().any(|words| said.contains(words)) {
        return Err(error).wrap_err_with(failed);
    }
    let all = ["fetch", "-q", "--", url, "+refs/*:refs/fetched/*"];
    git(&all, Some(dir), &auth).await.wrap_err_with(failed)?;
    let there = format!("{commit}^{{commit}}");
    git(&["cat-file", "-e", &there], Some(dir), &auth)
        .await
        .map(drop)
        .map_err(|_| eyre::eyre!("repository `{url}` has no commit `{commit}` any more"))
}
