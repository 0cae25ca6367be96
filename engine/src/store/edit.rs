//! Work that is done once for a key, and identities made of content.

use std::sync::Arc;

use eyre::{Result, WrapErr};

use super::{Digest, Hasher, Snapshot, Store, Tree};

impl Store {
    /// The snapshot that `change` makes of `base`, remembered under `key`.
    /// Runs once at a time for a key, over all processes.
    ///
    /// Files of the tree may share their data with other snapshots: change them
    /// through [`Tree`], or replace them, but never write into them in place.
    pub async fn edit(
        self: &Arc<Self>,
        key: Digest,
        base: &Snapshot,
        change: impl FnOnce(&Tree) -> Result<()> + Send + 'static,
    ) -> Result<Snapshot> {
        let base = base.clone();
        self.once("edit", key, move |store| {
            let mount = if base.layers.is_empty() {
                store.plain_rw()?
            } else {
                store.mount_rw(&base)?
            };
            change(&mount.tree())?;
            mount.commit(key)
        })
        .await
    }

    /// The same files under an identity made of their content (names, modes,
    /// owners, bytes; not times), so that equal results of different work are
    /// one for whatever comes after. `path` chooses a directory of `snapshot`,
    /// which becomes the root of the result.
    pub async fn by_content(self: &Arc<Self>, snapshot: &Snapshot, path: &str) -> Result<Snapshot> {
        let path = super::tree::clean(path).to_string_lossy().into_owned();
        let key = Hasher::new("subtree-1")
            .with(snapshot.id)
            .with(&path)
            .digest();
        let snapshot = snapshot.clone();
        self.once("subtree", key, move |store| {
            let mount = store.mount(&snapshot)?;
            mount.tree().require_dir(&path)?;
            let id = mount.tree().digest(&path)?;
            if let Some(known) = store.cached("content", &id) {
                return Ok(known);
            }
            let layers = match path.as_str() {
                _ if id == Self::scratch().id => Vec::new(),
                "" => snapshot.layers.clone(),
                path => vec![store.flatten(&snapshot, path)?],
            };
            let result = Snapshot { id, layers };
            store.remember("content", &id, &result)?;
            Ok(result)
        })
        .await
    }

    /// The remembered snapshot `key` of `kind`, or what `work` makes.
    pub(super) async fn once(
        self: &Arc<Self>,
        kind: &'static str,
        key: Digest,
        work: impl FnOnce(&Arc<Self>) -> Result<Snapshot> + Send + 'static,
    ) -> Result<Snapshot> {
        if let Some(known) = self.cached(kind, &key) {
            return Ok(known);
        }
        let lock = self.lock(&format!("{kind}-{}", key.hex())).await?;
        if let Some(known) = self.cached(kind, &key) {
            return Ok(known);
        }
        let store = self.clone();
        blocking(move || {
            // Held here, so that work goes on undisturbed when the caller gives up.
            let _lock = lock;
            let result = work(&store).map_err(|error| store.explain(error))?;
            store.remember(kind, &key, &result)?;
            Ok(result)
        })
        .await
    }
}

/// Runs work that waits for the disk.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .wrap_err("the work was cut short")?
}
