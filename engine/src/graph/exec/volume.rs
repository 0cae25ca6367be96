//! The directories of cache volumes.

use std::path::PathBuf;
use std::sync::Arc;

use eyre::Result;

use super::Exec;
use crate::graph::container::Sharing;
use crate::graph::{Directory, Engine, owner};
use crate::store::{Digest, Hasher, Lock};

/// The directory of a cache volume, held as its sharing mode says.
pub(super) async fn dir(
    engine: &Arc<Engine>,
    exec: &Exec,
    key: Digest,
    sharing: Sharing,
    source: Option<&Directory>,
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
        let owner = owner::of(engine, &exec.container.rootfs, owner).await?;
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
