//! The ids that the system has set aside for a user: subuid(5), subgid(5).

use std::fmt;

use super::RootlessError;
use crate::accounts::User;
use crate::programs;

/// Of users or of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    User,
    Group,
}

impl Kind {
    pub fn file(self) -> &'static str {
        match self {
            Self::User => "/etc/subuid",
            Self::Group => "/etc/subgid",
        }
    }

    /// What sets ids aside: `usermod` knows only users with a name.
    pub fn command(self, user: &str) -> String {
        if user.bytes().all(|byte| byte.is_ascii_digit()) {
            return format!("echo {user}:100000:65536 >> {}", self.file());
        }
        let flag = match self {
            Self::User => "--add-subuids",
            Self::Group => "--add-subgids",
        };
        format!("usermod {flag} 100000-165535 {user}")
    }

    /// What writes the map, with the rights for it.
    pub fn program(self) -> &'static str {
        match self {
            Self::User => "newuidmap",
            Self::Group => "newgidmap",
        }
    }
}

/// First id and how many.
type Range = (u32, u32);

/// Who the user is, and the ids that containers may have.
#[derive(Debug)]
pub struct Ids {
    pub user: String,
    uid: u32,
    gid: u32,
    users: Vec<Range>,
    groups: Vec<Range>,
}

impl Ids {
    /// Of the user who runs this.
    ///
    /// # Errors
    /// When there are none, or nothing that could map them.
    pub fn of_user() -> Result<Self, RootlessError> {
        let (uid, gid) = (rustix::process::getuid(), rustix::process::getgid());
        let uid = uid.as_raw();
        let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let user = User::find(&passwd, &uid.to_string())
            .map_or_else(|| uid.to_string(), |user| user.name.to_owned());
        let ranges = |kind: Kind| {
            let text = std::fs::read_to_string(kind.file()).unwrap_or_default();
            let found = ranges(&text, &user, uid);
            match (found.is_empty(), programs::find(kind.program())) {
                (true, _) => Err(RootlessError::NoIds {
                    kind,
                    user: user.clone(),
                }),
                (false, None) => Err(RootlessError::NoProgram(kind.program())),
                (false, Some(_)) => Ok(found),
            }
        };
        let (users, groups) = (ranges(Kind::User)?, ranges(Kind::Group)?);
        Ok(Self {
            user,
            uid,
            gid: gid.as_raw(),
            users,
            groups,
        })
    }

    /// How many ids containers have, beside that of root.
    pub fn count(&self) -> u32 {
        let sum = |ranges: &[Range]| ranges.iter().fold(0, |all: u32, r| all.saturating_add(r.1));
        sum(&self.users).min(sum(&self.groups))
    }

    /// Words of a map: root is the user, the others follow without a gap.
    pub(super) fn map(&self, kind: Kind) -> Vec<u32> {
        let (own, ranges) = match kind {
            Kind::User => (self.uid, &self.users),
            Kind::Group => (self.gid, &self.groups),
        };
        let mut words = vec![0, own, 1];
        let mut next: u32 = 1;
        for (first, count) in ranges {
            words.extend([next, *first, *count]);
            next = next.saturating_add(*count);
        }
        words
    }
}

impl fmt::Display for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "user `{}` with {} ids", self.user, self.count())
    }
}

/// Lines are `name-or-uid:first:count`.
fn ranges(text: &str, user: &str, uid: u32) -> Vec<Range> {
    let mut found = Vec::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.trim().split(':').collect();
        let [owner, first, count] = fields[..] else {
            continue;
        };
        if owner != user && owner.parse() != Ok(uid) {
            continue;
        }
        let (Ok(first), Ok(count)) = (first.parse(), count.parse()) else {
            continue;
        };
        if count > 0 && !found.contains(&(first, count)) {
            found.push((first, count));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# c\nann:100000:65536\nbob:165536:65536\n1000:300000:10\nann:100000:65536\nann:x:1\nann:5:0\n";

    #[test]
    fn ids_are_set_aside_by_name_where_there_is_one() {
        assert_eq!(
            Kind::Group.command("ann"),
            "usermod --add-subgids 100000-165535 ann"
        );
        assert_eq!(
            Kind::User.command("43211"),
            "echo 43211:100000:65536 >> /etc/subuid"
        );
    }

    #[test]
    fn ranges_of_a_user_are_found_by_name_and_by_number() {
        assert_eq!(ranges(TEXT, "ann", 1000), [(100_000, 65536), (300_000, 10)]);
        assert_eq!(ranges(TEXT, "bob", 7), [(165_536, 65536)]);
        assert_eq!(ranges(TEXT, "eve", 8), []);
    }

    #[test]
    fn root_is_the_user_and_the_others_follow_without_a_gap() {
        let ids = Ids {
            user: "ann".into(),
            uid: 1000,
            gid: 50,
            users: ranges(TEXT, "ann", 1000),
            groups: vec![(7, 9)],
        };
        assert_eq!(
            ids.map(Kind::User),
            [0, 1000, 1, 1, 100_000, 65536, 65537, 300_000, 10]
        );
        assert_eq!(ids.map(Kind::Group), [0, 50, 1, 1, 7, 9]);
        assert_eq!(ids.count(), 9);
    }
}
