//! Commands: what they run in, what they leave, and remembering it.
//!
//! The cache key of a command is the digest of everything it sees: the content
//! of its file systems, arguments, variables, fingerprints of secrets, names of
//! cache volumes and services. Variables that are volatile do not count.

use std::path::PathBuf;
use std::sync::Arc;

use eyre::{Result, WrapErr, bail};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::container::{Container, Mounted, Sharing};
use super::directory::join;
use super::engine::{blocking, shown};
use super::fs::on_task;
use super::gate::Gate;
use super::{Engine, Failure, Fs};
use crate::exec::{Bind, Executor, Process, Running, SandboxError, SecretFile};
use crate::image::{Image, RecipeRunner};
use crate::net::Network;
use crate::progress::{Progress, Span};
use crate::store::{Digest, Hasher, Lock, MountRw, Snapshot, Store};

/// A command to be run in a container.
pub struct Exec {
    pub container: Container,
    pub args: Vec<String>,
    pub stdin: String,
    pub redirect_stdin: Option<String>,
    pub redirect_stdout: Option<String>,
    pub redirect_stderr: Option<String>,
    pub expect: Expect,
    pub privileged: bool,
    pub no_init: bool,
}

/// Which exit codes are fine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    Success,
    Failure,
    /// All but those of signals, 128 to 191.
    Any,
}

/// What a command left.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    pub root: Snapshot,
    /// By the place of the mount; none for what is not kept.
    pub mounts: Vec<Option<Snapshot>>,
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    pub combined: String,
}

/// A command under way, waited for by many.
pub type Shared = futures::future::Shared<BoxFuture<'static, Result<Arc<Outcome>, Failure>>>;

/// Prepares a command; it runs when somebody waits for it.
pub fn shared(engine: &Arc<Engine>, exec: Exec) -> Shared {
    let engine = engine.clone();
    async move { once(&engine, Arc::new(exec)).await.map_err(Failure::from) }
        .boxed()
        .shared()
}

pub async fn wait(shared: &Shared) -> Result<Arc<Outcome>> {
    Ok(on_task(shared.clone()).await?)
}

/// The root file system after the command.
pub fn root(shared: &Shared) -> Fs {
    let shared = shared.clone();
    Fs::lazy(async move { Ok(wait(&shared).await?.root.clone()) })
}

/// A mounted file system after the command.
pub fn mount(shared: &Shared, n: usize) -> Fs {
    let shared = shared.clone();
    Fs::lazy(async move {
        match wait(&shared).await?.mounts.get(n) {
            Some(Some(snapshot)) => Ok(snapshot.clone()),
            _ => bail!("mount {n} was not kept"),
        }
    })
}

/// Runs a command unless an equal one runs or ran.
async fn once(engine: &Arc<Engine>, exec: Arc<Exec>) -> Result<Arc<Outcome>> {
    let key = exec.key(engine).await?;
    let running = {
        let mut execs = engine
            .execs
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        execs
            .entry(key)
            .or_insert_with(|| {
                let (engine, exec) = (engine.clone(), exec.clone());
                async move { remembered(&engine, &exec, key).await.map_err(Failure::from) }
                    .boxed()
                    .shared()
            })
            .clone()
    };
    Ok(on_task(running).await?)
}

async fn remembered(engine: &Arc<Engine>, exec: &Exec, key: Digest) -> Result<Arc<Outcome>> {
    let name = shown(&exec.args);
    let cached = || engine.store.cached::<Outcome>("exec", &key);
    if let Some(outcome) = cached() {
        engine.progress.start(name).finish_cached();
        return Ok(Arc::new(outcome));
    }
    // One at a time over all processes: the second one finds it in the cache.
    let _lock = engine.store.lock(&format!("exec-{}", key.hex())).await?;
    if let Some(outcome) = cached() {
        engine.progress.start(name).finish_cached();
        return Ok(Arc::new(outcome));
    }
    let span = engine.progress.start(name);
    match run(engine, exec, key, &span).await {
        Ok(outcome) => {
            engine.store.remember("exec", &key, &outcome)?;
            span.finish();
            Ok(Arc::new(outcome))
        }
        Err(error) => {
            span.fail(error.to_string());
            Err(error)
        }
    }
}

