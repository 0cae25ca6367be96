//! What is known of an imported directory's files: which content a file had
//! when it had this size and these times, and which layer has a copy of it.
//!
//! It is read in one go and looked through in the order of the names, as
//! directories are listed. A damaged or foreign index file counts as empty.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::ops::Range;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::scan::{Dir, Scan};
use crate::store::Content;

const MAGIC: &[u8] = b"poniard import index 3\n";

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

/// A file as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub stamp: Stamp,
    pub content: Content,
    /// Number of the layer that has the file at the same path.
    layer: u32,
}

#[derive(Debug, Default)]
pub(super) struct Index {
    bytes: Vec<u8>,
    /// The empty name stands for none.
    layers: Vec<String>,
    /// Where the files of each directory are.
    dirs: HashMap<PathBuf, Range<usize>>,
}

/// Files by directory and name.
type Files = BTreeMap<PathBuf, BTreeMap<OsString, Known>>;

impl Index {
    pub fn load(path: &Path) -> Self {
        std::fs::read(path)
            .ok()
            .and_then(Self::decode)
            .unwrap_or_default()
    }

    /// The files of a directory.
    pub fn dir(&self, dir: &Path) -> Names<'_> {
        let place = self.dirs.get(dir).cloned();
        let bytes = place.and_then(|place| self.bytes.get(place));
        Names {
            rest: bytes.unwrap_or_default(),
            next: None,
        }
    }

    /// The layer that has this content at the path where it was known.
    pub fn layer(&self, known: &Known, content: Content) -> Option<&str> {
        let layer = self.layers.get(known.layer as usize)?;
        (known.content == content && !layer.is_empty()).then_some(layer)
    }

    /// The index's bytes after a scan all of which is in `layer`. Nothing when
    /// they are the same.
    pub fn update(&self, scan: &Scan, layer: Option<&String>) -> Option<Vec<u8>> {
        let layer = layer.map_or("", String::as_str);
        let number = self.layers.iter().position(|known| known == layer);
        let is_same = |dir: &Dir| {
            seen(dir).all(|(_, known, before)| {
                before.is_some_and(|before| {
                    number == Some(before.layer as usize)
                        && (before.stamp, before.content) == (known.stamp, known.content)
                })
            })
        };
        if scan.dirs.iter().all(is_same) {
            return None;
        }
        let mut layers = self.layers.clone();
        let number = number.unwrap_or_else(|| {
            layers.push(layer.to_owned());
            layers.len() - 1
        }) as u32;
        let mut files = self.files(scan);
        for dir in &scan.dirs {
            let names = files.entry(dir.path.clone()).or_default();
            for (name, known, _) in seen(dir) {
                let layer = number;
                names.insert(name.to_owned(), Known { layer, ..known });
            }
        }
        Some(encode(&files, &layers))
    }

    /// All files, if those that are not in the scan are not too many.
    fn files(&self, scan: &Scan) -> Files {
        let mut files: Files = self
            .dirs
            .keys()
            .map(|dir| (dir.clone(), self.dir(dir).collect()))
            .collect();
        let all: usize = files.values().map(BTreeMap::len).sum();
        let seen: usize = scan.dirs.iter().map(|dir| seen(dir).count()).sum();
        if all > seen + MAX_UNSEEN {
            files.clear();
        }
        files
    }

    fn decode(bytes: Vec<u8>) -> Option<Self> {
        let mut rest = bytes.strip_prefix(MAGIC)?;
        let mut layers = Vec::new();
        for _ in 0..u32::from_le_bytes(array(&mut rest)?) {
            layers.push(String::from_utf8(text(&mut rest)?.to_vec()).ok()?);
        }
        let mut dirs = HashMap::new();
        while !rest.is_empty() {
            let path = PathBuf::from(OsString::from_vec(text(&mut rest)?.to_vec()));
            let files = text(&mut rest)?.len();
            let end = bytes.len() - rest.len();
            dirs.insert(path, end - files..end);
        }
        Some(Self {
            bytes,
            layers,
            dirs,
        })
    }
}

