//! The fields of `Directory`; what containers do to theirs too is in [`edit`],
//! [`differ`] and [`look`].

mod differ;
mod edit;
mod look;

use std::sync::Arc;

use eyre::{Result, eyre};

use super::{callers_only, digest, filter, mode, module_source, search, terminal, unsupported};
use crate::api::client::Client;
use crate::graph::directory::base_name;
use crate::graph::node::{Answer, Changeset};
use crate::graph::{Args, Directory, Failure, File, Object, git, owner};
use crate::store::Hasher;
use crate::store::tree::Owner;
use differ::with_patch;
pub use differ::{diff, transfer, with_changes};
pub use edit::{
    chown, with_directory, with_file, with_files, with_new_file, with_symlink, without,
};
use look::find_up;
pub use look::{exists, export, stat};

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
        "terminal" => terminal::directory(client, this, args).await?,
        "stat" => stat(engine, this, &path()?, !args.flag("doNotFollowSymlinks")?).await?,
        "sync" => {
            this.fs.snapshot().await?;
            Answer::This
        }
        "asModuleSource" => {
            let path = args.text("sourceRootPath")?;
            let source = module_source::find::of_directory(client, this, &path).await?;
            Answer::Object("ModuleSource", Object::ModuleSource(Arc::new(source)))
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
            message => return Err(Failure::new(message).into()),
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
        "withPatch" => with_patch(engine, this, args.str("patch")?.into_bytes()).into(),
        "withPatchFile" => {
            let patch = args.file("patch")?.contents(engine).await?;
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
