//! What a host directory holds, with the content of every file.

use std::ffi::OsString;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use eyre::Result;

use super::index::{Index, Known, Names, Stamp};
use super::list::list;
use super::stage::Stage;
use crate::store::error::PathContext;
use crate::store::filter::Filter;
use crate::store::tree::{Kind, Node, Payload, Stat, contents_of, entries_digest, plain_root};
use crate::store::{Content, Digest, Store};

/// One file, as it is to be in the store.
pub(super) struct Entry {
    pub name: OsString,
    pub meta: Metadata,
    pub node: Node,
    /// Whether its stamp may stand for its content from now on.
    pub settled: bool,
    /// What the index has of a file at its path.
    pub known: Option<Known>,
    /// For a directory: its number in the scan.
    pub below: Option<usize>,
    /// Otherwise it counts only when something below it does.
    pub kept: bool,
    /// A copy of the content.
    pub staged: Option<PathBuf>,
}

impl Entry {
    /// Of what is in the directory `host`. Nothing for what is not taken over.
    pub fn new(name: OsString, meta: Metadata, host: &Path) -> Result<Option<Self>> {
        let (kind, payload) = match Kind::of(&meta) {
            Kind::Regular => (0o100000, Payload::File(Content::UNKNOWN)),
            Kind::Directory => (0o40000, Payload::Dir),
            Kind::Symlink => {
                let link = host.join(&name);
                let target = std::fs::read_link(&link).at("read host file", &link)?;
                (0o120777, Payload::Link(target))
            }
            Kind::Other => return Ok(None),
        };
        let mode = if meta.is_symlink() {
            kind
        } else {
            kind | Stat::of(&meta).mode
        };
        let node = Node {
            mode,
            uid: 0,
            gid: 0,
            payload,
            xattrs: Vec::new(),
        };
        Ok(Some(Self {
            name,
            meta,
            node,
            settled: false,
            known: None,
            below: None,
            kept: true,
            staged: None,
        }))
    }

    /// Takes over what is known of a file that did not change.
    pub fn recall(&mut self, names: &mut Names<'_>) {
        if !self.meta.is_file() {
            return;
        }
        self.known = names.find(&self.name);
        if let Some(known) = &self.known
            && known.stamp == self.stamp()
        {
            self.node.payload = Payload::File(known.content);
            self.settled = true;
        }
    }

    pub fn stamp(&self) -> Stamp {
        Stamp::of(&self.meta)
    }

    pub fn content(&self) -> Option<Content> {
        match self.node.payload {
            Payload::File(content) => Some(content),
            _ => None,
        }
    }
}

/// The entries of one directory, in order.
#[derive(Default)]
pub(super) struct Dir {
    /// Relative to the root.
    pub path: PathBuf,
    pub entries: Vec<Entry>,
    /// That of the entries, where it is known already.
    digest: Option<Digest>,
}

impl Dir {
    /// What did not change is hashed at once, for there is a thread for it.
    pub fn new(path: PathBuf, entries: Vec<Entry>) -> Self {
        let is_known = |entry: &Entry| entry.settled || entry.meta.is_symlink();
        let names = || {
            let names = entries.iter();
            names.map(|entry| (entry.name.as_os_str(), entry.node.digest(None)))
        };
        let digest = entries
            .iter()
            .all(|entry| entry.kept && is_known(entry))
            .then(|| entries_digest(names()));
        Self {
            path,
            entries,
            digest,
        }
    }
}

/// What is scanned, on the host.
enum Source {
    Dir(PathBuf),
    File(PathBuf),
}

impl Source {
    /// Where a path of the store is.
    fn host(&self, path: &Path) -> PathBuf {
        match self {
            Self::Dir(root) => root.join(path),
            Self::File(file) => file.clone(),
        }
    }
}

/// A root's directories, each after the one that it is in.
pub(super) struct Scan {
    source: Source,
    pub dirs: Vec<Dir>,
    /// Large files that were new have a copy here.
    _stage: Stage,
}