/// What is to be remembered of a directory's files, and what was known of them.
fn seen(dir: &Dir) -> impl Iterator<Item = (&OsStr, Known, Option<Known>)> {
    dir.entries.iter().filter_map(|entry| {
        let known = Known {
            stamp: entry.stamp(),
            content: entry.content().filter(|_| entry.settled)?,
            layer: 0,
        };
        Some((entry.name.as_os_str(), known, entry.known))
    })
}

/// A directory's files, to be asked for in order.
pub(super) struct Names<'a> {
    rest: &'a [u8],
    next: Option<(&'a OsStr, Known)>,
}

impl<'a> Names<'a> {
    pub fn find(&mut self, name: &OsStr) -> Option<Known> {
        loop {
            let (next, known) = match self.next {
                Some(next) => next,
                None => self.read()?,
            };
            self.next = None;
            match next.cmp(name) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => return Some(known),
                std::cmp::Ordering::Greater => {
                    self.next = Some((next, known));
                    return None;
                }
            }
        }
    }

    fn read(&mut self) -> Option<(&'a OsStr, Known)> {
        let rest = &mut self.rest;
        let name = OsStr::from_bytes(text(rest)?);
        let stamp = Stamp {
            device: u64::from_le_bytes(array(rest)?),
            inode: u64::from_le_bytes(array(rest)?),
            size: u64::from_le_bytes(array(rest)?),
            mtime_ns: i128::from_le_bytes(array(rest)?),
            ctime_ns: i128::from_le_bytes(array(rest)?),
        };
        let known = Known {
            stamp,
            content: Content::from_bytes(array(rest)?),
            layer: u32::from_le_bytes(array(rest)?),
        };
        Some((name, known))
    }
}

impl Iterator for Names<'_> {
    type Item = (OsString, Known);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, known) = self.next.take().or_else(|| self.read())?;
        Some((name.to_owned(), known))
    }
}

fn encode(files: &Files, layers: &[String]) -> Vec<u8> {
    let all = || files.values().flat_map(BTreeMap::values);
    let mut used: Vec<u32> = all().map(|known| known.layer).collect();
    used.sort_unstable();
    used.dedup();
    let mut out = MAGIC.to_vec();
    out.extend((used.len() as u32).to_le_bytes());
    for layer in &used {
        let name = layers.get(*layer as usize).map_or("", String::as_str);
        put_text(&mut out, name.as_bytes());
    }
    for (dir, names) in files {
        put_text(&mut out, dir.as_os_str().as_bytes());
        let mut records = Vec::new();
        for (name, known) in names {
            put_text(&mut records, name.as_bytes());
            let stamp = &known.stamp;
            for number in [stamp.device, stamp.inode, stamp.size] {
                records.extend(number.to_le_bytes());
            }
            for time in [stamp.mtime_ns, stamp.ctime_ns] {
                records.extend(time.to_le_bytes());
            }
            records.extend(known.content.bytes());
            let layer = used.binary_search(&known.layer).unwrap_or_default();
            records.extend((layer as u32).to_le_bytes());
        }
        put_text(&mut out, &records);
    }
    out
}

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text);
}

fn array<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(*head)
}

fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u32::from_le_bytes(array(rest)?) as usize;
    let (head, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_reads_back_and_one_of_another_version_counts_as_none() {
        let stamp = Stamp {
            device: 1,
            inode: 2,
            size: 3,
            mtime_ns: -4,
            ctime_ns: 5,
        };
        let content = Content::from_bytes([6; 32]);
        let layer = 0;
        let known = Known {
            stamp,
            content,
            layer,
        };
        let names = BTreeMap::from([("file".into(), known)]);
        let mut bytes = encode(&[("dir".into(), names)].into(), &["layer".into()]);
        let index = Index::decode(bytes.clone()).expect("reads");
        assert_eq!(
            index.dir(Path::new("dir")).find("file".as_ref()),
            Some(known)
        );
        assert_eq!(index.layer(&known, content), Some("layer"));
        bytes[MAGIC.len() - 2] -= 1;
        assert!(Index::decode(bytes).is_none());
    }
}
