//! `terminal` of containers, directories and services.

use std::sync::Arc;

use eyre::Result;

use super::callers_only;
use crate::api::client::Client;
use crate::graph::container::Mounted;
use crate::graph::exec::{Exec, Expect, terminal};
use crate::graph::node::Answer;
use crate::graph::{Args, Container, Directory, Service};
use crate::image::host_platform;

/// What a directory is mounted in, unless a container is given.
const IMAGE: &str = "alpine:latest";

pub async fn container(client: &Arc<Client>, this: &Arc<Container>, args: &Args) -> Result<Answer> {
    callers_only(client, "Container.terminal")?;
    let default = &this.terminal;
    let command = match args.list("cmd")? {
        command if command.is_empty() => default.args.clone(),
        command => command,
    };
    let exec = Exec {
        args: command,
        expect: Expect::Any,
        privileged: args.flag("insecureRootCapabilities")? || default.privileged,
        nested: args.flag("experimentalPrivilegedNesting")? || default.nested,
        ..Exec::of(this)
    };
    terminal::run(client.engine(), &exec).await?;
    Ok(Answer::Receiver)
}

/// A terminal in `/src`, where the directory is.
pub async fn directory(client: &Arc<Client>, this: &Directory, args: &Args) -> Result<Answer> {
    callers_only(client, "Directory.terminal")?;
    let engine = client.engine();
    engine.terminal.require()?;
    let base = match args.opt_container("container")? {
        Some(container) => container,
        None => Arc::new(image(client).await?),
    };
    let mounted = Mounted::Directory {
        directory: this.clone(),
        read_only: true,
    };
    let mut base = base.with_mount("/src", mounted);
    base.config.workdir = "/src".to_owned();
    container(client, &Arc::new(base), args).await
}

async fn image(client: &Arc<Client>) -> Result<Container> {
    let engine = client.engine();
    let scratch = Container::scratch(host_platform().to_owned());
    let platform = &scratch.config.platform;
    let auth = Default::default();
    let found = engine
        .images
        .get(IMAGE, platform, &auth, &engine.progress)
        .await?;
    Ok(Container {
        rootfs: crate::graph::Fs::ready(found.rootfs),
        config: found.config,
        ..scratch
    })
}

/// A command in a service that runs.
pub async fn service(client: &Arc<Client>, this: &Arc<Service>, args: &Args) -> Result<Answer> {
    callers_only(client, "Service.terminal")?;
    let engine = client.engine();
    engine.terminal.require()?;
    let command = match args.list("cmd")? {
        command if command.is_empty() => vec!["sh".to_owned()],
        command => command,
    };
    let started = engine.services.start(engine, this).await?;
    started.terminal(&engine.terminal, command).await?;
    Ok(Answer::Receiver)
}
