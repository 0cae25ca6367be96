//! Fields that change files and mounts, or run something.

use std::sync::Arc;

use eyre::{Result, eyre};

use super::{expanded, image, path};
use crate::api::client::Client;
use crate::api::resolve::{directory as dir, file, filter, mode};
use crate::graph::container::{Container, Mounted, Sharing};
use crate::graph::exec::{Exec, Expect};
use crate::graph::{Args, Engine, File, owner};
use crate::store::tree::Owner;

/// Fields that change files, mounts or run something.
pub(super) async fn changed(
    client: &Arc<Client>,
    this: &Arc<Container>,
    field: &str,
    args: &Args,
) -> Result<Option<Container>> {
    let engine = client.engine();
    let at = || path(this, args, "path");
    Ok(Some(match field {
        "from" => image::from(engine, this, args).await?,
        "import" => image::import(engine, this, args).await?,
        "withExec" => with_exec(engine, this, args)?,
        "withDirectory" => {
            let source = args.directory("source")?.filtered(engine, filter(args)?);
            let (owner, mode) = (
                owner_of(engine, this, args).await?,
                mode(args, "permissions")?,
            );
            this.edit(&at()?, |base, path| {
                Ok(dir::with_directory(
                    engine, base, path, &source, owner, mode,
                ))
            })?
        }
        "withFile" => {
            let (source, mode) = (args.file("source")?, mode(args, "permissions")?);
            let owner = owner_of(engine, this, args).await?;
            let at = at()?;
            // A slash at the end asks for a directory, also where none is yet.
            let slash = if at.ends_with('/') || at.ends_with("/.") {
                "/"
            } else {
                ""
            };
            this.edit(&at, |base, path| {
                let path = format!("{path}{slash}");
                Ok(dir::with_file(engine, base, &path, &source, owner, mode))
            })?
        }
        "withFiles" => {
            let owner = owner_of(engine, this, args).await?;
            let mode = mode(args, "permissions")?;
            let sources = args
                .nodes("sources")?
                .into_iter()
                .map(|node| node.file())
                .collect::<Result<Vec<File>>>()?;
            this.edit(&at()?, |base, path| {
                Ok(dir::with_files(engine, base, path, &sources, owner, mode))
            })?
        }
        "withNewFile" => {
            let owner = owner_of(engine, this, args).await?;
            let mode = mode(args, "permissions")?.unwrap_or(0o644);
            let contents = args.str("contents")?.into_bytes();
            this.edit(&at()?, |base, path| {
                Ok(dir::with_new_file(
                    engine, base, path, contents, mode, owner,
                ))
            })?
        }
        "withSymlink" => {
            let target = args.str("target")?;
            let link = path(this, args, "linkName")?;
            this.edit(&link, |base, path| {
                Ok(dir::with_symlink(engine, base, path, target))
            })?
        }
        "withoutDirectory" | "withoutFile" => this.edit(&at()?, |base, path| {
            Ok(dir::without(engine, base, vec![path.to_owned()]))
        })?,
        "withoutFiles" => {
            let mut container = Container::clone(this);
            for path in args.list("paths")? {
                let path = expanded(this, args, path)?;
                container = container.edit(&path, |base, path| {
                    Ok(dir::without(engine, base, vec![path.to_owned()]))
                })?;
            }
            container
        }
        "withRootfs" => {
            let rootfs = args.directory("directory")?.alone(engine);
            Container {
                rootfs,
                ..Container::clone(this)
            }
        }
        "withMountedCache" => {
            let volume = args.cache_volume("cache")?;
            let owner = args.text("owner")?;
            let mounted = Mounted::Cache {
                source: args
                    .opt_directory("source")?
                    .or_else(|| volume.source.clone()),
                sharing: sharing(&args.text("sharing")?, volume.sharing.as_deref()),
                owner: if owner.is_empty() {
                    volume.owner.clone()
                } else {
                    owner
                },
                volume,
            };
            this.with_mount(&at()?, mounted)
        }
        "withMountedDirectory" => {
            let source = args.directory("source")?;
            let directory = match owner_of(engine, this, args).await? {
                Some(owner) => dir::chown(engine, &source, "", owner),
                None => source,
            };
            this.with_mount(
                &at()?,
                Mounted::Directory {
                    directory,
                    read_only: args.flag("readOnly")?,
                },
            )
        }
        "withMountedFile" => {
            let source = args.file("source")?;
            let file = match owner_of(engine, this, args).await? {
                Some(owner) => file::chown(engine, &source, owner),
                None => source,
            };
            this.with_mount(&at()?, Mounted::File(file))
        }
        "withMountedSecret" => {
            let mode = mode(args, "mode")?.unwrap_or(0o400);
            let mounted = Mounted::Secret {
                secret: args.secret("source")?,
                owner: args.text("owner")?,
                mode,
            };
            this.with_mount(&at()?, mounted)
        }
        "withMountedTemp" => {
            let size = match args.opt::<i64>("size")? {
                Some(size) => Some(
                    u64::try_from(size)
                        .ok()
                        .filter(|size| *size > 0)
                        .ok_or_else(|| eyre!("argument `size`: {size} is no number of bytes"))?,
                ),
                None => None,
            };
            this.with_mount(&at()?, Mounted::Temp { size })
        }
        "withUnixSocket" => {
            let mounted = Mounted::Socket {
                socket: args.socket("source")?,
                owner: args.text("owner")?,
            };
            this.with_mount(&at()?, mounted)
        }
        "withoutMount" | "withoutUnixSocket" => {
            let path = this.absolute(&at()?);
            let mut container = Container::clone(this);
            container.mounts.retain(|mount| mount.path != path);
            container
        }
        _ => return Ok(None),
    }))
}
async fn owner_of(engine: &Arc<Engine>, this: &Container, args: &Args) -> Result<Option<Owner>> {
    owner::of(engine, &this.rootfs, &args.text("owner")?).await
}

fn sharing(asked: &str, of_volume: Option<&str>) -> Sharing {
    let effective = match (asked, of_volume) {
        ("SHARED" | "", Some(of_volume)) => of_volume,
        (asked, _) => asked,
    };
    match effective {
        "LOCKED" => Sharing::Locked,
        "PRIVATE" => Sharing::Private,
        _ => Sharing::Shared,
    }
}

fn with_exec(engine: &Arc<Engine>, this: &Container, args: &Args) -> Result<Container> {
    let some =
        |name: &str| Ok::<_, eyre::Report>(Some(args.text(name)?).filter(|text| !text.is_empty()));
    let exec = Exec {
        container: this.clone(),
        args: this.command(
            &args.list("args")?,
            args.flag("useEntrypoint")?,
            args.flag("expand")?,
        )?,
        stdin: args.text("stdin")?,
        redirect_stdin: some("redirectStdin")?,
        redirect_stdout: some("redirectStdout")?,
        redirect_stderr: some("redirectStderr")?,
        expect: match args.text("expect")?.as_str() {
            "ANY" => Expect::Any,
            "FAILURE" => Expect::Failure,
            _ => Expect::Success,
        },
        privileged: args.flag("insecureRootCapabilities")?,
        no_init: args.flag("noInit")?,
        nested: args.flag("experimentalPrivilegedNesting")?,
    };
    Ok(this.with_exec(engine, exec))
}
