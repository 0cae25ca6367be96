//! Frees space: what was not used for long, then what was used longest ago.
//!
//! Nothing goes away that a live process uses: it has noted so ([`super::used`]),
//! and the layers of entries that stay do so as well. Reading an entry sets its
//! time, by which entries are put in order.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use eyre::{Result, WrapErr};

use super::cache::Entry;
use super::filter::Filter;
use super::used::Held;
use super::walk::walk;
use super::{Store, error};

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

struct Found {
    path: PathBuf,
    used: SystemTime,
    layers: Vec<String>,
}

impl Store {
    /// Removes what `prune` allows and no live process uses.
    pub fn prune(&self, prune: &Prune) -> Result<Pruned> {
        Pruning::begin(self.root(), self.session_dir())?.run(prune)
    }

    /// As [`Store::prune`] of the state directory `root`, also when its disk is
    /// so full that no process can begin there.
    pub fn prune_at(root: &Path, prune: &Prune) -> Result<Pruned> {
        match Self::open(root) {
            Ok(store) => store.prune(prune),
            Err(error) if error::is_full(&error) => {
                let root = root.canonicalize()?;
                Pruning::begin(&root, &root.join("tmp"))?.run(prune)
            }
            Err(error) => Err(error),
        }
    }

    /// Notes that a directory of a module is used now; false when it is gone.
    pub fn mark_used(&self, dir: &Path) -> bool {
        // Of a state that cannot be written nothing is pruned either.
        let _ = self.note([dir]);
        let now = rustix::fs::Timespec {
            tv_sec: 0,
            tv_nsec: rustix::fs::UTIME_NOW,
        };
        let now = rustix::fs::Timestamps {
            last_access: now,
            last_modification: now,
        };
        let _ = rustix::fs::utimensat(rustix::fs::CWD, dir, &now, rustix::fs::AtFlags::empty());
        dir.exists()
    }

    /// Size in bytes (its share of files with several links) and age of every layer.
    pub(super) fn layer_sizes(&self) -> Result<HashMap<String, (u64, SystemTime)>> {
        layer_sizes(self.root())
    }

    /// Takes a directory out of its place at once, then removes it.
    pub(super) fn discard(&self, path: &Path) -> Result<()> {
        let away = self
            .session_dir()
            .join(path.file_name().unwrap_or_default());
        std::fs::rename(path, &away)
            .and_then(|()| std::fs::remove_dir_all(&away))
            .wrap_err_with(|| format!("cannot remove `{}`", path.display()))
    }
}

/// Removes layers that nothing refers to: what was made while the disk filled up.
pub(super) fn make_room(root: &Path, away: &Path) -> Result<()> {
    Pruning::begin(root, away)?.unreferenced()
}

/// One at a time for a state directory.
struct Pruning<'a> {
    root: &'a Path,
    /// Where directories go first, on the same disk.
    away: &'a Path,
    now: SystemTime,
    gone: Vec<PathBuf>,
    pruned: Pruned,
    _gate: File,
}

impl<'a> Pruning<'a> {
    fn begin(root: &'a Path, away: &'a Path) -> Result<Self> {
        let gate = File::create(root.join("locks/prune"))?;
        gate.lock().wrap_err("cannot wait for another prune")?;
        Ok(Self {
            root,
            away,
            now: SystemTime::now(),
            gone: Vec::new(),
            pruned: Pruned::default(),
            _gate: gate,
        })
    }

    fn run(mut self, prune: &Prune) -> Result<Pruned> {
        let limit = self
            .now
            .checked_sub(prune.unused_for)
            .unwrap_or(SystemTime::UNIX_EPOCH);
        let sizes = layer_sizes(self.root)?;
        let mut entries = self.entries()?;
        entries.sort_by_key(|entry| entry.used);
        let mut uses: HashMap<String, usize> = HashMap::new();
        for layer in entries.iter().flat_map(|entry| &entry.layers) {
            *uses.entry(layer.clone()).or_default() += 1;
        }
        let mut size: u64 = sizes.values().map(|(size, _)| size).sum();
        // From here on whoever looks for something waits, until it has left its place.
        let held = Held::take(self.root)?;
        if prune.volumes {
            self.volumes(&held, limit)?;
        }
        for entry in entries {
            if prune.keep_bytes.is_some_and(|keep| size <= keep) || entry.used > limit {
                break;
            }
            let stays = held.has(self.root, &entry.path)
                || self.time_of(&entry.path).is_none_or(|used| used > limit);
            if stays || std::fs::remove_file(&entry.path).is_err() {
                continue;
            }
            self.pruned.entries += 1;
            for layer in entry.layers {
                if let Some(left) = uses.get_mut(&layer) {
                    *left -= 1;
                    if *left == 0 {
                        uses.remove(&layer);
                        size -= sizes.get(&layer).map_or(0, |(bytes, _)| *bytes).min(size);
                    }
                }
            }
        }
        let unused = sizes.keys().filter(|name| !uses.contains_key(*name));
        self.layers(&held, unused)?;
        self.indexes(limit)?;
        if prune.keep_bytes.is_none_or(|keep| size > keep) {
            self.modules(&held, limit)?;
        }
        drop(held);
        self.finish()
    }

