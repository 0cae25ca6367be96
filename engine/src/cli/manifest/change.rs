//! Changes to files, all of them or none.

use std::path::{Path, PathBuf};

use crate::client::Failure;
use crate::module::manifest::{Manifest, NAME};
use crate::replace::replace;

/// A file that shall have other contents, or be gone.
pub struct Change {
    pub path: PathBuf,
    contents: Option<Vec<u8>>,
}

impl Change {
    pub fn write(path: PathBuf, contents: Vec<u8>) -> Self {
        let contents = Some(contents);
        Self { path, contents }
    }

    /// A `dagger.json` as it shall be.
    pub fn manifest(manifest: &Manifest) -> Self {
        Self::write(manifest.dir.join(NAME), manifest.text().into_bytes())
    }

    pub fn remove(path: PathBuf) -> Self {
        let contents = None;
        Self { path, contents }
    }

    /// Whether it is so already.
    pub fn is_done(&self) -> bool {
        std::fs::read(&self.path).ok() == self.contents
    }

    fn apply(&self) -> Result<(), Failure> {
        let Some(contents) = &self.contents else {
            return std::fs::remove_file(&self.path).map_err(|error| {
                Failure::new(format!("cannot remove `{}`: {error}", self.path.display()))
            });
        };
        write(&self.path, contents)
    }
}

/// Makes all changes or none.
pub fn apply(changes: Vec<Change>) -> Result<(), Failure> {
    let mut before: Vec<Change> = Vec::new();
    for change in changes.into_iter().filter(|change| !change.is_done()) {
        let contents = std::fs::read(&change.path).ok();
        if let Err(failure) = change.apply() {
            for old in before.iter().rev() {
                // The first failure is the one to be told.
                let _ = old.apply();
            }
            return Err(failure);
        }
        let path = change.path;
        before.push(Change { path, contents });
    }
    Ok(())
}

/// Writes a file, all of it or nothing.
pub fn write(path: &Path, contents: &[u8]) -> Result<(), Failure> {
    replace(path, contents)
        .map_err(|error| Failure::new(format!("cannot write `{}`: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_changed_is_as_before_when_the_rest_cannot_be() {
        let dir = tempfile::tempdir().expect("a directory");
        let at = |name: &str| dir.path().join(name);
        let read = |name: &str| std::fs::read_to_string(at(name)).ok();
        for name in ["old", "gone"] {
            std::fs::write(at(name), "before").expect("written");
        }
        std::fs::create_dir(at("in-the-way")).expect("made");
        let write = |name: &str| Change::write(at(name), b"after".to_vec());
        let changes = || vec![write("old"), write("new/er"), Change::remove(at("gone"))];
        let mut failing = changes();
        failing.push(write("in-the-way"));
        assert!(apply(failing).is_err());
        let before = Some("before".to_owned());
        assert_eq!(
            [read("old"), read("new/er"), read("gone")],
            [before.clone(), None, before]
        );
        apply(changes()).expect("applies");
        let after = Some("after".to_owned());
        assert_eq!(
            [read("old"), read("new/er"), read("gone")],
            [after.clone(), after, None]
        );
    }
}
