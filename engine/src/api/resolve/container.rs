//! The fields of `Container`.

use std::collections::BTreeMap;
use std::sync::Arc;

use eyre::{Result, bail, eyre};
use serde_json::{Map, Value as Json, json};

use super::{directory as dir, file as files, filter, mode, network, unsupported};
use crate::api::client::Client;
use crate::graph::container::{Container, Mounted, Port, Sharing, set, unset};
use crate::graph::engine::blocking;
use crate::graph::exec::{Exec, Expect};
use crate::graph::node::Answer;
use crate::graph::{Args, Directory, Engine, File, Fs, owner};
use crate::image::{Compression, Credentials};
use crate::store::Hasher;
use crate::store::tree::Owner;

pub async fn resolve(
    client: &Arc<Client>,
    this: &Arc<Container>,
    field: &str,
    args: &Args,
) -> Result<Answer> {
    if let Some(answer) = read(client, this, field, args).await? {
        return Ok(answer);
    }
    if let Some(container) = configured(this, field, args)? {
        return Ok(container.into());
    }
    match changed(client, this, field, args).await? {
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
        "asTarball" => archive(engine, this, args)?.into(),
        "combinedOutput" => this.last().await?.combined.clone().into(),
        "defaultArgs" => config.cmd.clone().into(),
        "directory" => this.directory(engine, &path(this, args, "path")?)?.into(),
        "dockerHealthcheck" => healthcheck(config.healthcheck.as_ref()),
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
            let dest = engine.host_path(&path(this, args, "path")?);
            let file = archive(engine, this, args)?;
            files::export(engine, &file, &dest, false).await?;
            dest.to_string_lossy().into_owned().into()
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
        "publish" => publish(engine, this, args).await?,
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
        "stderr" => this.last().await?.stderr.clone().into(),
        "stdout" => this.last().await?.stdout.clone().into(),
        "sync" => {
            this.sync().await?;
            Answer::This
        }
        "user" => config.user.clone().into(),
        "workdir" => config.workdir.clone().into(),
        _ => return Ok(None),
    }))
}

/// Fields that change how commands run, and nothing else.
fn configured(this: &Container, field: &str, args: &Args) -> Result<Option<Container>> {
    let mut new = this.clone();
    let name = || args.str("name");
    match field {
        "withAnnotation" => set(&mut new.annotations, &name()?, args.str("value")?),
        "withoutAnnotation" => unset(&mut new.annotations, &name()?),
        "withDefaultArgs" => new.config.cmd = args.list("args")?,
        "withoutDefaultArgs" => new.config.cmd.clear(),
        "withEntrypoint" => {
            new.config.entrypoint = args.list("args")?;
            if !args.flag("keepDefaultArgs")? {
                new.config.cmd.clear();
            }
        }
        "withoutEntrypoint" => {
            new.config.entrypoint.clear();
            if !args.flag("keepDefaultArgs")? {
                new.config.cmd.clear();
            }
        }
        "withEnvFileVariables" => {
            for (name, value) in args.env_file("source")?.iter() {
                set(&mut new.config.env, name, value.clone());
            }
        }
        "withEnvVariable" => {
            let value = args.str("value")?;
            let value = if args.flag("expand")? {
                this.expand(&value)?
            } else {
                value
            };
            unset(&mut new.secrets, &name()?);
            set(&mut new.config.env, &name()?, value);
        }
        "withoutEnvVariable" => unset(&mut new.config.env, &name()?),
        "withVolatileVariable" => set(&mut new.volatile, &name()?, args.str("value")?),
        "withoutVolatileVariable" => unset(&mut new.volatile, &name()?),
        "withSecretVariable" => {
            unset(&mut new.config.env, &name()?);
            set(&mut new.secrets, &name()?, args.secret("secret")?);
        }
        "withoutSecretVariable" => unset(&mut new.secrets, &name()?),
        "withExposedPort" => {
            let port = Port {
                number: network::port_number(args.get("port")?)?,
                udp: args.text("protocol")? == "UDP",
                description: args.opt("description")?,
                skip_healthcheck: args.flag("experimentalSkipHealthcheck")?,
            };
            new.ports
                .retain(|old| (old.number, old.udp) != (port.number, port.udp));
            new.ports.push(port);
        }
        "withoutExposedPort" => {
            let number = network::port_number(args.get("port")?)?;
            let udp = args.text("protocol")? == "UDP";
            new.ports
                .retain(|old| (old.number, old.udp) != (number, udp));
        }
        "withLabel" => set(&mut new.config.labels, &name()?, args.str("value")?),
        "withoutLabel" => unset(&mut new.config.labels, &name()?),
        "withRegistryAuth" => {
            let login = (args.str("username")?, args.secret("secret")?);
            new.auth.insert(registry_host(&args.str("address")?), login);
        }
        "withoutRegistryAuth" => drop(new.auth.remove(&registry_host(&args.str("address")?))),
        "withServiceBinding" => set(
            &mut new.services,
            &args.str("alias")?,
            args.service("service")?,
        ),
        "withUser" => new.config.user = name()?,
        "withoutUser" => new.config.user.clear(),
        "withWorkdir" => new.config.workdir = this.absolute(&path(this, args, "path")?),
        "withoutWorkdir" => new.config.workdir.clear(),
        "withError" => match args.str("err")?.as_str() {
            "" => {}
            message => new = this.failing(message),
        },
        "withDockerHealthcheck" => new.config.healthcheck = Some(healthcheck_config(args)?),
        "withoutDockerHealthcheck" => new.config.healthcheck = None,
        _ => return Ok(None),
    }
    Ok(Some(new))
}

