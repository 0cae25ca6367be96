//! What is in a directory, and writing it to the host.

use std::sync::Arc;

use eyre::{Result, bail};
use serde_json::{Value as Json, json};

use crate::api::resolve::records;
use crate::graph::directory::{base_name, join};
use crate::graph::engine::blocking;
use crate::graph::node::Answer;
use crate::graph::{Args, Directory, Engine};
use crate::store::tree::Kind;

pub async fn exists(
    engine: &Arc<Engine>,
    base: &Directory,
    path: &str,
    args: &Args,
) -> Result<Answer> {
    let at = base.at(path);
    let follow = !args.flag("doNotFollowSymlinks")?;
    let wanted: String = args.text("expectedType")?;
    let found = base
        .fs
        .read(engine, move |tree| tree.stat(&at, follow))
        .await?;
    let fits = found.is_some_and(|stat| match wanted.as_str() {
        "DIRECTORY_TYPE" => stat.kind == Kind::Directory,
        "REGULAR_TYPE" => stat.kind == Kind::Regular,
        "SYMLINK_TYPE" => stat.kind == Kind::Symlink,
        _ => true,
    });
    Ok(fits.into())
}

pub async fn stat(
    engine: &Arc<Engine>,
    base: &Directory,
    path: &str,
    follow: bool,
) -> Result<Answer> {
    let at = base.at(path);
    let name = base_name(&at).to_owned();
    let found = base
        .fs
        .read(engine, move |tree| tree.stat(&at, follow))
        .await?;
    let Some(stat) = found else {
        bail!("`{path}`: no such file or directory")
    };
    let kind = match stat.kind {
        Kind::Regular => "REGULAR",
        Kind::Directory => "DIRECTORY",
        Kind::Symlink => "SYMLINK",
        Kind::Other => "UNKNOWN",
    };
    let record =
        json!({"name": name, "size": stat.size, "permissions": stat.mode, "fileType": kind});
    Ok(Answer::Object("Stat", records::record(record)))
}

pub(super) async fn find_up(
    engine: &Arc<Engine>,
    base: &Directory,
    name: &str,
    start: &str,
) -> Result<Answer> {
    let (base_path, name, start) = (base.path.clone(), name.to_owned(), join("", start));
    let found = base
        .fs
        .read(engine, move |tree| {
            let mut dir = start;
            loop {
                let candidate = join(&dir, &name);
                if tree.stat(&join(&base_path, &candidate), true)?.is_some() {
                    return Ok(Some(candidate));
                }
                if dir.is_empty() {
                    return Ok(None);
                }
                dir = dir
                    .rsplit_once('/')
                    .map(|(parent, _)| parent.to_owned())
                    .unwrap_or_default();
            }
        })
        .await?;
    Ok(found.map(Json::from).unwrap_or_default().into())
}

/// Writes a directory to the host.
pub async fn export(
    engine: &Arc<Engine>,
    this: &Directory,
    dest: &std::path::Path,
    wipe: bool,
) -> Result<()> {
    let snapshot = this.fs.snapshot().await?;
    let span = engine
        .progress
        .start(format!("export to {}", dest.display()));
    let (store, path, dest) = (engine.store.clone(), this.path.clone(), dest.to_owned());
    let write = move || {
        let mount = store.mount(&snapshot)?;
        mount.tree().export(&path, &dest, wipe, store.exports())
    };
    span.end_as(blocking(write).await)
}
