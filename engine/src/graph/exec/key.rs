//! What a command is known by.

use std::sync::Arc;

use eyre::Result;

use super::Exec;
use crate::exec::gpu;
use crate::graph::Engine;
use crate::graph::container::Mounted;
use crate::store::{Digest, Hasher};

impl Exec {
    /// Digest of everything that the command sees.
    pub async fn key(&self, engine: &Arc<Engine>) -> Result<Digest> {
        let container = &self.container;
        // Whoever runs it asks for this first: nothing is made for a command that cannot run.
        gpu::require(&container.gpus)?;
        let mut hasher = Hasher::new("exec-1")
            .with(container.rootfs.snapshot().await?.id)
            .with(&container.config.platform)
            .with(&container.config.workdir)
            .with(&container.config.user)
            .with(&self.stdin)
            .with(format!(
                "{:?} {:?} {:?} {:?} {} {}{}",
                self.redirect_stdin,
                self.redirect_stdout,
                self.redirect_stderr,
                self.expect,
                self.privileged,
                self.no_init,
                // Nothing more unless asked for: what was kept stays known.
                if self.nested { " nested" } else { "" }
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
        if !container.gpus.is_empty() {
            hasher = hasher.with("gpus").with_all(container.gpus.iter());
        }
        Ok(hasher.digest())
    }
}
