//! Owners by name or number, as the account files of a container know them.

use std::sync::Arc;

use eyre::{Result, bail};

use super::{Engine, Fs};
use crate::accounts::{Group, User};
use crate::store::tree::Owner;

/// Reads `user`, `user:group`, names or numbers; nothing for an empty text.
/// Without a group, a user's own one is meant.
pub async fn of(engine: &Arc<Engine>, rootfs: &Fs, owner: &str) -> Result<Option<Owner>> {
    if owner.is_empty() {
        return Ok(None);
    }
    if let Some(owner) = numeric(owner) {
        return Ok(Some(owner));
    }
    let (passwd, group) = rootfs
        .read(engine, |tree| {
            let text = |path| match tree.stat(path, true)? {
                Some(_) => {
                    Ok::<_, eyre::Report>(String::from_utf8_lossy(&tree.read(path)?).into_owned())
                }
                None => Ok(String::new()),
            };
            Ok((text("etc/passwd")?, text("etc/group")?))
        })
        .await?;
    named(owner, &passwd, &group).map(Some)
}

/// An owner that needs no account files.
pub fn numeric(owner: &str) -> Option<Owner> {
    let (user, group) = owner.split_once(':').unwrap_or((owner, owner));
    Some(Owner {
        uid: user.parse().ok()?,
        gid: group.parse().ok()?,
    })
}

fn named(owner: &str, passwd: &str, group: &str) -> Result<Owner> {
    let (user, group_name) = match owner.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (owner, None),
    };
    let account = User::find(passwd, user);
    let uid = match (&account, user.parse()) {
        (Some(account), _) => account.uid,
        (None, Ok(uid)) => uid,
        (None, Err(_)) => bail!("no user `{user}` in the container's /etc/passwd"),
    };
    let gid = match group_name {
        None => account.map_or(uid, |account| account.gid),
        Some(name) => match Group::find(group, name) {
            Some(gid) => gid,
            None => bail!("no group `{name}` in the container's /etc/group"),
        },
    };
    Ok(Owner { uid, gid })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str =
        "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65533:nobody:/nonexistent:/bin/sh\n";
    const GROUP: &str = "root:x:0:\nstaff:x:50:\n";

    #[test]
    fn owners_are_found_by_name_and_number() {
        for (text, uid, gid) in [
            ("nobody", 65534, 65533),
            ("nobody:staff", 65534, 50),
            ("root:7", 0, 7),
            ("65534:staff", 65534, 50),
        ] {
            assert_eq!(
                named(text, PASSWD, GROUP).unwrap(),
                Owner { uid, gid },
                "{text}"
            );
        }
        assert_eq!(numeric("12:34"), Some(Owner { uid: 12, gid: 34 }));
        assert!(named("nosuch", PASSWD, GROUP).is_err());
    }
}
