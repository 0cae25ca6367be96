//! The digest of what a module is made from: everything that counts for results
//! that are kept, its `dagger.json` too.

use std::path::{Path, PathBuf};

use eyre::{Result, WrapErr};

use crate::store::{Digest, Hasher};

/// Digest of the names (relative to `root`) and contents of files.
pub fn digest(root: &Path, files: &[PathBuf]) -> Result<Digest> {
    let mut hasher = Hasher::new("module-1");
    for file in files {
        let name = file.strip_prefix(root).unwrap_or(file);
        hasher.add(name.as_os_str().as_encoded_bytes());
        let unreadable = || format!("cannot read `{}`", file.display());
        if file.is_symlink() {
            let target = std::fs::read_link(file).wrap_err_with(unreadable)?;
            hasher.add(target.as_os_str().as_encoded_bytes());
        }
        // A link may lead to a directory or nowhere, and a pipe never ends.
        match std::fs::metadata(file) {
            Ok(found) if found.is_file() => {
                hasher.add(std::fs::read(file).wrap_err_with(unreadable)?);
            }
            _ => hasher.add("no file"),
        }
    }
    Ok(hasher.digest())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_count_by_where_they_lead_and_may_lead_nowhere() {
        let root = tempfile::tempdir().unwrap();
        let link = root.path().join("link");
        let digest = |target: &str| {
            let _ = std::fs::remove_file(&link);
            std::os::unix::fs::symlink(target, &link).unwrap();
            let found = module_source::files(root.path(), &[]).unwrap();
            digest(root.path(), &found).unwrap()
        };
        std::fs::create_dir(root.path().join("dir")).unwrap();
        assert_ne!(digest("dir"), digest("nowhere"));
    }
}