impl Scan {
    pub fn of_dir(store: &Store, root: &Path, filter: &Filter, index: &Index) -> Result<Self> {
        let mut dirs = list(root, &filter.matcher()?, index)?;
        for number in (0..dirs.len()).rev() {
            let mut entries = std::mem::take(&mut dirs[number].entries);
            entries.retain(|entry| {
                let below = entry.below.and_then(|below| dirs.get(below));
                entry.kept || below.is_some_and(|dir| !dir.entries.is_empty())
            });
            dirs[number].entries = entries;
        }
        Self::hash(store, Source::Dir(root.to_owned()), dirs)
    }

    pub fn of_file(store: &Store, file: &Path, name: &str, index: &Index) -> Result<Self> {
        let meta = file.metadata().at("read host file", file)?;
        if !meta.is_file() {
            eyre::bail!(
                "cannot read host file `{}`: it is not a regular file",
                file.display()
            );
        }
        let mut dir = Dir::default();
        if let Some(mut entry) = Entry::new(name.into(), meta, Path::new(""))? {
            entry.recall(&mut index.dir(&dir.path));
            dir.entries.push(entry);
        }
        Self::hash(store, Source::File(file.to_owned()), vec![dir])
    }

    /// All of them: directories before what is in them. With the path in the store.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = (PathBuf, &Entry)> {
        self.dirs.iter().flat_map(|dir| {
            let path = |entry: &Entry| dir.path.join(&entry.name);
            dir.entries.iter().map(move |entry| (path(entry), entry))
        })
    }

    /// Where on the host a path of the store is.
    pub fn host(&self, path: &Path) -> PathBuf {
        self.source.host(path)
    }

    pub fn digest(&self) -> Digest {
        let mut digests: Vec<Digest> = Vec::with_capacity(self.dirs.len());
        // Those of the last directories first.
        for dir in self.dirs.iter().rev() {
            let below = |number: usize| digests.get(self.dirs.len() - 1 - number).copied();
            let digest = dir.digest.unwrap_or_else(|| {
                entries_digest(dir.entries.iter().map(|entry| {
                    let digest = entry.node.digest(entry.below.and_then(below));
                    (entry.name.as_os_str(), digest)
                }))
            });
            digests.push(digest);
        }
        plain_root().digest(digests.last().copied())
    }

    fn hash(store: &Store, source: Source, mut dirs: Vec<Dir>) -> Result<Self> {
        let mut stage = Stage::default();
        let mut files = Vec::new();
        let mut places = Vec::new();
        let begun = SystemTime::now();
        for (number, dir) in dirs.iter_mut().enumerate() {
            for (at, entry) in dir.entries.iter_mut().enumerate() {
                if !entry.meta.is_file() || entry.settled {
                    continue;
                }
                let file = source.host(&dir.path.join(&entry.name));
                if let Some((copy, content)) = stage.copy(store, &file, entry) {
                    entry.staged = Some(copy);
                    entry.found(&file, content, begun)?;
                } else {
                    files.push(file);
                    places.push((number, at));
                }
            }
        }
        let begun = SystemTime::now();
        for ((file, (dir, at)), content) in files.iter().zip(places).zip(contents_of(&files)) {
            dirs[dir].entries[at].found(file, content.at("read host file", file)?, begun)?;
        }
        Ok(Self {
            source,
            dirs,
            _stage: stage,
        })
    }
}

impl Entry {
    /// Takes over the content that was read after `begun`.
    fn found(&mut self, host: &Path, content: Content, begun: SystemTime) -> Result<()> {
        self.node.payload = Payload::File(content);
        let after = host.symlink_metadata().at("read host file", host)?;
        self.settled = Stamp::of(&after) == self.stamp() && is_old(&self.meta, begun);
        Ok(())
    }
}

/// A file that changed just now may change again without a new time: clocks of
/// file systems tick every few milliseconds, some every two seconds.
fn is_old(meta: &Metadata, now: SystemTime) -> bool {
    let age = |seconds: i64, nanos: i64| {
        let time = UNIX_EPOCH + Duration::new(seconds.max(0) as u64, nanos as u32);
        let tick = if nanos == 0 {
            Duration::from_secs(2)
        } else {
            Duration::from_millis(50)
        };
        now.duration_since(time).is_ok_and(|age| age > tick)
    };
    age(meta.mtime(), meta.mtime_nsec()) && age(meta.ctime(), meta.ctime_nsec())
}
