//! Frees space: what was not used for long, then what was used longest ago.
//!
//! Nothing goes away that a live process may use: reading an entry sets its
//! time, and everything used since the oldest live session began is kept, with
//! the layers that it refers to.

use std::collections::{HashMap, HashSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use eyre::{Result, WrapErr};

use super::cache::Entry;
use super::filter::Filter;
use super::walk::walk;
use super::{Store, session};

/// What may go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prune {
    /// Only what was not used for this long.
    pub unused_for: Duration,
    /// Only as much as needed to get below this size in bytes.
    pub keep_bytes: Option<u64>,
    /// Cache volumes too.
    pub volumes: bool,
}

/// Where modules are kept; the time of an entry is that of its last use.
const MODULES: [&str; 2] = ["modules", "git-modules"];

/// What went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    pub entries: u64,
    pub layers: u64,
    pub volumes: u64,
    /// Binaries of modules, and modules from git.
    pub modules: u64,
    pub bytes: u64,
}

/// Times of files come from a coarser clock than those of sessions.
const SLACK: Duration = Duration::from_secs(1);

struct Found {
    path: PathBuf,
    used: SystemTime,
    layers: Vec<String>,
}

impl Store {
    /// Removes what `prune` allows and no live process uses.
    pub fn prune(&self, prune: &Prune) -> Result<Pruned> {
        let gate = std::fs::File::create(self.root().join("locks/prune"))?;
        gate.lock().wrap_err("cannot wait for another prune")?;
        let live = session::oldest(&self.root().join("tmp"))? - SLACK;
        let limit = SystemTime::now()
            .checked_sub(prune.unused_for)
            .unwrap_or(SystemTime::UNIX_EPOCH);
        let limit = limit.min(live);
        let mut pruned = Pruned::default();
        if prune.volumes {
            self.prune_volumes(limit, &mut pruned)?;
        }
        let sizes = self.layer_sizes()?;
        let mut entries = self.entries()?;
        entries.sort_by_key(|entry| entry.used);
        let mut uses: HashMap<String, usize> = HashMap::new();
        for layer in entries.iter().flat_map(|entry| &entry.layers) {
            *uses.entry(layer.clone()).or_default() += 1;
        }
        let mut size: u64 = sizes.values().map(|(size, _)| size).sum();
        for entry in entries {
            let enough = prune.keep_bytes.is_some_and(|keep| size <= keep);
            if enough || entry.used > limit {
                break;
            }
            if remove_entry(&entry.path, limit)? {
                pruned.entries += 1;
                for layer in entry.layers {
                    if let Some(left) = uses.get_mut(&layer) {
                        *left -= 1;
                        if *left == 0 {
                            size -= sizes.get(&layer).map_or(0, |(bytes, _)| *bytes).min(size);
                        }
                    }
                }
            }
        }
        self.prune_layers(&sizes, live, &mut pruned)?;
        self.prune_indexes(limit)?;
        if prune.keep_bytes.is_none_or(|keep| size > keep) {
            self.prune_modules(limit, &mut pruned)?;
        }
        Ok(pruned)
    }

    fn entries(&self) -> Result<Vec<Found>> {
        let mut entries = Vec::new();
        let root = self.root().join("cache");
        walk(&root, &Filter::default(), |path, meta| {
            if meta.is_file() {
                let path = root.join(path);
                let text = std::fs::read(&path).unwrap_or_default();
                // What cannot be read is of no use to anybody.
                let layers = serde_json::from_slice::<Entry<serde::de::IgnoredAny>>(&text)
                    .map(|entry| entry.layers)
                    .unwrap_or_default();
                entries.push(Found {
                    path,
                    used: meta.modified()?,
                    layers,
                });
            }
            Ok(())
        })?;
        Ok(entries)
    }

    /// Size (its share of files with several links) and age of every layer.
    pub(super) fn layer_sizes(&self) -> Result<HashMap<String, (u64, SystemTime)>> {
        let mut sizes = HashMap::new();
        for entry in std::fs::read_dir(self.root().join("layers"))? {
            let entry = entry?;
            let meta = entry.metadata()?;
            let changed =
                SystemTime::UNIX_EPOCH + Duration::from_secs(meta.ctime().max(0) as u64 + 1);
            let name = entry.file_name().to_string_lossy().into_owned();
            sizes.insert(name, (size_of(&entry.path())?, changed));
        }
        Ok(sizes)
    }