    /// Only layers that no entry refers to.
    fn unreferenced(mut self) -> Result<()> {
        let names = layer_names(self.root)?;
        let used: HashSet<String> = self
            .entries()?
            .into_iter()
            .flat_map(|entry| entry.layers)
            .collect();
        let held = Held::take(self.root)?;
        self.layers(&held, names.iter().filter(|name| !used.contains(*name)))?;
        drop(held);
        self.finish().map(drop)
    }

    fn layers<'n>(&mut self, held: &Held, names: impl Iterator<Item = &'n String>) -> Result<()> {
        for name in names {
            let path = self.root.join("layers").join(name);
            if !held.has(self.root, &path) {
                self.move_away(&path)?;
                self.pruned.layers += 1;
            }
        }
        Ok(())
    }

    fn volumes(&mut self, held: &Held, limit: SystemTime) -> Result<()> {
        for entry in std::fs::read_dir(self.root.join("volumes"))? {
            let entry = entry?;
            let mark = self.root.join("index/volumes").join(entry.file_name());
            let is_young = self.time_of(&mark).is_some_and(|used| used > limit);
            if is_young || held.has(self.root, &entry.path()) {
                continue;
            }
            self.move_away(&entry.path())?;
            let _ = std::fs::remove_file(mark);
            self.pruned.volumes += 1;
        }
        Ok(())
    }

    /// Removes binaries of modules, and modules from git.
    fn modules(&mut self, held: &Held, limit: SystemTime) -> Result<()> {
        for kind in MODULES {
            let Ok(all) = std::fs::read_dir(self.root.join(kind)) else {
                continue;
            };
            for entry in all {
                let path = entry?.path();
                let is_old = self.time_of(&path).is_some_and(|used| used <= limit);
                if is_old && !held.has(self.root, &path) {
                    self.move_away(&path)?;
                    self.pruned.modules += 1;
                }
            }
        }
        Ok(())
    }

    /// Forgets directories that were not imported for long.
    fn indexes(&self, limit: SystemTime) -> Result<()> {
        for entry in std::fs::read_dir(self.root.join("index"))? {
            let path = entry?.path();
            let is_index = path.extension().is_some_and(|ext| ext == "import");
            if is_index && self.time_of(&path).is_some_and(|used| used < limit) {
                std::fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn entries(&self) -> Result<Vec<Found>> {
        let mut entries = Vec::new();
        let root = self.root.join("cache");
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
                    used: meta.modified()?.min(self.now),
                    layers,
                });
            }
            Ok(())
        })?;
        Ok(entries)
    }

    /// When something was last used: now at the latest, for a clock may have been wrong.
    fn time_of(&self, path: &Path) -> Option<SystemTime> {
        let time = path.metadata().and_then(|meta| meta.modified()).ok()?;
        Some(time.min(self.now))
    }

    /// Takes a directory out of its place, at once and without a byte of the disk.
    fn move_away(&mut self, path: &Path) -> Result<()> {
        let kind = path.parent().and_then(Path::file_name).unwrap_or_default();
        let mut name = std::ffi::OsString::from("gone-");
        name.push(kind);
        name.push("-");
        name.push(path.file_name().unwrap_or_default());
        let away = self.away.join(name);
        if away.exists() {
            std::fs::remove_dir_all(&away)?;
        }
        std::fs::rename(path, &away)
            .wrap_err_with(|| format!("cannot remove `{}`", path.display()))?;
        self.gone.push(away);
        Ok(())
    }

    /// Removes what was moved away.
    fn finish(mut self) -> Result<Pruned> {
        for dir in self.gone {
            // Whoever begins now may sweep it at the same time.
            self.pruned.bytes += size_of(&dir).unwrap_or(0);
            let removed = std::fs::remove_dir_all(&dir);
            if dir.exists() {
                removed.wrap_err_with(|| format!("cannot remove `{}`", dir.display()))?;
            }
        }
        Ok(self.pruned)
    }
}

fn layer_names(root: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(root.join("layers"))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

fn layer_sizes(root: &Path) -> Result<HashMap<String, (u64, SystemTime)>> {
    let mut sizes = HashMap::new();
    for name in layer_names(root)? {
        let path = root.join("layers").join(&name);
        // Another process may have just taken it away.
        let Ok(meta) = path.metadata() else { continue };
        let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(meta.ctime().max(0) as u64 + 1);
        sizes.insert(name, (size_of(&path)?, changed));
    }
    Ok(sizes)
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
