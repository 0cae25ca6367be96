//! Digests of files: name, kind, mode, owner and content count, times do not.
//!
//! A directory's digest is made of those of its entries, so equal directories
//! have equal digests wherever they are.

use std::ffi::OsStr;
use std::fs::Metadata;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use eyre::Result;

use super::file::xattrs;
use super::{Kind, Stat, Tree};
use crate::store::error::PathContext;
use crate::store::filter::Filter;
use crate::store::hashed::Sum;
use crate::store::walk::walk;
use crate::store::{Content, Digest, Hasher};

/// What counts of a file besides its name.
pub(crate) struct Node {
    /// Kind and permission bits.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub payload: Payload,
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

pub(crate) enum Payload {
    File(Content),
    Link(PathBuf),
    Device(u64),
    /// Its entries follow.
    Dir,
}

impl Node {
    /// The digest, given that of the entries for a directory.
    pub fn digest(&self, entries: Option<Digest>) -> Digest {
        let mut hasher = Hasher::new("node-2");
        for number in [self.mode, self.uid, self.gid] {
            hasher.add(number.to_le_bytes());
        }
        match &self.payload {
            Payload::File(content) => hasher.add(content),
            Payload::Link(target) => hasher.add(target.as_os_str().as_bytes()),
            Payload::Device(number) => hasher.add(number.to_le_bytes()),
            Payload::Dir => hasher.add(entries.unwrap_or_else(no_entries)),
        }
        for (name, value) in &self.xattrs {
            hasher.add(name);
            hasher.add(value);
        }
        hasher.digest()
    }
}

/// Digest of the empty file system, whose root is root's and has mode 0755.
pub(crate) fn empty_digest() -> Digest {
    root_digest(&plain_root(), std::iter::empty::<(&Path, &Node)>())
}

/// The root of what is made anew.
pub(crate) fn plain_root() -> Node {
    Node {
        mode: 0o40755,
        uid: 0,
        gid: 0,
        payload: Payload::Dir,
        xattrs: Vec::new(),
    }
}

fn no_entries() -> Digest {
    entries_digest(std::iter::empty())
}

/// Digest of a directory's entries, of which names (in order) and digests are given.
pub(crate) fn entries_digest<'a>(entries: impl Iterator<Item = (&'a OsStr, Digest)>) -> Digest {
    let mut hasher = Hasher::new("dir-1");
    for (name, digest) in entries {
        hasher.add(name.as_bytes());
        hasher.add(digest);
    }
    hasher.digest()
}

/// Digest of a directory of which all files below are given: parents first and
/// names in order, as [`walk`] visits them.
fn root_digest<'a>(root: &Node, entries: impl Iterator<Item = (&'a Path, &'a Node)>) -> Digest {
    // Directories under way, the root first; the path of each and its entries.
    let mut open: Vec<(&Path, &Node, Hasher)> = vec![(Path::new(""), root, Hasher::new("dir-1"))];
    fn close(open: &mut Vec<(&Path, &Node, Hasher)>) {
        if let Some((path, node, entries)) = open.pop() {
            let digest = node.digest(Some(entries.digest()));
            if let Some((_, _, parent)) = open.last_mut() {
                parent.add(path.file_name().unwrap_or_default().as_bytes());
                parent.add(digest);
            }
        }
    }
    for (path, node) in entries {
        while open.len() > 1
            && open
                .last()
                .is_some_and(|(dir, ..)| path.parent() != Some(dir))
        {
            close(&mut open);
        }
        if matches!(node.payload, Payload::Dir) {
            open.push((path, node, Hasher::new("dir-1")));
        } else if let Some((_, _, parent)) = open.last_mut() {
            parent.add(path.file_name().unwrap_or_default().as_bytes());
            parent.add(node.digest(None));
        }
    }
    while open.len() > 1 {
        close(&mut open);
    }
    let entries = open.pop().map(|(_, _, entries)| entries.digest());
    root.digest(entries)
}

/// What is in each file, read on several threads when there is much.
pub(crate) fn contents_of(files: &[PathBuf]) -> Vec<io::Result<Content>> {
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(4);
    if files.len() < 16 || threads == 1 {
        return files.iter().map(|file| content_of(file)).collect();
    }
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(files.len()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut own = Vec::new();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(file) = files.get(index) else { break };
                    own.push((index, content_of(file)));
                }
                done.lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner)
                    .extend(own);
            });
        }
    });
    let mut done = done
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, digest)| digest).collect()
}

fn content_of(path: &Path) -> io::Result<Content> {
    let mut file = std::fs::File::open(path)?;
    let mut state = Default::default();
    let mut buffer = vec![0; 128 << 10];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(Content::of(state)),
            Ok(length) => Content::add(&mut state, &buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

impl Tree {
    /// Digest of everything below `path`: names, kinds, modes, owners, contents,
    /// targets, capabilities. Of a file, its name does not count.
    pub fn digest(&self, path: &str) -> Result<Digest> {
        let top = self.resolve(path)?;
        let nodes = self.nodes(&top)?;
        let (root, below) = nodes
            .split_first()
            .ok_or_else(|| eyre::eyre!("`{path}` went away"))?;
        if !matches!(root.1.payload, Payload::Dir) {
            return Ok(root.1.digest(None));
        }
        Ok(root_digest(
            &root.1,
            below.iter().map(|(path, node)| (path.as_path(), node)),
        ))
    }

    /// `top` and everything below, parents first.
    pub(super) fn nodes(&self, top: &Path) -> Result<Vec<(PathBuf, Node)>> {
        let meta = top.symlink_metadata().at("read", self.shown(top))?;
        let mut nodes = vec![(PathBuf::new(), node(top, &meta)?)];
        let mut files = Vec::new();
        let mut places = Vec::new();
        if meta.is_file() {
            files.push(top.to_owned());
            places.push(0);
        } else if meta.is_dir() {
            walk(top, &Filter::default(), |path, meta| {
                let host = top.join(path);
                nodes.push((path.to_owned(), node(&host, meta)?));
                if meta.is_file() {
                    files.push(host);
                    places.push(nodes.len() - 1);
                }
                Ok(())
            })?;
        }
        for ((place, file), content) in places.into_iter().zip(&files).zip(contents_of(&files)) {
            nodes[place].1.payload = Payload::File(content.at("read", self.shown(file))?);
        }
        Ok(nodes)
    }
}

/// A file's node; the content of a regular file is filled in later.
fn node(path: &Path, meta: &Metadata) -> Result<Node> {
    let payload = match Kind::of(meta) {
        Kind::Regular => Payload::File(Content::UNKNOWN),
        Kind::Directory => Payload::Dir,
        Kind::Symlink => Payload::Link(std::fs::read_link(path).at("read", path)?),
        Kind::Other => Payload::Device(meta.rdev()),
    };
    let stat = Stat::of(meta);
    let xattrs = if stat.kind == Kind::Regular || stat.kind == Kind::Directory {
        xattrs(path).at("read attributes of", path)?
    } else {
        Vec::new()
    };
    // A link's own permission bits mean nothing.
    let mode = if stat.kind == Kind::Symlink {
        0o120777
    } else {
        meta.mode()
    };
    Ok(Node {
        mode,
        uid: stat.uid,
        gid: stat.gid,
        payload,
        xattrs,
    })
}
