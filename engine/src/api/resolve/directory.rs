//! The fields of `Directory`, and changes of directories that containers use too.

use std::sync::Arc;

use eyre::{Result, WrapErr, bail, eyre};
use serde_json::{Value as Json, json};

use super::{callers_only, digest, filter, mode, records, search, unsupported};
use crate::api::client::Client;
use crate::graph::directory::{base_name, join};
use crate::graph::engine::blocking;
use crate::graph::node::{Answer, Changeset};
use crate::graph::{Args, Directory, Engine, Failure, File, Fs, Object, git, owner};
use crate::store::Hasher;
use crate::store::pattern::escape;
use crate::store::tree::{Kind, Owner, Tree};

pub async fn resolve(
    client: &Arc<Client>,
    this: &Directory,
    field: &str,
    args: &Args,
) -> Result<Answer> {
    let engine = client.engine();
    let path = || args.str("path");
    Ok(match field {
        "asGit" => {
            let repository = git::Repository::new(git::Source::Directory(this.clone()));
            Answer::Object("GitRepository", Object::GitRepository(repository))
        }
        "changes" => {
            let changes = Changeset {
                before: args.directory("from")?,
                after: this.clone(),
            };
            Answer::Object("Changeset", Object::Changeset(Box::new(changes)))
        }
        "chown" => chown(engine, this, &path()?, numeric(&args.str("owner")?)?).into(),
        "diff" => diff(engine, this, &args.directory("other")?).into(),
        "digest" => digest(this.digest(engine).await?),
        "directory" => this.directory(engine, &path()?).into(),
        "entries" => {
            let at = this.at(&args.text("path")?);
            this.fs
                .read(engine, move |tree| tree.entries(&at))
                .await?
                .into()
        }
        "exists" => exists(engine, this, &path()?, args).await?,
        "export" => {
            callers_only(client, "Directory.export")?;
            let dest = engine.host_path(&path()?);
            export(engine, this, &dest, args.flag("wipe")?).await?;
            dest.to_string_lossy().into_owned().into()
        }
        "file" => this.file(engine, &path()?).into(),
        "filter" => this.filtered(engine, filter(args)?).into(),
        "findUp" => find_up(engine, this, &args.str("name")?, &args.str("start")?).await?,
        "glob" => {
            let (at, pattern) = (this.path.clone(), args.str("pattern")?);
            this.fs
                .read(engine, move |tree| tree.glob(&at, &pattern))
                .await?
                .into()
        }
        "name" => match base_name(&this.path) {
            "" => "/".into(),
            name => format!("{name}/").into(),
        },
        "search" => search::directory(engine, this, args).await?,
        "stat" => stat(engine, this, &path()?, !args.flag("doNotFollowSymlinks")?).await?,
        "sync" => {
            this.fs.snapshot().await?;
            Answer::This
        }
        "asModule" => {
            super::module::of_directory(client, this, &args.text("sourceRootPath")?).await?
        }
        "withChanges" => with_changes(engine, this, &*args.changeset("changes")?).into(),
        "withDirectory" => {
            let source = args.directory("source")?.filtered(engine, filter(args)?);
            let owner = numeric_or_none(&args.text("owner")?)?;
            with_directory(
                engine,
                this,
                &path()?,
                &source,
                owner,
                mode(args, "permissions")?,
            )
            .into()
        }
        "withError" => match args.str("err")?.as_str() {
            "" => this.clone().into(),
            message => Directory {
                fs: Fs::failed(Failure::new(message)),
                path: this.path.clone(),
            }
            .into(),
        },
        "withFile" => {
            let owner = numeric_or_none(&args.text("owner")?)?;
            with_file(
                engine,
                this,
                &path()?,
                &args.file("source")?,
                owner,
                mode(args, "permissions")?,
            )
            .into()
        }
        "withFiles" => {
            let sources = args
                .nodes("sources")?
                .into_iter()
                .map(|node| node.file())
                .collect::<Result<Vec<File>>>()?;
            with_files(
                engine,
                this,
                &path()?,
                &sources,
                None,
                mode(args, "permissions")?,
            )
            .into()
        }
        "withNewDirectory" => {
            let at = this.at(&path()?);
            // 0644 is the default that Dagger declares; a directory needs the search bits.
            let mode = match mode(args, "permissions")?.unwrap_or(0o644) {
                0o644 => 0o755,
                mode => mode,
            };
            let describe = Hasher::new("mkdir-1").with(&at).with(mode.to_le_bytes());
            this.edit(engine, describe, Vec::new(), move |tree, _| {
                tree.make_dir(&at, mode, None)
            })
            .into()
        }
        "withNewFile" => {
            let mode = mode(args, "permissions")?.unwrap_or(0o644);
            with_new_file(
                engine,
                this,
                &path()?,
                args.str("contents")?.into_bytes(),
                mode,
                None,
            )
            .into()
        }
        "withPatch" => with_patch(engine, this, args.str("patch")?).into(),
        "withPatchFile" => {
            let patch = args.file("patch")?.contents(engine).await?;
            let patch = String::from_utf8(patch).map_err(|_| eyre!("the patch is not UTF-8"))?;
            with_patch(engine, this, patch).into()
        }
        "withSymlink" => {
            with_symlink(engine, this, &args.str("linkName")?, args.str("target")?).into()
        }
        "withTimestamps" => {
            let (at, seconds) = (this.path.clone(), args.get::<i64>("timestamp")?);
            let describe = Hasher::new("times-1").with(&at).with(seconds.to_le_bytes());
            this.edit(engine, describe, Vec::new(), move |tree, _| {
                tree.set_times(&at, seconds)
            })
            .into()
        }
        "withoutDirectory" | "withoutFile" => without(engine, this, vec![path()?]).into(),
        "withoutFiles" => without(engine, this, args.list("paths")?).into(),
        _ => unsupported("Directory", field)?,
    })
}

