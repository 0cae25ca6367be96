//! A small root file system without a download: a shell and tools of this
//! machine, with the libraries that they need.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const TOOLS: &[&str] = &[
    "sh", "cat", "ls", "id", "touch", "stat", "sleep", "getent", "curl", "seq", "mkdir", "env",
    "hostname", "wc", "rm", "ln", "mv", "chmod", "mount", "kill", "grep", "tr", "true", "unshare",
];

/// A copy for one test, writable.
pub(super) struct Rootfs(tempfile::TempDir);

impl Rootfs {
    pub(super) fn of_host() -> Self {
        static BASE: OnceLock<BTreeSet<(PathBuf, PathBuf)>> = OnceLock::new();
        let root = tempfile::tempdir().unwrap();
        for (source, target) in BASE.get_or_init(files) {
            let target = root.path().join(target);
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::fs::copy(source, target).unwrap();
        }
        for dir in ["etc", "root", "tmp"] {
            std::fs::create_dir_all(root.path().join(dir)).unwrap();
        }
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(root.path(), open).unwrap();
        let passwd = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/nonexistent:/bin/sh\n";
        std::fs::write(root.path().join("etc/passwd"), passwd).unwrap();
        let group = "root:x:0:\nnogroup:x:65534:\nextra:x:777:nobody\n";
        std::fs::write(root.path().join("etc/group"), group).unwrap();
        Self(root)
    }

    pub(super) fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    /// All paths, sorted.
    pub(super) fn list(&self) -> BTreeSet<String> {
        list(self.path())
    }
}

pub(super) fn list(dir: &Path) -> BTreeSet<String> {
    let entries = walkdir::WalkDir::new(dir)
        .min_depth(1)
        .into_iter()
        .map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            entry
                .path()
                .strip_prefix(dir)
                .unwrap()
                .display()
                .to_string()
        })
        .collect()
}

/// Files of this machine and their places in the root.
fn files() -> BTreeSet<(PathBuf, PathBuf)> {
    let mut files = BTreeSet::new();
    for tool in TOOLS {
        let path = std::env::var_os("PATH").unwrap();
        let found = std::env::split_paths(&path)
            .map(|dir| dir.join(tool))
            .find(|f| f.exists());
        let program = found.unwrap_or_else(|| panic!("`{tool}` is not installed"));
        let ldd = Command::new("ldd").arg(&program).output().unwrap();
        for word in String::from_utf8(ldd.stdout).unwrap().split_whitespace() {
            if let Some(library) = word.strip_prefix('/') {
                files.insert((word.into(), library.into()));
            }
        }
        files.insert((program, Path::new("bin").join(tool)));
    }
    files
}
