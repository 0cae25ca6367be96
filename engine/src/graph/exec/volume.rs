//! The directories of cache volumes.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use eyre::Result;

use super::Exec;
use crate::graph::container::{Mount, Mounted, Sharing};
use crate::graph::engine::blocking;
use crate::graph::{Directory, Engine, owner};
use crate::store::{Digest, Hasher, Lock};

/// Holds the volumes that only one may use at a time: each once, and in the same
/// order everywhere, so that no two commands wait for each other.
pub(super) async fn lock(engine: &Arc<Engine>, mounts: &[Mount]) -> Result<Vec<Lock>> {
    let locked = mounts.iter().filter_map(|mount| match &mount.what {
        Mounted::Cache {
            volume,
            sharing: Sharing::Locked,
            ..
        } => Some(volume.key),
        _ => None,
    });
    let mut locks = Vec::new();
    for key in locked.collect::<BTreeSet<_>>() {
        locks.push(engine.store.lock(&format!("volume-{}", key.hex())).await?);
    }
    Ok(locks)
}

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
        // Locked ones are held since before: see `lock`.
        Sharing::Shared | Sharing::Locked => (key, None),
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
        let owner = owner::of(engine, &exec.container.rootfs, owner).await?;
        let source = match source {
            Some(source) => Some((source.fs.snapshot().await?, source.path.clone())),
            None => None,
        };
        let (from, tree) = (store.clone(), crate::store::Tree::new(&dir));
        blocking(move || {
            if let Some((snapshot, path)) = source {
                let mount = from.mount(&snapshot)?;
                let all = Default::default();
                tree.copy_dir(&mount.tree(), &path, "", &all, owner, None)?;
            }
            match owner {
                Some(owner) => tree.chown("", owner),
                None => Ok(()),
            }
        })
        .await?;
        store.remember("volume", &key, &true)?;
    }
    Ok((dir, lock))
}