/// Directories know no accounts: owners are numbers.
fn numeric(text: &str) -> Result<Owner> {
    owner::numeric(text).ok_or_else(|| {
        eyre!("owner `{text}` of a directory: expected numbers like `1000:1000`; names need a container")
    })
}

fn numeric_or_none(text: &str) -> Result<Option<Owner>> {
    if text.is_empty() {
        Ok(None)
    } else {
        numeric(text).map(Some)
    }
}

fn owned(hasher: Hasher, owner: Option<Owner>, mode: Option<u32>) -> Hasher {
    hasher.with(format!("{owner:?} {mode:?}"))
}

pub fn with_directory(
    engine: &Arc<Engine>,
    base: &Directory,
    path: &str,
    source: &Directory,
    owner: Option<Owner>,
    mode: Option<u32>,
) -> Directory {
    let (to, from) = (base.at(path), source.path.clone());
    let describe = owned(Hasher::new("copy-dir-1").with(&to).with(&from), owner, mode);
    base.edit(
        engine,
        describe,
        vec![source.fs.clone()],
        move |tree, sources| {
            tree.copy_dir(&sources[0], &from, &to, &Default::default(), owner, mode)
        },
    )
}

/// A path that ends in `/`, or is a directory, takes the file inside.
pub fn with_file(
    engine: &Arc<Engine>,
    base: &Directory,
    path: &str,
    source: &File,
    owner: Option<Owner>,
    mode: Option<u32>,
) -> Directory {
    let (to, from) = (base.at(path), source.path.clone());
    let into = path.ends_with('/');
    let describe = owned(
        Hasher::new("copy-file-1")
            .with(&to)
            .with(&from)
            .with([u8::from(into)]),
        owner,
        mode,
    );
    base.edit(
        engine,
        describe,
        vec![source.fs.clone()],
        move |tree, sources| copy_into(tree, &sources[0], &from, &to, into, owner, mode),
    )
}

pub fn with_files(
    engine: &Arc<Engine>,
    base: &Directory,
    path: &str,
    sources: &[File],
    owner: Option<Owner>,
    mode: Option<u32>,
) -> Directory {
    let to = base.at(path);
    let from: Vec<String> = sources.iter().map(|file| file.path.clone()).collect();
    let describe = owned(
        Hasher::new("copy-files-1").with(&to).with_all(from.iter()),
        owner,
        mode,
    );
    let fs = sources.iter().map(|file| file.fs.clone()).collect();
    base.edit(engine, describe, fs, move |tree, sources| {
        for (source, from) in sources.iter().zip(&from) {
            copy_into(tree, source, from, &to, true, owner, mode)?;
        }
        Ok(())
    })
}

fn copy_into(
    tree: &Tree,
    source: &Tree,
    from: &str,
    to: &str,
    into: bool,
    owner: Option<Owner>,
    mode: Option<u32>,
) -> Result<()> {
    let is_dir = tree
        .stat(to, true)?
        .is_some_and(|stat| stat.kind == Kind::Directory);
    if is_dir || into || to.is_empty() {
        return tree.copy_file(source, from, &join(to, base_name(from)), owner, mode);
    }
    tree.copy_file(source, from, to, owner, mode)
}

pub fn with_new_file(
    engine: &Arc<Engine>,
    base: &Directory,
    path: &str,
    contents: Vec<u8>,
    mode: u32,
    owner: Option<Owner>,
) -> Directory {
    let at = base.at(path);
    let describe = owned(
        Hasher::new("write-1").with(&at).with(&contents),
        owner,
        Some(mode),
    );
    base.edit(engine, describe, Vec::new(), move |tree, _| {
        tree.write(&at, &contents, mode, owner)
    })
}

pub fn with_symlink(
    engine: &Arc<Engine>,
    base: &Directory,
    link: &str,
    target: String,
) -> Directory {
    let at = base.at(link);
    let describe = Hasher::new("symlink-1").with(&at).with(&target);
    base.edit(engine, describe, Vec::new(), move |tree, _| {
        tree.symlink(&target, &at)
    })
}

