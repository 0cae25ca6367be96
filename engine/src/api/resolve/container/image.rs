//! Containers from images, and images of containers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use eyre::{Result, bail};

use crate::api::resolve::network;
use crate::graph::container::{Container, set};
use crate::graph::engine::blocking;
use crate::graph::node::Answer;
use crate::graph::{Args, Engine, File, Fs, image};
use crate::image::{
    Compression, Credentials, Form, HostStore, ImageConfig, MediaTypes, host_platform,
    parse_reference,
};
use crate::store::{Digest, Hasher, Mount, Snapshot, Store};

pub(super) async fn from(engine: &Arc<Engine>, this: &Container, args: &Args) -> Result<Container> {
    if args.node("registryService")?.is_some() {
        bail!("`registryService` of `Container.from` is not supported by poniard");
    }
    let address = args.str("address")?;
    let auth = credentials(this).await?;
    let image = image::get(engine, &address, &this.config.platform, &auth).await?;
    Ok(started(
        this,
        image.rootfs,
        image.config,
        Some(image.reference),
    ))
}

/// The container with the files and the configuration of an image. Variables
/// and labels that were set before stay.
fn started(
    this: &Container,
    rootfs: Snapshot,
    mut config: ImageConfig,
    image_ref: Option<String>,
) -> Container {
    for (name, value) in &this.config.env {
        set(&mut config.env, name, value.clone());
    }
    for (name, value) in &this.config.labels {
        set(&mut config.labels, name, value.clone());
    }
    let mut ports = this.ports.clone();
    for port in config
        .exposed_ports
        .iter()
        .filter_map(|text| network::parse_port(text))
    {
        if !ports
            .iter()
            .any(|old| (old.number, old.udp) == (port.number, port.udp))
        {
            ports.push(port);
        }
    }
    Container {
        image_ref,
        rootfs: Fs::ready(rootfs),
        config,
        ports,
        last: None,
        ..this.clone()
    }
}

pub(super) async fn import(
    engine: &Arc<Engine>,
    this: &Container,
    args: &Args,
) -> Result<Container> {
    let (mount, host_path) = on_host(engine, &args.file("source")?).await?;
    let image = engine.images.import(&host_path, &args.text("tag")?).await?;
    drop(mount);
    Ok(started(this, image.rootfs, image.config, None))
}

/// Where a file is on this machine, as long as the mount is kept.
async fn on_host(engine: &Arc<Engine>, file: &File) -> Result<(Mount, PathBuf)> {
    let snapshot = file.fs.snapshot().await?;
    let (store, path) = (engine.store.clone(), file.path.clone());
    blocking(move || {
        let mount = store.mount(&snapshot)?;
        let host_path = mount.tree().host_path(&path)?;
        Ok((mount, host_path))
    })
    .await
}

/// Puts the container into the image store of this machine's container engine.
pub(super) async fn export_to_store(
    engine: &Arc<Engine>,
    this: &Arc<Container>,
    args: &Args,
) -> Result<()> {
    let name = args.str("name")?;
    let reference = parse_reference(&name)?;
    if reference.digest().is_some() {
        bail!("cannot export to `{name}`: the digest of an image follows from what is in it");
    }
    let name = reference.whole();
    let store = HostStore::find().await?;
    let file = archive(engine, this, args)?;
    let (mount, host_path) = on_host(engine, &file).await?;
    let span = engine
        .progress
        .start(format!("load {name} into {}", store.name));
    span.end_as(store.load(&host_path, &name).await)?;
    drop(mount);
    Ok(())
}

/// A container from the image store of this machine's container engine, and a
/// digest of it.
pub async fn of_store(engine: &Arc<Engine>, name: &str) -> Result<(Container, Digest)> {
    let name = parse_reference(name)?.whole();
    let store = HostStore::find().await?;
    let temp = engine.store.temp_dir()?;
    let path = temp.path().join("image.tar");
    let span = engine
        .progress
        .start(format!("save {name} from {}", store.name));
    let saved = async {
        store.save(&name, &path).await?;
        engine.images.import(&path, "").await
    };
    let image = span.end_as(saved.await)?;
    let digest = Hasher::new("host-image-1")
        .with(serde_json::to_string(&image.config)?)
        .with(image.rootfs.id)
        .digest();
    let scratch = Container::scratch(host_platform().to_owned());
    Ok((started(&scratch, image.rootfs, image.config, None), digest))
}

async fn credentials(this: &Container) -> Result<BTreeMap<String, Credentials>> {
    let mut all = BTreeMap::new();
    for (host, (username, secret)) in &this.auth {
        let password = secret.plaintext().await?.trim_end().to_owned();
        all.insert(
            host.clone(),
            Credentials {
                username: username.clone(),
                password,
            },
        );
    }
    Ok(all)
}

