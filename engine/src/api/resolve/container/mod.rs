//! The fields of `Container`: those that tell something here, those that change
//! the [`config`]uration, [`files`] and mounts, or have to do with an [`image`].

mod config;
mod files;
pub mod image;

use std::sync::Arc;

use eyre::{Result, bail};
use serde_json::{Value as Json, json};

use super::{callers_only, directory as dir, file, network, records, terminal, unsupported};
use crate::api::client::Client;
use crate::graph::container::Container;
use crate::graph::node::Answer;
use crate::graph::{Args, Directory};

pub async fn resolve(
    client: &Arc<Client>,
    this: &Arc<Container>,
    field: &str,
    args: &Args,
) -> Result<Answer> {
    if let Some(answer) = read(client, this, field, args).await? {
        return Ok(answer);
    }
    if let Some(container) = config::configured(client, this, field, args)? {
        return Ok(container.into());
    }
    match files::changed(client, this, field, args).await? {
        Some(container) => Ok(container.into()),
        None => unsupported("Container", field),
    }
}

/// Fields that tell something.
async fn read(
    client: &Arc<Client>,
    this: &Arc<Container>,
    field: &str,
    args: &Args,
) -> Result<Option<Answer>> {
    let engine = client.engine();
    let config = &this.config;
    Ok(Some(match field {
        "asService" | "up" => {
            return network::of_container(client, this, field, args)
                .await
                .map(Some);
        }
        "asTarball" => image::archive(engine, this, args)?.into(),
        "combinedOutput" => this.last().await?.combined()?.clone().into(),
        "defaultArgs" => config.cmd.clone().into(),
        "directory" => this.directory(engine, &path(this, args, "path")?)?.into(),
        "dockerHealthcheck" => config::healthcheck(config.healthcheck.as_ref()),
        "entrypoint" => config.entrypoint.clone().into(),
        "envVariable" => this
            .env(&args.str("name")?)
            .map(Json::from)
            .unwrap_or_default()
            .into(),
        "envVariables" => pairs("EnvVariable", &config.env),
        "exists" => {
            let place = this.place(&this.absolute(&path(this, args, "path")?))?;
            dir::exists(engine, &place.directory, &place.path, args).await?
        }
        "exitCode" => this.last().await?.code.into(),
        "export" => {
            callers_only(client, "Container.export")?;
            let dest = engine.host_path(&path(this, args, "path")?);
            let file = image::archive(engine, this, args)?;
            file::export(engine, &file, &dest, false).await?;
            dest.to_string_lossy().into_owned().into()
        }
        "exportImage" => {
            callers_only(client, "Container.exportImage")?;
            image::export_to_store(engine, this, args).await?;
            Answer::Null
        }
        "exposedPorts" => Answer::Objects("Port", this.ports.iter().map(network::port).collect()),
        "file" => this.file(engine, &path(this, args, "path")?)?.into(),
        "imageRef" => match &this.image_ref {
            Some(reference) => reference.clone().into(),
            None => bail!("the container was not made from an image: `from` starts with one"),
        },
        "label" => find(&config.labels, &args.str("name")?),
        "labels" => pairs("Label", &config.labels),
        "mounts" => this
            .mounts
            .iter()
            .map(|mount| mount.path.clone())
            .collect::<Vec<_>>()
            .into(),
        "platform" => config.platform.clone().into(),
        "publish" => image::publish(engine, this, args).await?,
        "rootfs" => Directory::root(this.rootfs.clone()).into(),
        "stat" => {
            let place = this.place(&this.absolute(&args.str("path")?))?;
            dir::stat(
                engine,
                &place.directory,
                &place.path,
                !args.flag("doNotFollowSymlinks")?,
            )
            .await?
        }
        "stderr" => this.last().await?.stderr()?.clone().into(),
        "stdout" => this.last().await?.stdout()?.clone().into(),
        "sync" => {
            this.sync().await?;
            Answer::This
        }
        "terminal" => terminal::container(client, this, args).await?,
        "user" => config.user.clone().into(),
        "workdir" => config.workdir.clone().into(),
        _ => return Ok(None),
    }))
}
/// A path argument, with variables replaced when asked for.
fn path(this: &Container, args: &Args, name: &str) -> Result<String> {
    expanded(this, args, args.str(name)?)
}

fn expanded(this: &Container, args: &Args, path: String) -> Result<String> {
    if args.flag("expand")? {
        this.expand(&path)
    } else {
        Ok(path)
    }
}

fn find(pairs: &[(String, String)], name: &str) -> Answer {
    pairs
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| Json::from(value.as_str()))
        .unwrap_or_default()
        .into()
}

fn pairs(type_name: &'static str, pairs: &[(String, String)]) -> Answer {
    let record =
        |(name, value): &(String, String)| records::record(json!({"name": name, "value": value}));
    Answer::Objects(type_name, pairs.iter().map(record).collect())
}
