//! Users by name or number, of a container's own `/etc/passwd` and `/etc/group`.

use std::path::{Path, PathBuf};

use super::{SandboxError, inside};
use crate::accounts;

/// Whom a process runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Further groups; only those of a user that is named without a group.
    pub(super) groups: Vec<u32>,
    /// Home directory; `/` for a user that is not in `/etc/passwd`.
    pub(super) home: PathBuf,
}

impl User {
    /// Resolves `name`, `uid`, `name:group` or `uid:gid`; empty is root.
    pub(super) fn resolve(rootfs: &Path, spec: &str) -> Result<Self, SandboxError> {
        let failed = |cause: String| SandboxError::User {
            user: spec.to_owned(),
            cause,
        };
        let (name, group) = match spec.split_once(':') {
            Some((name, group)) => (name, Some(group)),
            None => (spec, None),
        };
        let name = if name.is_empty() { "0" } else { name };
        let passwd = read(rootfs, "/etc/passwd").map_err(failed)?;
        let groups = read(rootfs, "/etc/group").map_err(failed)?;

        let found = accounts::User::find(&passwd, name);
        let (uid, mut gid, home) = match (&found, name.parse::<u32>()) {
            (Some(user), _) => (user.uid, user.gid, PathBuf::from(user.home)),
            (None, Ok(id)) => (id, 0, PathBuf::from("/")),
            (None, Err(_)) => {
                return Err(failed(format!(
                    "no user `{name}` in the container's `/etc/passwd`"
                )));
            }
        };
        let mut further = Vec::new();
        if let Some(group) = group {
            gid = accounts::Group::find(&groups, group).ok_or_else(|| {
                failed(format!(
                    "no group `{group}` in the container's `/etc/group`"
                ))
            })?;
        } else if let Some(user) = found {
            further = accounts::Group::of(&groups, user.name);
        }
        Ok(Self {
            uid,
            gid,
            groups: further,
            home,
        })
    }
}

/// A file of the container; none is empty.
fn read(rootfs: &Path, path: &str) -> Result<String, String> {
    let failed = |e: std::io::Error| format!("cannot read the container's `{path}`: {e}");
    let file = inside::on_host(rootfs, Path::new(path)).map_err(failed)?;
    // Neither a pipe nor a device, which could keep us waiting for ever.
    if !file
        .symlink_metadata()
        .is_ok_and(|metadata| metadata.is_file())
    {
        return Ok(String::new());
    }
    let bytes = std::fs::read(&file).map_err(failed)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("etc")).unwrap();
        let passwd =
            "root:x:0:0:root:/root:/bin/sh\nweb:x:33:44:,,,:/srv:/bin/sh\nodd\n7:x:8:9::/seven:\n";
        std::fs::write(dir.path().join("etc/passwd"), passwd).unwrap();
        let group = "root:x:0:\nweb:x:44:\nvideo:x:55:other,web\naudio:x:66:webmaster\n";
        std::fs::write(dir.path().join("etc/group"), group).unwrap();
        dir
    }

    fn user(spec: &str) -> (u32, u32, Vec<u32>, String) {
        let user = User::resolve(root().path(), spec).unwrap();
        (
            user.uid,
            user.gid,
            user.groups,
            user.home.display().to_string(),
        )
    }

    #[test]
    fn names_and_numbers_are_looked_up_in_the_container() {
        assert_eq!(user(""), (0, 0, vec![], "/root".into()));
        assert_eq!(user("web"), (33, 44, vec![55], "/srv".into()));
        assert_eq!(user("33"), (33, 44, vec![55], "/srv".into()));
        assert_eq!(user("web:video"), (33, 55, vec![], "/srv".into()));
        assert_eq!(user("1234:2345"), (1234, 2345, vec![], "/".into()));
        assert_eq!(user("1234"), (1234, 0, vec![], "/".into()));
        assert_eq!(user(":66"), (0, 66, vec![], "/root".into()));
        // A name made of digits comes before the number.
        assert_eq!(user("7"), (8, 9, vec![], "/seven".into()));
    }

    #[test]
    fn an_unknown_name_is_an_error_that_tells_it() {
        let error = User::resolve(root().path(), "nosuchuser").unwrap_err();
        assert!(matches!(&error, SandboxError::User { user, .. } if user == "nosuchuser"));
        let error = User::resolve(root().path(), "web:nosuchgroup").unwrap_err();
        assert!(error.to_string().contains("nosuchgroup"), "{error}");
    }

    #[test]
    fn an_empty_root_knows_numbers_and_root() {
        let empty = tempfile::tempdir().unwrap();
        let user = User::resolve(empty.path(), "").unwrap();
        assert_eq!((user.uid, user.gid, user.home), (0, 0, "/".into()));
        assert!(User::resolve(empty.path(), "root").is_err());
    }
}