/// The host part of an image address or registry address.
pub(super) fn registry_host(address: &str) -> String {
    let address = address.split("://").last().unwrap_or(address);
    let first = address.split('/').next().unwrap_or(address);
    let is_host = first.contains(['.', ':']) || first == "localhost" || !address.contains('/');
    if is_host {
        first.to_owned()
    } else {
        "docker.io".to_owned()
    }
}

/// The container, and those for other platforms.
fn variants(this: &Arc<Container>, args: &Args) -> Result<Vec<Arc<Container>>> {
    let others = args.nodes("platformVariants")?.into_iter();
    let others = others.map(|node| node.container());
    std::iter::once(Ok(this.clone())).chain(others).collect()
}

/// Their configurations and files; one without files counts only alone.
async fn images(all: &[Arc<Container>]) -> Result<Vec<(ImageConfig, Snapshot)>> {
    let mut images = Vec::new();
    let mut platforms = BTreeSet::new();
    for container in all {
        let snapshot = container.rootfs.snapshot().await?;
        if all.len() > 1 && snapshot.id == Store::scratch().id {
            continue;
        }
        let platform = &container.config.platform;
        if !platforms.insert(platform) {
            bail!("two containers are for platform `{platform}`: an image has one for each");
        }
        images.push((image_config(container), snapshot));
    }
    if images.is_empty() {
        bail!("no container has any files");
    }
    Ok(images)
}

fn form(args: &Args) -> Result<Form> {
    let compression = match args.text("forcedCompression")?.as_str() {
        "" | "Gzip" => Compression::Gzip,
        "Zstd" => Compression::Zstd,
        "Uncompressed" => Compression::Uncompressed,
        other => bail!(
            "compression `{other}` is not supported by poniard: use Gzip, Zstd or Uncompressed"
        ),
    };
    let media_types = match args.text("mediaTypes")?.as_str() {
        "DockerMediaTypes" => MediaTypes::Docker,
        _ => MediaTypes::Oci,
    };
    Ok(Form {
        compression,
        media_types,
    })
}

/// The container's configuration with what only containers know put in.
fn image_config(container: &Container) -> ImageConfig {
    let mut config = container.config.clone();
    config.exposed_ports = container
        .ports
        .iter()
        .map(|port| format!("{}/{}", port.number, if port.udp { "udp" } else { "tcp" }))
        .collect();
    config
}

pub(super) fn archive(engine: &Arc<Engine>, this: &Arc<Container>, args: &Args) -> Result<File> {
    let (containers, form) = (variants(this, args)?, form(args)?);
    let engine = engine.clone();
    let fs = Fs::lazy(async move {
        let images = images(&containers).await?;
        let mut key = Hasher::new("archive-2").with(format!("{form:?}"));
        for (config, snapshot) in &images {
            key = key.with(serde_json::to_string(config)?).with(snapshot.id);
        }
        let annotations = containers
            .first()
            .map(|c| c.annotations.clone())
            .unwrap_or_default();
        let key = key.with(serde_json::to_string(&annotations)?).digest();
        if let Some(snapshot) = engine.store.cached("archive", &key) {
            return Ok(snapshot);
        }
        let temp = engine.store.temp_dir()?;
        let path = temp.path().join("image.tar");
        engine
            .images
            .archive(&images, form, &annotations, &path)
            .await?;
        let snapshot = engine.store.import_file(&path, "image.tar").await?;
        engine.store.remember("archive", &key, &snapshot)?;
        Ok(snapshot)
    });
    Ok(File {
        fs,
        path: "image.tar".to_owned(),
    })
}

pub(super) async fn publish(
    engine: &Arc<Engine>,
    this: &Arc<Container>,
    args: &Args,
) -> Result<Answer> {
    if args.node("registryService")?.is_some() {
        bail!("`registryService` of `Container.publish` is not supported by poniard");
    }
    let images = images(&variants(this, args)?).await?;
    let address = args.str("address")?;
    let auth = credentials(this).await?;
    let form = form(args)?;
    let pushed = engine
        .images
        .push(
            &address,
            &images,
            form,
            &this.annotations,
            &auth,
            &engine.progress,
        )
        .await?;
    Ok(pushed.into())
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_of_an_address_is_found() {
        for (address, host) in [
            ("registry.example.com/a/b:1", "registry.example.com"),
            ("localhost:5000/x", "localhost:5000"),
            ("library/debian", "docker.io"),
            ("https://registry.example.com", "registry.example.com"),
        ] {
            assert_eq!(registry_host(address), host, "{address}");
        }
    }
}
