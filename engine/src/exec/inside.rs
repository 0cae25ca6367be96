//! Paths inside of a root file system, as a process in it would see them.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

/// `path` without symbolic links and `..`, relative to `root`. Links are
/// resolved inside of `root`; what does not exist is taken as written.
pub(super) fn resolve(root: &Path, path: &Path) -> io::Result<PathBuf> {
    let mut rest: VecDeque<OsString> = names(path).collect();
    let mut resolved = PathBuf::new();
    let mut links = 0;
    while let Some(name) = rest.pop_front() {
        if name == ".." {
            resolved.pop();
            continue;
        }
        let next = resolved.join(&name);
        match std::fs::read_link(root.join(&next)) {
            Ok(target) => {
                links += 1;
                if links > 40 {
                    return Err(io::Error::from_raw_os_error(libc::ELOOP));
                }
                if target.is_absolute() {
                    resolved = PathBuf::new();
                }
                for name in names(&target).collect::<Vec<_>>().into_iter().rev() {
                    rest.push_front(name);
                }
            }
            Err(_) => resolved = next,
        }
    }
    Ok(resolved)
}

/// As [`resolve`], as a path of the host.
pub(super) fn on_host(root: &Path, path: &Path) -> io::Result<PathBuf> {
    Ok(root.join(resolve(root, path)?))
}

fn names(path: &Path) -> impl Iterator<Item = OsString> + '_ {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn resolved(root: &Path, path: &str) -> String {
        resolve(root, Path::new(path))
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    }

    #[test]
    fn links_never_lead_out_of_the_root() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        std::fs::create_dir_all(root.join("run/x")).unwrap();
        std::fs::create_dir(root.join("var")).unwrap();
        symlink("/run", root.join("var/run")).unwrap();
        symlink("../../../../etc", root.join("up")).unwrap();
        symlink("missing/there", root.join("dangling")).unwrap();
        assert_eq!(resolved(root, "/var/run/x/../y"), "run/y");
        assert_eq!(resolved(root, "/up/passwd"), "etc/passwd");
        assert_eq!(resolved(root, "/dangling/a"), "missing/there/a");
        assert_eq!(resolved(root, "../.."), "");
    }

    #[test]
    fn a_circle_of_links_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        symlink("b", dir.path().join("a")).unwrap();
        symlink("a", dir.path().join("b")).unwrap();
        assert!(resolve(dir.path(), Path::new("/a")).is_err());
    }
}
