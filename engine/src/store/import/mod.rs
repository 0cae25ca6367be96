//! Copies of host files, identified by content.
//!
//! [`scan`] has what a filter keeps, which [`list`] finds. [`index`] remembers
//! what was hashed and where its copy is, [`layer`] makes the layer of what is
//! new, for which [`stage`] has copies of large files.

mod index;
mod layer;
mod list;
mod scan;
mod stage;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use eyre::Result;

use super::edit::blocking;
use super::error::{PathContext, PathError};
use super::{Digest, Filter, Snapshot, Store};
use index::Index;
use scan::Scan;

/// How often a directory that changes meanwhile is read again.
const ATTEMPTS: usize = 3;

impl Store {
    /// Copies a host directory into the store. The id is made of the content.
    /// Unchanged files are neither read nor copied again. Everything belongs to
    /// root; sockets, pipes and devices are left out.
    pub async fn import_dir(self: &Arc<Self>, dir: &Path, filter: &Filter) -> Result<Snapshot> {
        filter.check()?;
        let shown = dir.display().to_string();
        let unreadable = |error| PathError::new("read host directory", &shown, error);
        let root = dir.canonicalize().map_err(unreadable)?;
        std::fs::read_dir(&root).map_err(unreadable)?;
        // What was made in a temporary directory of ours is meant to be kept, and
        // modules from git have files as others do.
        let ours = [self.session_dir().to_owned(), self.checkouts()];
        let is_meant = ours.iter().any(|dir| root.starts_with(dir));
        if root.starts_with(self.root()) && !is_meant {
            eyre::bail!(
                "cannot read host directory `{shown}`: it is part of the state directory `{}`",
                self.root().display()
            );
        }
        let mut filter = filter.clone();
        if let Ok(own) = self.root().strip_prefix(&root) {
            filter
                .exclude
                .push(super::pattern::escape(&own.to_string_lossy()));
        }
        let id = Digest::of(root.as_os_str().as_encoded_bytes());
        // One at a time for a directory: the second finds it hashed.
        let lock = self.lock(&format!("import-{}", id.hex())).await?;
        let store = self.clone();
        blocking(move || {
            let _lock = lock;
            let path = store
                .root()
                .join("index")
                .join(format!("{}.import", id.hex()));
            store
                .import(&root, &path, |index| {
                    Scan::of_dir(&store, &root, &filter, index)
                })
                .map_err(|error| store.explain(error))
        })
        .await
    }

    /// As [`Store::import_dir`] for one file, which gets the name `name`.
    pub async fn import_file(self: &Arc<Self>, file: &Path, name: &str) -> Result<Snapshot> {
        let shown = file.display().to_string();
        let real = file.canonicalize().at("read host file", &shown)?;
        if real.metadata().at("read host file", &shown)?.is_dir() {
            let error = rustix::io::Errno::ISDIR;
            return Err(PathError::new("read host file", &shown, error).into());
        }
        if Path::new(name).components().count() != 1 || [".", "..", "/"].contains(&name) {
            eyre::bail!("cannot read host file `{shown}` as `{name}`: that is no file name");
        }
        let (store, name) = (self.clone(), name.to_owned());
        blocking(move || {
            let id = Digest::of(real.as_os_str().as_encoded_bytes());
            let path = store
                .root()
                .join("index")
                .join(format!("{}.import", id.hex()));
            store
                .import(&real, &path, |index| {
                    Scan::of_file(&store, &real, &name, index)
                })
                .map_err(|error| store.explain(error))
        })
        .await
    }

    fn import(
        self: &Arc<Self>,
        root: &Path,
        index_path: &Path,
        scan: impl Fn(&Index) -> Result<Scan>,
    ) -> Result<Snapshot> {
        let index = Index::load(index_path);
        for _ in 0..ATTEMPTS {
            let scan = scan(&index)?;
            let id = scan.digest();
            let snapshot = match self.cached::<Snapshot>("content", &id) {
                Some(known) => known,
                None => match self.import_layer(&scan, &index)? {
                    Some(dir) => self.content_layer(id, dir)?,
                    None => continue,
                },
            };
            let layer = snapshot.layers.first();
            let layer = layer.filter(|_| snapshot.layers.len() == 1);
            if let Some(bytes) = index.update(&scan, layer) {
                self.write_state(index_path, &bytes)?;
            }
            return Ok(snapshot);
        }
        eyre::bail!(
            "cannot read `{}`: its files change while they are read; stop what writes there",
            root.display()
        )
    }
}
