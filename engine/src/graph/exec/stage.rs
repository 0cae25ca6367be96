//! Mounts what a command sees, and describes its process.

use std::path::PathBuf;
use std::sync::Arc;

use eyre::{OptionExt, Result, WrapErr, bail};

use super::{Exec, volume};
use crate::exec::{Bind, Process, SecretFile, gpu};
use crate::graph::Engine;
use crate::graph::container::{Mounted, set};
use crate::graph::directory::join;
use crate::graph::engine::{NestedSession, blocking};
use crate::store::{Lock, Mount, MountRw, Snapshot};

/// What must stay as long as a command runs.
pub struct Stage {
    pub(super) root: MountRw,
    pub(super) mounts: Vec<Option<(MountRw, Snapshot)>>,
    pub(super) _read_only: Vec<Mount>,
    pub(super) _locks: Vec<Lock>,
    pub(super) _session: Option<NestedSession>,
}

/// Writes an output to a file of the container, which may be in a mount.
pub(super) fn redirect(exec: &Exec, stage: &Stage, path: &str, contents: &[u8]) -> Result<()> {
    let (tree, path) = match exec.container.mount_of(path) {
        None => (stage.root.tree(), path.to_owned()),
        Some((n, rest)) => match (&exec.container.mounts[n].what, stage.mounts.get(n)) {
            (Mounted::Directory { directory, .. }, Some(Some((mount, _)))) => {
                (mount.tree(), join(&directory.path, &rest))
            }
            (Mounted::File(file), Some(Some((mount, _)))) if rest.is_empty() => {
                (mount.tree(), file.path.clone())
            }
            _ => bail!("cannot redirect output to `{path}`: the mount there is not kept"),
        },
    };
    tree.write(&path, contents, 0o644, None)
        .wrap_err_with(|| format!("cannot redirect output to `{path}`"))
}

/// Mounts everything and describes the process.
pub(super) async fn stage(engine: &Arc<Engine>, exec: &Exec) -> Result<(Stage, Process)> {
    let container = &exec.container;
    gpu::require(&container.gpus)?;
    let store = &engine.store;
    // What may take others to run comes before the turn.
    let locks = volume::lock(engine, &container.mounts).await?;
    let mut hosts = Vec::new();
    for (alias, service) in &container.services {
        let started = engine.services.start(engine, service).await?;
        hosts.push((alias.clone(), started.address.into()));
        hosts.push((started.hostname.clone(), started.address.into()));
    }
    let rootfs = container.rootfs.snapshot().await?;
    let turn = engine.executor.turn().await?;
    let (root, attachment) = {
        let store = store.clone();
        let mount = blocking(move || store.mount_rw(&rootfs));
        tokio::try_join!(mount, engine.network.attach())?
    };
    let mut stage = Stage {
        root,
        mounts: Vec::new(),
        _read_only: Vec::new(),
        _locks: locks,
        _session: None,
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
                    volume::dir(engine, exec, volume.key, *sharing, source.as_ref(), owner).await?;
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
    env.extend(container.volatile.iter().cloned());
    for (name, secret) in &container.secrets {
        let plaintext = secret.plaintext().await?;
        scrub.push(plaintext.as_bytes().to_vec());
        set(&mut env, name, plaintext.to_owned());
    }
    let workdir = if container.config.workdir.is_empty() {
        "/"
    } else {
        &container.config.workdir
    };
    let mut hosts_file = None;
    if exec.nested {
        let nesting = engine.nesting.get().ok_or_eyre("nobody serves the API")?;
        let listener = engine.network.listen_in(&attachment).await?;
        let port = listener.local_addr()?.port();
        let session = nesting.serve(listener)?;
        set(&mut env, "DAGGER_SESSION_PORT", port.to_string());
        set(&mut env, "DAGGER_SESSION_TOKEN", session.token.clone());
        scrub.push(session.token.clone().into_bytes());
        // What it starts has names for it, too.
        hosts_file = Some(engine.hosts.clone());
        stage._session = Some(session);
    }
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
        gpus: container.gpus.clone(),
        no_init: exec.no_init,
        attachment,
        hostname: "container".to_owned(),
        hosts_file,
        turn: Some(turn),
    };
    Ok((stage, process))
}