impl Exec {
    /// Digest of everything that the command sees.
    pub async fn key(&self, engine: &Arc<Engine>) -> Result<Digest> {
        let container = &self.container;
        let mut hasher = Hasher::new("exec-1")
            .with(container.rootfs.snapshot().await?.id)
            .with(&container.config.platform)
            .with(&container.config.workdir)
            .with(&container.config.user)
            .with(&self.stdin)
            .with(format!(
                "{:?} {:?} {:?} {:?} {} {}",
                self.redirect_stdin,
                self.redirect_stdout,
                self.redirect_stderr,
                self.expect,
                self.privileged,
                self.no_init
            ))
            .with_all(self.args.iter())
            .with_all(
                container
                    .config
                    .env
                    .iter()
                    .map(|(name, value)| format!("{name}={value}")),
            );
        for (name, secret) in &container.secrets {
            hasher = hasher
                .with("secret")
                .with(name)
                .with(secret.fingerprint(engine).await?);
        }
        for mount in &container.mounts {
            hasher = hasher.with("mount").with(&mount.path);
            hasher = match &mount.what {
                Mounted::Directory {
                    directory,
                    read_only,
                } => hasher
                    .with(directory.fs.snapshot().await?.id)
                    .with(&directory.path)
                    .with([u8::from(*read_only)]),
                Mounted::File(file) => hasher.with(file.fs.snapshot().await?.id).with(&file.path),
                Mounted::Cache {
                    volume,
                    owner,
                    sharing,
                    source,
                } => {
                    let hasher = hasher
                        .with(volume.key)
                        .with(owner)
                        .with(format!("{sharing:?}"));
                    match source {
                        Some(source) => hasher
                            .with(source.fs.snapshot().await?.id)
                            .with(&source.path),
                        None => hasher,
                    }
                }
                Mounted::Temp { size } => hasher.with(format!("temp {size:?}")),
                Mounted::Secret {
                    secret,
                    owner,
                    mode,
                } => hasher
                    .with(secret.fingerprint(engine).await?)
                    .with(owner)
                    .with(mode.to_le_bytes()),
                Mounted::Socket { socket, owner } => hasher
                    .with(socket.path.as_os_str().as_encoded_bytes())
                    .with(owner),
            };
        }
        for (alias, service) in &container.services {
            hasher = hasher
                .with("service")
                .with(alias)
                .with(service.key(engine).await?);
        }
        Ok(hasher.digest())
    }

    fn judge(&self, code: i32) -> bool {
        match self.expect {
            Expect::Success => code == 0,
            Expect::Failure => (1..=127).contains(&code) || code > 191,
            Expect::Any => !(128..=191).contains(&code),
        }
    }
}

/// What must stay as long as a command runs.
pub struct Stage {
    root: MountRw,
    mounts: Vec<Option<(MountRw, Snapshot)>>,
    _read_only: Vec<crate::store::Mount>,
    _locks: Vec<Lock>,
}

