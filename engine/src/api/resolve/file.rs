//! The fields of `File`.

use std::path::Path;
use std::sync::Arc;

use eyre::{Result, WrapErr, bail, eyre};

use super::{callers_only, env_file, search, unsupported};
use crate::api::client::Client;
use crate::graph::directory::{base_name, edit, join};
use crate::graph::engine::blocking;
use crate::graph::node::Answer;
use crate::graph::{Args, Directory, Engine, File, Fs, Object, owner};
use crate::store::tree::Owner;
use crate::store::{Digest, Hasher};

pub async fn resolve(
    client: &Arc<Client>,
    this: &File,
    field: &str,
    args: &Args,
) -> Result<Answer> {
    let engine = client.engine();
    Ok(match field {
        "asEnvFile" => {
            let text = text(engine, this).await?;
            Answer::Object(
                "EnvFile",
                Object::EnvFile(Arc::new(env_file::parse(&text)?)),
            )
        }
        "asJSON" => {
            let value = serde_json::from_str(&text(engine, this).await?)
                .map_err(|error| eyre!("`{}` is not JSON: {error}", this.path))?;
            Answer::Object("JSONValue", Object::Json(Arc::new(value)))
        }
        "chown" => {
            let text = args.str("owner")?;
            let owner = owner::numeric(&text).ok_or_else(|| {
                eyre!("owner `{text}` of a file: expected numbers like `1000:1000`; names need a container")
            })?;
            chown(engine, this, owner).into()
        }
        "contents" => {
            let text = String::from_utf8_lossy(&this.contents(engine).await?).into_owned();
            lines(&text, args.opt("offsetLines")?, args.opt("limitLines")?)?.into()
        }
        "digest" => super::digest(digest(engine, this, args.flag("excludeMetadata")?).await?),
        "export" => {
            callers_only(client, "File.export")?;
            let dest = engine.host_path(&args.str("path")?);
            export(engine, this, &dest, args.flag("allowParentDirPath")?).await?;
            dest.to_string_lossy().into_owned().into()
        }
        "name" => {
            // As on a Dagger Engine, a name is that of a file which is there.
            this.fs.snapshot().await?;
            this.name().into()
        }
        "search" => search::file(engine, this, args).await?,
        "size" => {
            let path = this.path.clone();
            let stat = this
                .fs
                .read(engine, move |tree| tree.stat(&path, true))
                .await?;
            stat.ok_or_else(|| eyre!("`{}`: no such file or directory", this.path))?
                .size
                .into()
        }
        "stat" => {
            super::directory::stat(engine, &Directory::root(this.fs.clone()), &this.path, true)
                .await?
        }
        "sync" => {
            this.fs.snapshot().await?;
            Answer::This
        }
        "withName" => with_name(engine, this, &args.str("name")?)?.into(),
        "withReplaced" => with_replaced(engine, this, args).await?.into(),
        "withTimestamps" => {
            let (path, seconds) = (this.path.clone(), args.get::<i64>("timestamp")?);
            let describe = Hasher::new("file-time-1")
                .with(&path)
                .with(seconds.to_le_bytes());
            changed(engine, this, describe, move |tree| {
                tree.set_times(&path, seconds)
            })
            .into()
        }
        _ => unsupported("File", field)?,
    })
}

async fn text(engine: &Arc<Engine>, this: &File) -> Result<String> {
    let bytes = this.contents(engine).await?;
    String::from_utf8(bytes).map_err(|_| eyre!("`{}` is not UTF-8", this.path))
}

fn changed(
    engine: &Arc<Engine>,
    this: &File,
    describe: Hasher,
    change: impl FnOnce(&crate::store::Tree) -> Result<()> + Send + 'static,
) -> File {
    let fs = edit(&this.fs, engine, describe, Vec::new(), move |tree, _| {
        change(tree)
    });
    File {
        fs,
        path: this.path.clone(),
    }
}

pub fn chown(engine: &Arc<Engine>, this: &File, owner: Owner) -> File {
    let path = this.path.clone();
    let describe = Hasher::new("file-chown-1")
        .with(&path)
        .with(format!("{owner:?}"));
    changed(engine, this, describe, move |tree| tree.chown(&path, owner))
}

fn with_name(engine: &Arc<Engine>, this: &File, name: &str) -> Result<File> {
    let name = join("", name);
    if name.is_empty() || name.contains('/') {
        bail!("`{name}` is no file name");
    }
    let (from, to) = (this.path.clone(), name.clone());
    let describe = Hasher::new("rename-1").with(&from).with(&to);
    let fs = edit(
        &Fs::scratch(),
        engine,
        describe,
        vec![this.fs.clone()],
        move |tree, sources| tree.copy_file(&sources[0], &from, &to, None, None),
    );
    Ok(File { fs, path: name })
}

