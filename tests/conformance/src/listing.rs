//! What lies in a working directory, one line a path.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use walkdir::WalkDir;

/// Lines by path, ordered component by component.
pub type Listing = BTreeMap<PathBuf, String>;

/// Everything below `root`.
pub fn listing(root: &Path) -> io::Result<Listing> {
    let mut lines = Listing::new();
    for entry in WalkDir::new(root).min_depth(1) {
        let entry = entry?;
        let path = entry.path();
        let name = path.strip_prefix(root).unwrap_or(path);
        let line = if entry.path_is_symlink() {
            format!("l {} {}\n", fs::read_link(path)?.display(), name.display())
        } else if entry.file_type().is_dir() {
            format!("d {}\n", name.display())
        } else {
            let digest = Sha256::digest(fs::read(path)?);
            let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            let mode = entry.metadata()?.permissions().mode() & 0o777;
            format!("f {mode:o} {digest} {}\n", name.display())
        };
        lines.insert(name.to_path_buf(), line);
    }
    Ok(lines)
}

/// What is new or changed, then what is gone.
pub fn difference(before: &Listing, after: &Listing) -> String {
    let changed = after
        .iter()
        .filter(|(name, line)| before.get(*name) != Some(line));
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let changed = changed.map(|(_, line)| line.clone());
    changed
        .chain(gone.map(|name| format!("- {}\n", name.display())))
        .collect()
}
