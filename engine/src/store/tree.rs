//! Files below a root directory. Paths are of the root: `..` and links, also
//! absolute ones, never lead out of it.

use std::path::{Path, PathBuf};

use eyre::Result;

use super::{Digest, Filter};

/// Kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Regular,
    Directory,
    Symlink,
    Other,
}

/// What is known of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    pub kind: Kind,
    pub size: u64,
    /// Permission bits.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
}

/// Numeric owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    pub uid: u32,
    pub gid: u32,
}

/// Operations on files below a root.
#[derive(Clone, Debug)]
pub struct Tree {
    root: PathBuf,
}

impl Tree {
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// Where `path` is on the host, links resolved inside of the root. The last
    /// component need not exist. For handing to other programs.
    pub fn host_path(&self, path: &str) -> Result<PathBuf> {
        let _ = (&self.root, path);
        todo!()
    }

    /// Names in a directory, sorted; those of directories end in `/`.
    pub fn entries(&self, path: &str) -> Result<Vec<String>> {
        let _ = path;
        todo!()
    }

    /// Paths that match, sorted; those of directories end in `/`.
    pub fn glob(&self, path: &str, pattern: &str) -> Result<Vec<String>> {
        let _ = (path, pattern);
        todo!()
    }

    pub fn read(&self, path: &str) -> Result<Vec<u8>> {
        let _ = path;
        todo!()
    }

    /// Nothing when there is no such file. `follow`: a link's target counts.
    pub fn stat(&self, path: &str, follow: bool) -> Result<Option<Stat>> {
        let _ = (path, follow);
        todo!()
    }

    /// Makes or replaces a file, and missing parents (mode 0755).
    pub fn write(
        &self,
        path: &str,
        contents: &[u8],
        mode: u32,
        owner: Option<Owner>,
    ) -> Result<()> {
        let _ = (path, contents, mode, owner);
        todo!()
    }

    /// Makes a directory, and missing parents; fine when it is there.
    pub fn make_dir(&self, path: &str, mode: u32, owner: Option<Owner>) -> Result<()> {
        let _ = (path, mode, owner);
        todo!()
    }

    pub fn symlink(&self, target: &str, path: &str) -> Result<()> {
        let _ = (target, path);
        todo!()
    }

    /// Removes what matches the path or pattern; fine when nothing does.
    pub fn remove(&self, pattern: &str) -> Result<()> {
        let _ = pattern;
        todo!()
    }

    /// Merges the directory `from` of another tree into `to`. Files replace
    /// files; `owner` and `mode` replace those of everything copied.
    pub fn copy_dir(
        &self,
        source: &Tree,
        from: &str,
        to: &str,
        filter: &Filter,
        owner: Option<Owner>,
        mode: Option<u32>,
    ) -> Result<()> {
        let _ = (source, from, to, filter, owner, mode);
        todo!()
    }

    /// Copies the file `from` of another tree to exactly `to`.
    pub fn copy_file(
        &self,
        source: &Tree,
        from: &str,
        to: &str,
        owner: Option<Owner>,
        mode: Option<u32>,
    ) -> Result<()> {
        let _ = (source, from, to, owner, mode);
        todo!()
    }

    /// Sets the modification time of everything below `path` (seconds since 1970).
    pub fn set_times(&self, path: &str, seconds: i64) -> Result<()> {
        let _ = (path, seconds);
        todo!()
    }

    pub fn chown(&self, path: &str, owner: Owner) -> Result<()> {
        let _ = (path, owner);
        todo!()
    }

    /// Digest of everything below `path`: names, kinds, modes, owners, contents, targets.
    pub fn digest(&self, path: &str) -> Result<Digest> {
        let _ = path;
        todo!()
    }

    /// Paths that differ: (added, modified, removed) from `before` to `self`,
    /// sorted; those of directories end in `/`; what is below an added or
    /// removed directory is listed too.
    pub fn changes(&self, path: &str, before: &Tree, before_path: &str) -> Result<Changes> {
        let _ = (path, before, before_path);
        todo!()
    }

    /// Writes `path` (file or directory) to the host. A directory merges into
    /// `dest`, which is emptied first when `wipe` is set.
    pub fn export(&self, path: &str, dest: &Path, wipe: bool) -> Result<()> {
        let _ = (path, dest, wipe);
        todo!()
    }
}

/// How two directories differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub added: Vec<String>,
    pub modified: Vec<String>,
    pub removed: Vec<String>,
}
