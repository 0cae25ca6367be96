//! Programs of this machine, as a shell finds them.

use std::env;
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The first of this name in `PATH`.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    all_in(&path, name).next()
}

/// All of this name, in directories listed as in `PATH`.
pub fn all_in(path: &OsStr, name: &str) -> impl Iterator<Item = PathBuf> {
    env::split_paths(path)
        .map(move |dir| dir.join(name))
        .filter(|file| is_executable(file))
}

/// Whether it is a file that can be run.
pub fn is_executable(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_run_is_passed_over() {
        let dir = tempfile::tempdir().expect("a directory");
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir_all(at("1/tool")).expect("a directory");
        for (name, mode) in [("2", 0o644), ("3", 0o755), ("4", 0o700)] {
            std::fs::create_dir(at(name)).expect("a directory");
            let file = at(name).join("tool");
            std::fs::write(&file, "").expect("a file");
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&file, mode).expect("a mode");
        }
        let path = env::join_paths(["0", "1", "2", "3", "4"].map(at)).expect("a path");
        let found: Vec<_> = all_in(&path, "tool").collect();
        assert_eq!(found, [at("3/tool"), at("4/tool")]);
        assert_eq!(all_in(&path, "other").next(), None);
    }
}
