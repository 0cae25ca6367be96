//! What a host directory holds, with the digest of every file.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use eyre::Result;

use super::index::{Index, Stamp};
use crate::store::Digest;
use crate::store::error::PathContext;
use crate::store::filter::Filter;
use crate::store::tree::{Kind, Node, Payload, Stat, digest_files, root_digest};
use crate::store::walk::walk;

/// One file, as it is to be in the store.
pub(super) struct Entry {
    /// In the store, relative to the root.
    pub path: PathBuf,
    pub host: PathBuf,
    pub meta: Metadata,
    pub node: Node,
    /// Whether its stamp may stand for its content from now on.
    pub settled: bool,
}

impl Entry {
    pub fn stamp(&self) -> Stamp {
        Stamp::of(&self.meta)
    }

    pub fn content(&self) -> Option<Digest> {
        match self.node.payload {
            Payload::File(digest) => Some(digest),
            _ => None,
        }
    }
}

/// Parents first, names in order.
pub(super) struct Scan {
    pub entries: Vec<Entry>,
}

impl Scan {
    pub fn of_dir(root: &Path, filter: &Filter, index: &Index) -> Result<Self> {
        let mut entries = Vec::new();
        walk(root, filter, |path, meta| {
            entries.extend(entry(path.to_owned(), root.join(path), meta)?);
            Ok(())
        })?;
        Self::hash(entries, index)
    }

    pub fn of_file(file: &Path, name: &str, index: &Index) -> Result<Self> {
        let meta = file.metadata().at("read host file", file)?;
        let entry = entry(PathBuf::from(name), file.to_owned(), &meta)?;
        let Some(entry) = entry else {
            eyre::bail!(
                "cannot read host file `{}`: it is not a regular file",
                file.display()
            );
        };
        Self::hash(vec![entry], index)
    }

    pub fn digest(&self) -> Digest {
        let root = Node {
            mode: 0o40755,
            uid: 0,
            gid: 0,
            payload: Payload::Dir,
            xattrs: Vec::new(),
        };
        root_digest(
            &root,
            self.entries
                .iter()
                .map(|entry| (entry.path.as_path(), &entry.node)),
        )
    }

    fn hash(mut entries: Vec<Entry>, index: &Index) -> Result<Self> {
        let mut files = Vec::new();
        let mut places = Vec::new();
        for (place, entry) in entries.iter_mut().enumerate() {
            if !entry.meta.is_file() {
                continue;
            }
            match index.content(&entry.path, &entry.stamp()) {
                Some(content) => {
                    entry.node.payload = Payload::File(content);
                    entry.settled = true;
                }
                None => {
                    files.push(entry.host.clone());
                    places.push(place);
                }
            }
        }
        let begun = SystemTime::now();
        for (place, digest) in places.into_iter().zip(digest_files(&files)) {
            let entry = &mut entries[place];
            entry.node.payload = Payload::File(digest.at("read host file", &entry.host)?);
            let after = entry
                .host
                .symlink_metadata()
                .at("read host file", &entry.host)?;
            entry.settled = Stamp::of(&after) == entry.stamp() && is_old(&entry.meta, begun);
        }
        Ok(Self { entries })
    }
}

/// Nothing for what is not taken over.
fn entry(path: PathBuf, host: PathBuf, meta: &Metadata) -> Result<Option<Entry>> {
    let (kind, payload) = match Kind::of(meta) {
        Kind::Regular => (0o100000, Payload::File(Digest::from_bytes([0; 32]))),
        Kind::Directory => (0o40000, Payload::Dir),
        Kind::Symlink => (
            0o120777,
            Payload::Link(std::fs::read_link(&host).at("read host file", &host)?),
        ),
        Kind::Other => return Ok(None),
    };
    let mode = if meta.is_symlink() {
        kind
    } else {
        kind | Stat::of(meta).mode
    };
    let node = Node {
        mode,
        uid: 0,
        gid: 0,
        payload,
        xattrs: Vec::new(),
    };
    Ok(Some(Entry {
        path,
        host,
        meta: meta.clone(),
        node,
        settled: false,
    }))
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