pub fn without(engine: &Arc<Engine>, base: &Directory, paths: Vec<String>) -> Directory {
    let paths: Vec<String> = paths.iter().map(|path| base.at(path)).collect();
    let describe = Hasher::new("remove-1").with_all(paths.iter());
    base.edit(engine, describe, Vec::new(), move |tree, _| {
        paths.iter().try_for_each(|path| tree.remove(path))
    })
}

pub fn chown(engine: &Arc<Engine>, base: &Directory, path: &str, owner: Owner) -> Directory {
    let at = base.at(path);
    let describe = Hasher::new("chown-1").with(&at).with(format!("{owner:?}"));
    base.edit(engine, describe, Vec::new(), move |tree, _| {
        tree.chown(&at, owner)
    })
}

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
    paths: impl Iterator<Item = &'a String>,
) -> Result<()> {
    for path in paths {
        let (from, to) = (join(from, path), join(to, path));
        match (path.strip_suffix('/'), source.stat(&from, false)?) {
            (Some(_), Some(stat)) => {
                let owner = Owner {
                    uid: stat.uid,
                    gid: stat.gid,
                };
                tree.make_dir(&to, stat.mode, Some(owner))?;
            }
            _ => tree.copy_file(source, &from, &to, None, None)?,
        }
    }
    Ok(())
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
            copy_paths(
                tree,
                &sources[1],
                &new,
                &to,
                changes.added.iter().chain(&changes.modified),
            )?;
            // The deepest first, so that directories are empty when it is their turn.
            changes
                .removed
                .iter()
                .rev()
                .try_for_each(|path| tree.remove(&escape(&join(&to, path))))
        },
    )
}

fn with_patch(engine: &Arc<Engine>, base: &Directory, patch: String) -> Directory {
    let at = base.path.clone();
    let describe = Hasher::new("patch-1").with(&at).with(&patch);
    base.edit(engine, describe, Vec::new(), move |tree, _| {
        apply_patch(tree, &at, &patch)
    })
}

/// Applies a patch of one or more files.
fn apply_patch(tree: &Tree, at: &str, text: &str) -> Result<()> {
    let mut applied = 0;
    for part in split_patch(text) {
        let patch = diffy::Patch::from_str(&part).wrap_err("cannot read the patch")?;
        let name = |name: Option<&str>| {
            let name = name.unwrap_or_default();
            (name != "/dev/null").then(|| {
                name.split_once('/')
                    .map_or(name, |(_, below)| below)
                    .to_owned()
            })
        };
        let (old, new) = (name(patch.original()), name(patch.modified()));
        let base = match &old {
            Some(path) => String::from_utf8(tree.read(&join(at, path))?)
                .map_err(|_| eyre!("cannot patch `{path}`: it is not UTF-8"))?,
            None => String::new(),
        };
        let shown = new.as_ref().or(old.as_ref()).cloned().unwrap_or_default();
        let changed = diffy::apply(&base, &patch)
            .wrap_err_with(|| format!("the patch does not fit `{shown}`"))?;
        match (&old, &new) {
            (_, Some(path)) => {
                let path = join(at, path);
                let mode = tree.stat(&path, true)?.map_or(0o644, |stat| stat.mode);
                tree.write(&path, changed.as_bytes(), mode, None)?;
            }
            (Some(path), None) => tree.remove(&escape(&join(at, path)))?,
            (None, None) => bail!("the patch names no file"),
        }
        applied += 1;
    }
    if applied == 0 && !text.trim().is_empty() {
        bail!(
            "cannot read the patch: expected the unified format (`--- a/file`, `+++ b/file`, `@@ …`)"
        );
    }
    Ok(())
}

/// One text for each file: it starts at `--- ` followed by `+++ `.
fn split_patch(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let starts: Vec<usize> = (0..lines.len())
        .filter(|n| {
            lines[*n].starts_with("--- ")
                && lines
                    .get(n + 1)
                    .is_some_and(|next| next.starts_with("+++ "))
        })
        .collect();
    let mut parts = Vec::new();
    for (n, start) in starts.iter().enumerate() {
        let end = starts.get(n + 1).copied().unwrap_or(lines.len());
        // Headers of git before the next file are no part of a hunk.
        let kept = lines[*start..end]
            .iter()
            .take_while(|line| !line.starts_with("diff --git "));
        parts.push(kept.copied().collect());
    }
    parts
}

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

async fn find_up(
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
    blocking(move || store.mount(&snapshot)?.tree().export(&path, &dest, wipe)).await?;
    span.finish();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_of_several_files_is_split() {
        let text = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-1\n+2\ndiff --git a/y b/y\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-1\n+2\n";
        let parts = split_patch(text);
        assert_eq!(parts.len(), 2);
        assert!(parts[0].ends_with("+2\n") && parts[1].starts_with("--- a/y"));
    }
}
