//! What is known of an imported directory's files: which content a file had
//! when it had this size and these times, and which layer has a copy of it.
//!
//! A damaged or foreign index file counts as empty.

use std::collections::HashMap;
use std::fs::Metadata;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::scan::Scan;
use crate::store::Digest;

const MAGIC: &[u8] = b"poniard import index 1\n";

/// Files that were not seen lately are kept up to this number.
const MAX_UNSEEN: usize = 200_000;

/// Changes whenever a file's content does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    mtime_ns: i128,
    ctime_ns: i128,
}

impl Stamp {
    pub fn of(meta: &Metadata) -> Self {
        let nanos =
            |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        Self {
            device: meta.dev(),
            inode: meta.ino(),
            size: meta.len(),
            mtime_ns: nanos(meta.mtime(), meta.mtime_nsec()),
            ctime_ns: nanos(meta.ctime(), meta.ctime_nsec()),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    stamp: Stamp,
    content: Digest,
    /// Name of the layer that has the file at the same path; empty for none.
    layer: String,
}

#[derive(Debug, Default)]
pub(super) struct Index {
    files: HashMap<PathBuf, Known>,
    /// Whether it differs from what was loaded.
    pub changed: bool,
}

impl Index {
    pub fn load(path: &Path) -> Self {
        let files = std::fs::read(path)
            .ok()
            .and_then(|bytes| decode(&bytes))
            .unwrap_or_default();
        Self {
            files,
            changed: false,
        }
    }

    pub fn content(&self, path: &Path, stamp: &Stamp) -> Option<Digest> {
        self.files
            .get(path)
            .filter(|known| known.stamp == *stamp)
            .map(|known| known.content)
    }

    /// The layer with this content at this path.
    pub fn layer(&self, path: &Path, content: Digest) -> Option<&str> {
        let known = self
            .files
            .get(path)
            .filter(|known| known.content == content)?;
        (!known.layer.is_empty()).then_some(known.layer.as_str())
    }

    /// Takes over what was found, and that `layer` has it all.
    pub fn update(&mut self, scan: &Scan, layer: Option<&String>) {
        let files = scan
            .entries
            .iter()
            .filter(|entry| entry.settled && entry.content().is_some());
        let mut seen = 0;
        for entry in files {
            let Some(content) = entry.content() else {
                continue;
            };
            seen += 1;
            let known = Known {
                stamp: entry.stamp(),
                content,
                layer: layer.cloned().unwrap_or_default(),
            };
            if self.files.get(&entry.path) != Some(&known) {
                self.files.insert(entry.path.clone(), known);
                self.changed = true;
            }
        }
        if self.files.len() > seen + MAX_UNSEEN {
            let own: std::collections::HashSet<_> = scan
                .entries
                .iter()
                .map(|entry| entry.path.as_path())
                .collect();
            self.files.retain(|path, _| own.contains(path.as_path()));
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut layers: Vec<&str> = self
            .files
            .values()
            .map(|known| known.layer.as_str())
            .collect();
        layers.sort_unstable();
        layers.dedup();
        let mut out = MAGIC.to_vec();
        put(&mut out, &(layers.len() as u32).to_le_bytes());
        for layer in &layers {
            put_text(&mut out, layer.as_bytes());
        }
        for (path, known) in &self.files {
            put_text(&mut out, path.as_os_str().as_bytes());
            let Stamp {
                device,
                inode,
                size,
                mtime_ns,
                ctime_ns,
            } = known.stamp;
            for number in [device, inode, size] {
                put(&mut out, &number.to_le_bytes());
            }
            put(&mut out, &mtime_ns.to_le_bytes());
            put(&mut out, &ctime_ns.to_le_bytes());
            put(&mut out, known.content.bytes());
            let layer = layers
                .binary_search(&known.layer.as_str())
                .unwrap_or_default();
            put(&mut out, &(layer as u32).to_le_bytes());
        }
        out
    }
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(bytes);
}

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    put(out, &(text.len() as u32).to_le_bytes());
    put(out, text);
}

fn decode(bytes: &[u8]) -> Option<HashMap<PathBuf, Known>> {
    let mut rest = bytes.strip_prefix(MAGIC)?;
    let mut layers = Vec::new();
    for _ in 0..u32::from_le_bytes(array(&mut rest)?) {
        layers.push(String::from_utf8(text(&mut rest)?).ok()?);
    }
    let mut files = HashMap::new();
    while !rest.is_empty() {
        let path = PathBuf::from(std::ffi::OsString::from_vec(text(&mut rest)?));
        let stamp = Stamp {
            device: u64::from_le_bytes(array(&mut rest)?),
            inode: u64::from_le_bytes(array(&mut rest)?),
            size: u64::from_le_bytes(array(&mut rest)?),
            mtime_ns: i128::from_le_bytes(array(&mut rest)?),
            ctime_ns: i128::from_le_bytes(array(&mut rest)?),
        };
        let content = Digest::from_bytes(array(&mut rest)?);
        let layer = layers
            .get(u32::from_le_bytes(array(&mut rest)?) as usize)?
            .clone();
        files.insert(
            path,
            Known {
                stamp,
                content,
                layer,
            },
        );
    }
    Some(files)
}

fn array<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(*head)
}

fn text(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let length = u32::from_le_bytes(array(rest)?) as usize;
    let (head, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(head.to_vec())
}