async fn run(engine: &Arc<Engine>, exec: &Exec, key: Digest, span: &Span) -> Result<Outcome> {
    let stdin = match &exec.redirect_stdin {
        Some(path) => exec.container.file(engine, path)?.contents(engine).await?,
        None => exec.stdin.clone().into_bytes(),
    };
    let (stage, mut process) = stage(engine, exec).await?;
    process.stdin = stdin;
    let output = engine
        .gate
        .pass(engine.executor.run(process, span))
        .await
        .map_err(|error| sandbox(error, exec))?;

    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    if !exec.judge(output.code) {
        return Err(Failure::exec(&exec.args, output.code, &stdout, &stderr).into());
    }
    for (path, contents) in [
        (&exec.redirect_stdout, &output.stdout),
        (&exec.redirect_stderr, &output.stderr),
    ] {
        if let Some(path) = path {
            redirect(exec, &stage, &exec.container.absolute(path), contents)?;
        }
    }
    let Stage {
        root,
        mounts,
        _read_only,
        _locks,
    } = stage;
    blocking(move || {
        let part = |name: String| Hasher::new("outcome-1").with(key).with(name).digest();
        let kept = mounts
            .into_iter()
            .enumerate()
            .map(|(n, mount)| {
                mount
                    .map(|(mount, _)| mount.commit(part(format!("mount {n}"))))
                    .transpose()
            })
            .collect::<Result<_>>()?;
        Ok(Outcome {
            root: root.commit(part("root".to_owned()))?,
            mounts: kept,
            code: output.code,
            stdout,
            stderr,
            combined: text(&output.combined),
        })
    })
    .await
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A failure of the sandbox with the exit code that Dagger gives it.
fn sandbox(error: eyre::Report, exec: &Exec) -> eyre::Report {
    let code = match error.downcast_ref::<SandboxError>() {
        Some(SandboxError::User { .. }) => 255,
        Some(SandboxError::Command { .. }) => 1,
        _ => return error,
    };
    Failure::with_exec(Failure::of(&error).message, &exec.args, code, "", "").into()
}

/// Writes an output to a file of the container, which may be in a mount.
fn redirect(exec: &Exec, stage: &Stage, path: &str, contents: &[u8]) -> Result<()> {
    let inside = exec
        .container
        .mounts
        .iter()
        .enumerate()
        .find_map(|(n, mount)| {
            let rest = path.strip_prefix(mount.path.as_str())?.strip_prefix('/')?;
            match (&mount.what, stage.mounts.get(n)) {
                (Mounted::Directory { directory, .. }, Some(Some((mount, _)))) => {
                    Some((mount.tree(), join(&directory.path, rest)))
                }
                _ => None,
            }
        });
    let (tree, path) = inside.unwrap_or_else(|| (stage.root.tree(), path.to_owned()));
    tree.write(&path, contents, 0o644, None)
        .wrap_err_with(|| format!("cannot redirect output to `{path}`"))
}

/// Mounts everything and describes the process.
async fn stage(engine: &Arc<Engine>, exec: &Exec) -> Result<(Stage, Process)> {
    let container = &exec.container;
    let store = &engine.store;
    let root = store.mount_rw(&container.rootfs.snapshot().await?)?;
    let mut stage = Stage {
        root,
        mounts: Vec::new(),
        _read_only: Vec::new(),
        _locks: Vec::new(),
    };
    let (mut binds, mut temps, mut files, mut scrub) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for mount in &container.mounts {
        let target = PathBuf::from(&mount.path);
        let mut kept = None;
        match &mount.what {
            Mounted::Directory {
                directory,
                read_only: true,
            } => {
                let mounted = store.mount(&directory.fs.snapshot().await?)?;
                let source = mounted.tree().host_path(&directory.path)?;
                binds.push(Bind {
                    source,
                    target,
                    read_only: true,
                });
                stage._read_only.push(mounted);
            }
            Mounted::Directory {
                directory,
                read_only: false,
            } => {
                let snapshot = directory.fs.snapshot().await?;
                let mounted = store.mount_rw(&snapshot)?;
                let source = mounted.tree().host_path(&directory.path)?;
                binds.push(Bind {
                    source,
                    target,
                    read_only: false,
                });
                kept = Some((mounted, snapshot));
            }
            Mounted::File(file) => {
                let snapshot = file.fs.snapshot().await?;
                let mounted = store.mount_rw(&snapshot)?;
                let source = mounted.tree().host_path(&file.path)?;
                binds.push(Bind {
                    source,
                    target,
                    read_only: false,
                });
                kept = Some((mounted, snapshot));
            }
            Mounted::Cache {
                volume,
                source,
                sharing,
                owner,
            } => {
                let (dir, lock) =
                    volume_dir(engine, exec, volume.key, *sharing, source.as_ref(), owner).await?;
                stage._locks.extend(lock);
                binds.push(Bind {
                    source: dir,
                    target,
                    read_only: false,
                });
            }
            Mounted::Temp { size } => temps.push((target, *size)),
            Mounted::Secret {
                secret,
                owner,
                mode,
            } => {
                let plaintext = secret.plaintext().await?.as_bytes().to_vec();
                scrub.push(plaintext.clone());
                files.push(SecretFile {
                    path: target,
                    contents: plaintext,
                    mode: *mode,
                    owner: owner.clone(),
                });
            }
            Mounted::Socket { socket, .. } => {
                binds.push(Bind {
                    source: socket.path.clone(),
                    target,
                    read_only: false,
                });
            }
        }
        stage.mounts.push(kept);
    }
    let mut env = container.config.env.clone();
    if container.env("PATH").is_none() {
        env.push(("PATH".to_owned(), DEFAULT_PATH.to_owned()));
    }
    env.extend(container.volatile.iter().cloned());
    for (name, secret) in &container.secrets {
        let plaintext = secret.plaintext().await?;
        scrub.push(plaintext.as_bytes().to_vec());
        super::container::set(&mut env, name, plaintext.to_owned());
    }
    let mut hosts = Vec::new();
    for (alias, service) in &container.services {
        let started = engine.services.start(engine, service).await?;
        hosts.push((alias.clone(), started.address.into()));
        hosts.push((started.hostname.clone(), started.address.into()));
    }
    let workdir = if container.config.workdir.is_empty() {
        "/"
    } else {
        &container.config.workdir
    };
    let process = Process {
        args: exec.args.clone(),
        env,
        cwd: PathBuf::from(workdir),
        user: container.config.user.clone(),
        rootfs: stage.root.path().to_owned(),
        binds,
        temps,
        files,
        stdin: Vec::new(),
        scrub,
        hosts,
        privileged: exec.privileged,
        no_init: exec.no_init,
        attachment: engine.network.attach().await?,
        hostname: "container".to_owned(),
        hosts_file: None,
    };
    Ok((stage, process))
}

const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The directory of a cache volume, held as its sharing mode says.
async fn volume_dir(
    engine: &Arc<Engine>,
    exec: &Exec,
    key: Digest,
    sharing: Sharing,
    source: Option<&super::Directory>,
    owner: &str,
) -> Result<(PathBuf, Option<Lock>)> {
    let store = &engine.store;
    let (key, lock) = match sharing {
        Sharing::Shared => (key, None),
        Sharing::Locked => (
            key,
            Some(store.lock(&format!("volume-{}", key.hex())).await?),
        ),
        Sharing::Private => {
            let mut n = 0u32;
            loop {
                let own = if n == 0 {
                    key
                } else {
                    Hasher::new("volume-private-1")
                        .with(key)
                        .with(n.to_le_bytes())
                        .digest()
                };
                if let Some(lock) = store.try_lock(&format!("volume-{}", own.hex()))? {
                    break (own, Some(lock));
                }
                n += 1;
            }
        }
    };
    let dir = store.volume(&key)?;
    if source.is_none() && owner.is_empty() {
        return Ok((dir, lock));
    }
    // Filled once: by whoever comes first.
    let _filling = store.lock(&format!("fill-{}", key.hex())).await?;
    if store.cached::<bool>("volume", &key).is_none() {
        let tree = crate::store::Tree::new(&dir);
        let owner = super::owner::of(engine, &exec.container.rootfs, owner).await?;
        if let Some(source) = source {
            let mount = store.mount(&source.fs.snapshot().await?)?;
            tree.copy_dir(
                &mount.tree(),
                &source.path,
                "",
                &Default::default(),
                owner,
                None,
            )?;
        }
        if let Some(owner) = owner {
            tree.chown("", owner)?;
        }
        store.remember("volume", &key, &true)?;
    }
    Ok((dir, lock))
}

/// Starts a command as a service; gives what it needs and its address.
pub async fn spawn(
    engine: &Arc<Engine>,
    exec: &Exec,
    hostname: &str,
    span: Span,
) -> Result<(Running, Stage, std::net::Ipv4Addr)> {
    let (stage, mut process) = stage(engine, exec).await?;
    process.hostname = hostname.to_owned();
    let address = process.attachment.address;
    let running = engine
        .gate
        .pass(engine.executor.spawn(process, span))
        .await
        .map_err(|error| sandbox(error, exec))?;
    Ok((running, stage, address))
}

/// Runs the steps of image recipes.
pub struct Recipes {
    pub gate: Arc<Gate>,
    pub store: Arc<Store>,
    pub executor: Arc<Executor>,
    pub network: Arc<Network>,
}

#[async_trait::async_trait]
impl RecipeRunner for Recipes {
    async fn run(
        &self,
        base: &Image,
        script: &std::path::Path,
        args: &[String],
        inputs: &std::path::Path,
        caches: &[(PathBuf, PathBuf)],
        id: Digest,
        progress: &Progress,
    ) -> Result<Snapshot> {
        let root = self.store.mount_rw(&base.rootfs)?;
        let mut binds = vec![Bind {
            source: inputs.to_owned(),
            target: "/recipe".into(),
            read_only: true,
        }];
        binds.extend(caches.iter().map(|(source, target)| Bind {
            source: source.clone(),
            target: target.clone(),
            read_only: false,
        }));
        let mut command: Vec<String> = vec![
            "sh".into(),
            "-eu".into(),
            format!("/recipe/{}", script.display()),
        ];
        command.extend(args.iter().cloned());
        let span = progress.start(format!("recipe {}", shown(&command[2..])));
        let process = Process {
            args: command.clone(),
            env: base.config.env.clone(),
            cwd: "/".into(),
            user: String::new(),
            rootfs: root.path().to_owned(),
            binds,
            temps: Vec::new(),
            files: Vec::new(),
            stdin: Vec::new(),
            scrub: Vec::new(),
            hosts: Vec::new(),
            privileged: false,
            no_init: false,
            attachment: self.network.attach().await?,
            hostname: "recipe".to_owned(),
            hosts_file: None,
        };
        let output = self.gate.pass(self.executor.run(process, &span)).await?;
        if output.code != 0 {
            return Err(Failure::exec(
                &command,
                output.code,
                &text(&output.stdout),
                &text(&output.stderr),
            )
            .into());
        }
        blocking(move || root.commit(id)).await
    }
}