/// Fields that change files, mounts or run something.
async fn changed(
    client: &Arc<Client>,
    this: &Arc<Container>,
    field: &str,
    args: &Args,
) -> Result<Option<Container>> {
    let engine = client.engine();
    let at = || path(this, args, "path");
    Ok(Some(match field {
        "from" => from(engine, this, args).await?,
        "import" => import(engine, this, args).await?,
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
            this.edit(&at()?, |base, path| {
                Ok(dir::with_file(engine, base, path, &source, owner, mode))
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
                Some(owner) => files::chown(engine, &source, owner),
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
            let size = args.opt::<i64>("size")?.map(u64::try_from).transpose()?;
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

/// A path argument, with variables replaced when asked for.
fn path(this: &Container, args: &Args, name: &str) -> Result<String> {
    let path = args.str(name)?;
    if args.flag("expand")? {
        this.expand(&path)
    } else {
        Ok(path)
    }
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
    if args.flag("experimentalPrivilegedNesting")? {
        bail!(
            "`experimentalPrivilegedNesting` of `Container.withExec` is not supported by poniard"
        );
    }
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
    };
    Ok(this.with_exec(engine, exec))
}

async fn from(engine: &Arc<Engine>, this: &Container, args: &Args) -> Result<Container> {
    if args.node("registryService")?.is_some() {
        bail!("`registryService` of `Container.from` is not supported by poniard");
    }
    let address = args.str("address")?;
    let auth = credentials(this).await?;
    let image = engine
        .images
        .get(&address, &this.config.platform, &auth, &engine.progress)
        .await?;
    let mut config = image.config;
    // What was set before stays.
    for (name, value) in &this.config.env {
        set(&mut config.env, name, value.clone());
    }
    for (name, value) in &this.config.labels {
        set(&mut config.labels, name, value.clone());
    }
    let mut container = Container {
        image_ref: Some(image.reference),
        rootfs: Fs::ready(image.rootfs),
        ..this.clone()
    };
    container.ports.extend(
        config
            .exposed_ports
            .iter()
            .filter_map(|text| network::parse_port(text)),
    );
    container.config = config;
    container.last = None;
    Ok(container)
}

async fn import(engine: &Arc<Engine>, this: &Container, args: &Args) -> Result<Container> {
    let source = args.file("source")?;
    let snapshot = source.fs.snapshot().await?;
    let (store, path) = (engine.store.clone(), source.path.clone());
    let (mount, host_path) = blocking(move || {
        let mount = store.mount(&snapshot)?;
        let host_path = mount.tree().host_path(&path)?;
        Ok((mount, host_path))
    })
    .await?;
    let image = engine.images.import(&host_path, &args.text("tag")?).await?;
    drop(mount);
    Ok(Container {
        rootfs: Fs::ready(image.rootfs),
        config: image.config,
        last: None,
        ..this.clone()
    })
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
fn registry_host(address: &str) -> String {
    let address = address.split("://").last().unwrap_or(address);
    let first = address.split('/').next().unwrap_or(address);
    let is_host = first.contains(['.', ':']) || first == "localhost" || !address.contains('/');
    if is_host {
        first.to_owned()
    } else {
        "docker.io".to_owned()
    }
}

fn variants(this: &Arc<Container>, args: &Args) -> Result<Vec<Arc<Container>>> {
    let mut all: Vec<Arc<Container>> = args
        .nodes("platformVariants")?
        .into_iter()
        .map(|node| node.container())
        .collect::<Result<_>>()?;
    if all.is_empty() {
        all.push(this.clone());
    }
    Ok(all)
}

fn compression(args: &Args) -> Result<Compression> {
    Ok(match args.text("forcedCompression")?.as_str() {
        "" | "Gzip" => Compression::Gzip,
        "Zstd" => Compression::Zstd,
        "Uncompressed" => Compression::Uncompressed,
        other => bail!(
            "compression `{other}` is not supported by poniard: use Gzip, Zstd or Uncompressed"
        ),
    })
}

/// The container's configuration with what only containers know put in.
fn image_config(container: &Container) -> crate::image::ImageConfig {
    let mut config = container.config.clone();
    config.exposed_ports = container
        .ports
        .iter()
        .map(|port| format!("{}/{}", port.number, if port.udp { "udp" } else { "tcp" }))
        .collect();
    config
}

fn archive(engine: &Arc<Engine>, this: &Arc<Container>, args: &Args) -> Result<File> {
    let (containers, compression) = (variants(this, args)?, compression(args)?);
    let engine = engine.clone();
    let fs = Fs::lazy(async move {
        let mut images = Vec::new();
        let mut key = Hasher::new("archive-1").with(format!("{compression:?}"));
        for container in &containers {
            let (config, snapshot) = (image_config(container), container.rootfs.snapshot().await?);
            key = key.with(serde_json::to_string(&config)?).with(snapshot.id);
            images.push((config, snapshot));
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
            .archive(&images, compression, &annotations, &path)
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

async fn publish(engine: &Arc<Engine>, this: &Arc<Container>, args: &Args) -> Result<Answer> {
    if args.node("registryService")?.is_some() {
        bail!("`registryService` of `Container.publish` is not supported by poniard");
    }
    let mut images = Vec::new();
    for container in variants(this, args)? {
        images.push((image_config(&container), container.rootfs.snapshot().await?));
    }
    let address = args.str("address")?;
    let auth = credentials(this).await?;
    let compression = compression(args)?;
    let pushed = engine
        .images
        .push(
            &address,
            &images,
            compression,
            &this.annotations,
            &auth,
            &engine.progress,
        )
        .await?;
    Ok(pushed.into())
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
    let record = |(name, value): &(String, String)| {
        super::records::record(json!({"name": name, "value": value}))
    };
    Answer::Objects(type_name, pairs.iter().map(record).collect())
}

/// Docker's health check: `Test` is `["CMD", …]` or `["CMD-SHELL", text]`; times in ns.
fn healthcheck(config: Option<&Json>) -> Answer {
    let Some(config) = config else {
        return Answer::Null;
    };
    let test: Vec<String> = serde_json::from_value(config["Test"].clone()).unwrap_or_default();
    let shell = test.first().is_some_and(|word| word == "CMD-SHELL");
    let time = |name: &str| match config[name].as_u64().unwrap_or_default() {
        0 => String::new(),
        ns => format!("{}ms", ns / 1_000_000),
    };
    let record = json!({
        "args": test.iter().skip(1).collect::<Vec<_>>(),
        "shell": shell,
        "interval": time("Interval"),
        "timeout": time("Timeout"),
        "startPeriod": time("StartPeriod"),
        "startInterval": time("StartInterval"),
        "retries": config["Retries"].as_i64().unwrap_or_default(),
    });
    Answer::Object("HealthcheckConfig", super::records::record(record))
}

fn healthcheck_config(args: &Args) -> Result<Json> {
    let mut test = args.list("args")?;
    test.insert(
        0,
        if args.flag("shell")? {
            "CMD-SHELL"
        } else {
            "CMD"
        }
        .to_owned(),
    );
    let mut config = Map::new();
    config.insert("Test".to_owned(), test.into());
    for (name, key) in [
        ("interval", "Interval"),
        ("timeout", "Timeout"),
        ("startPeriod", "StartPeriod"),
        ("startInterval", "StartInterval"),
    ] {
        if let Some(text) = args.opt::<String>(name)? {
            let time = nanoseconds(&text).ok_or_else(|| {
                eyre!("argument `{name}`: `{text}` is no duration: expected a form like `30s` or `1m30s`")
            })?;
            config.insert(key.to_owned(), time.into());
        }
    }
    if let Some(retries) = args.opt::<i64>("retries")? {
        config.insert("Retries".to_owned(), retries.into());
    }
    Ok(Json::Object(config))
}

/// Reads `500ms`, `30s`, `1m30s`, `2h`.
fn nanoseconds(text: &str) -> Option<u64> {
    let mut total = 0u64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .filter(|at| *at > 0)?;
        let number: u64 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..]
            .find(|c: char| c.is_ascii_digit())
            .map_or(rest.len(), |at| digits + at);
        let unit: u64 = match &rest[digits..unit_end] {
            "ns" => 1,
            "us" | "µs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[unit_end..];
    }
    (!text.is_empty()).then_some(total)
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

    #[test]
    fn durations_of_health_checks_are_read() {
        assert_eq!(nanoseconds("1m30s"), Some(90_000_000_000));
        assert_eq!(nanoseconds("500ms"), Some(500_000_000));
        assert_eq!(nanoseconds("5 apples"), None);
    }
}