    /// Removes layers that no entry refers to any more.
    pub(super) fn prune_layers(
        &self,
        sizes: &HashMap<String, (u64, SystemTime)>,
        live: SystemTime,
        pruned: &mut Pruned,
    ) -> Result<()> {
        let used: HashSet<String> = self
            .entries()?
            .into_iter()
            .flat_map(|entry| entry.layers)
            .collect();
        for (name, (bytes, changed)) in sizes {
            if *changed < live && !used.contains(name) {
                self.discard(&self.layer_path(name))?;
                pruned.layers += 1;
                pruned.bytes += bytes;
            }
        }
        Ok(())
    }

    fn prune_volumes(&self, limit: SystemTime, pruned: &mut Pruned) -> Result<()> {
        for entry in std::fs::read_dir(self.root().join("volumes"))? {
            let entry = entry?;
            let mark = self.root().join("index/volumes").join(entry.file_name());
            let used = mark.metadata().and_then(|meta| meta.modified());
            if used.is_ok_and(|used| used > limit) {
                continue;
            }
            let bytes = size_of(&entry.path())?;
            self.discard(&entry.path())?;
            let _ = std::fs::remove_file(mark);
            pruned.volumes += 1;
            pruned.bytes += bytes;
        }
        Ok(())
    }

    /// Removes binaries of modules, and modules from git.
    fn prune_modules(&self, limit: SystemTime, pruned: &mut Pruned) -> Result<()> {
        for kind in MODULES {
            let Ok(all) = std::fs::read_dir(self.root().join(kind)) else {
                continue;
            };
            for entry in all {
                let entry = entry?;
                if entry.metadata()?.modified()? <= limit {
                    pruned.bytes += size_of(&entry.path())?;
                    pruned.modules += 1;
                    self.discard(&entry.path())?;
                }
            }
        }
        Ok(())
    }

    /// Notes that a directory of a module is used now.
    pub fn mark_used(&self, dir: &Path) {
        let now = rustix::fs::Timespec {
            tv_sec: 0,
            tv_nsec: rustix::fs::UTIME_NOW,
        };
        let now = rustix::fs::Timestamps {
            last_access: now,
            last_modification: now,
        };
        // Of a state that cannot be written nothing is pruned either.
        let _ = rustix::fs::utimensat(rustix::fs::CWD, dir, &now, rustix::fs::AtFlags::empty());
    }

    /// Forgets directories that were not imported for long.
    fn prune_indexes(&self, limit: SystemTime) -> Result<()> {
        for entry in std::fs::read_dir(self.root().join("index"))? {
            let entry = entry?;
            let old = entry.metadata()?.modified()? < limit;
            if old
                && entry
                    .path()
                    .extension()
                    .is_some_and(|extension| extension == "import")
            {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Takes a directory out of its place at once, then removes it.
    pub(super) fn discard(&self, path: &Path) -> Result<()> {
        let away = self.temp_dir()?;
        std::fs::rename(path, away.path().join("gone"))
            .wrap_err_with(|| format!("cannot remove `{}`", path.display()))
    }
}

/// Whether the entry went: not when somebody used it meanwhile.
fn remove_entry(path: &Path, limit: SystemTime) -> Result<bool> {
    let away = path.with_extension("gone");
    if std::fs::rename(path, &away).is_err() {
        return Ok(false);
    }
    if away.metadata()?.modified()? > limit {
        std::fs::rename(&away, path)?;
        return Ok(false);
    }
    std::fs::remove_file(&away)?;
    Ok(true)
}

/// Bytes on disk that go with the directory.
pub(super) fn size_of(dir: &Path) -> Result<u64> {
    let mut size = dir.metadata()?.blocks() * 512;
    walk(dir, &Filter::default(), |_, meta| {
        size += meta.blocks() * 512
            / if meta.is_dir() {
                1
            } else {
                meta.nlink().max(1)
            };
        Ok(())
    })?;
    Ok(size)
}
