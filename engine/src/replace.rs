//! Puts a file in the place of another: the user's own, outside the state directory.

use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Writes a file, with the directories above it, at once or not at all: a reader sees
/// the old contents or the new ones. It keeps the [`permissions`] of the old one.
pub fn replace(path: &Path, contents: impl AsRef<[u8]>) -> io::Result<()> {
    let parent = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    let dir = parent.unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir)?;
    let mut beside = tempfile::Builder::new()
        .prefix(".poniard-")
        .tempfile_in(dir)?;
    beside.write_all(contents.as_ref())?;
    let file = beside.as_file();
    file.set_permissions(Permissions::from_mode(permissions(path)))?;
    file.sync_all()?;
    beside.persist(path)?;
    Ok(())
}

/// What a file may be used for once it is replaced: the same as before, and 0644 when
/// there is none.
pub fn permissions(path: &Path) -> u32 {
    std::fs::metadata(path).map_or(0o644, |found| found.permissions().mode() & 0o777)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_change_and_permissions_stay() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        replace(&path, "new").unwrap();
        assert_eq!(permissions(&path), 0o644);
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        replace(&path, "newer").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"newer");
        assert_eq!(permissions(&path), 0o600);
    }

    #[test]
    fn where_it_fails_the_old_file_and_nothing_else_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::fs::create_dir(&path).unwrap();
        assert!(replace(&path, "new").is_err());
        let names: Vec<_> = std::fs::read_dir(&dir).unwrap().flatten().collect();
        assert_eq!(names.len(), 1, "{names:?}");
        assert!(path.is_dir());
    }
}