async fn with_replaced(engine: &Arc<Engine>, this: &File, args: &Args) -> Result<File> {
    let (search, replacement) = (args.str("search")?, args.str("replacement")?);
    let (all, first_from) = (args.flag("all")?, args.opt::<i64>("firstFrom")?);
    let contents = text(engine, this).await?;
    let replaced = replace(&contents, &search, &replacement, all, first_from)?;
    let path = this.path.clone();
    let describe = Hasher::new("replace-1").with(&path).with(&replaced);
    Ok(changed(engine, this, describe, move |tree| {
        let mode = tree.stat(&path, true)?.map_or(0o644, |stat| stat.mode);
        tree.write(&path, replaced.as_bytes(), mode, None)
    }))
}

/// `first_from` is a line number, from 1 on.
fn replace(
    text: &str,
    search: &str,
    replacement: &str,
    all: bool,
    first_from: Option<i64>,
) -> Result<String> {
    if search.is_empty() {
        bail!("argument `search` is empty: say what to replace");
    }
    let start = match first_from {
        None => 0,
        Some(line) => {
            let line = usize::try_from(line).ok().filter(|line| *line > 0);
            let line =
                line.ok_or_else(|| eyre!("argument `firstFrom`: lines are counted from 1"))?;
            text.split_inclusive('\n')
                .take(line - 1)
                .map(str::len)
                .sum()
        }
    };
    let (before, rest) = text.split_at(start);
    match rest.matches(search).count() {
        // As on a Dagger Engine: replacing all of nothing changes nothing.
        0 if all => Ok(text.to_owned()),
        0 => bail!("search text not found in the file"),
        _ if all => Ok(format!("{before}{}", rest.replace(search, replacement))),
        1 => Ok(format!("{before}{}", rest.replacen(search, replacement, 1))),
        _ if first_from.is_some() => {
            Ok(format!("{before}{}", rest.replacen(search, replacement, 1)))
        }
        n => bail!(
            "search text found multiple times ({n}): use `all`, or `firstFrom` with a line number"
        ),
    }
}

fn lines(text: &str, offset: Option<i64>, limit: Option<i64>) -> Result<String> {
    let count = |name: &str, n: Option<i64>| {
        n.map(|n| usize::try_from(n).map_err(|_| eyre!("argument `{name}`: {n} is negative")))
            .transpose()
    };
    let offset = count("offsetLines", offset)?.unwrap_or(0);
    let limit = count("limitLines", limit)?.unwrap_or(usize::MAX);
    Ok(text
        .split_inclusive('\n')
        .skip(offset)
        .take(limit)
        .collect())
}

/// Without metadata: SHA-256 of the raw SHA-256 of the content, as on a Dagger Engine.
async fn digest(engine: &Arc<Engine>, this: &File, exclude_metadata: bool) -> Result<Digest> {
    let path = this.path.clone();
    if exclude_metadata {
        let contents = this.contents(engine).await?;
        return Ok(Digest::of(Digest::of(&contents).bytes()));
    }
    let name = base_name(&path).to_owned();
    let digest = this.fs.read(engine, move |tree| tree.digest(&path)).await?;
    Ok(Hasher::new("file-digest-1")
        .with(name)
        .with(digest)
        .digest())
}

/// Writes a file to the host.
pub async fn export(engine: &Arc<Engine>, this: &File, dest: &Path, into_dir: bool) -> Result<()> {
    let mut dest = dest.to_owned();
    if dest.is_dir() {
        if !into_dir {
            bail!(
                "cannot export to `{}`: it is a directory; allow-parent-dir-path puts the file inside",
                dest.display()
            );
        }
        dest.push(this.name());
    }
    let snapshot = this.fs.snapshot().await?;
    let (store, path) = (engine.store.clone(), this.path.clone());
    blocking(move || {
        // As on a Dagger Engine: a file that is there gets new contents, not a new mode.
        let kept = std::fs::metadata(&dest)
            .ok()
            .map(|found| found.permissions());
        let mount = store.mount(&snapshot)?;
        mount.tree().export(&path, &dest, false, store.exports())?;
        if let Some(kept) = kept {
            std::fs::set_permissions(&dest, kept)
                .wrap_err_with(|| format!("cannot keep the mode of `{}`", dest.display()))?;
        }
        Ok(())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_replaced_where_asked() {
        let text = "ab ab\nab\n";
        assert_eq!(replace(text, "ab", "X", true, None).unwrap(), "X X\nX\n");
        assert_eq!(
            replace(text, "ab", "Z", false, Some(2)).unwrap(),
            "ab ab\nZ\n"
        );
        assert_eq!(replace(text, "b\na", "Y", false, None).unwrap(), "ab aYb\n");
        assert_eq!(replace(text, "nothing", "Z", true, None).unwrap(), text);
        assert!(
            replace(text, "ab", "Z", false, None)
                .unwrap_err()
                .to_string()
                .contains("multiple times")
        );
        assert!(
            replace(text, "cd", "Z", false, None)
                .unwrap_err()
                .to_string()
                .contains("not found")
        );
    }

    #[test]
    fn lines_are_cut_out() {
        assert_eq!(
            lines("one\ntwo\nthree\n", Some(1), Some(1)).unwrap(),
            "two\n"
        );
        assert_eq!(lines("one", None, None).unwrap(), "one");
    }
}
