//! Lines of `/etc/passwd` and `/etc/group`.

/// A user.
pub struct User<'a> {
    pub name: &'a str,
    pub uid: u32,
    pub gid: u32,
    pub home: &'a str,
}

/// A group.
pub struct Group<'a> {
    pub name: &'a str,
    pub gid: u32,
    members: &'a str,
}

impl<'a> User<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, uid, gid, _, home, ..] = fields[..] else {
            return None;
        };
        let home = if home.is_empty() { "/" } else { home };
        Some(Self {
            name,
            uid: uid.parse().ok()?,
            gid: gid.parse().ok()?,
            home,
        })
    }

    /// The user of a name, else of a number.
    pub fn find(passwd: &'a str, name: &str) -> Option<Self> {
        let users = || passwd.lines().filter_map(Self::read);
        let uid = name.parse::<u32>().ok();
        users()
            .find(|user| user.name == name)
            .or_else(|| users().find(|user| Some(user.uid) == uid))
    }
}

impl<'a> Group<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, gid, members] = fields[..] else {
            return None;
        };
        Some(Self {
            name,
            gid: gid.parse().ok()?,
            members,
        })
    }

    /// Number of the group of a name; a number that no group has stands for itself.
    pub fn find(groups: &str, name: &str) -> Option<u32> {
        let mut all = groups.lines().filter_map(Group::read);
        let named = all.find(|group| group.name == name).map(|group| group.gid);
        named.or_else(|| name.parse().ok())
    }

    /// Numbers of the groups that name `user` as a member.
    pub fn of(groups: &str, user: &str) -> Vec<u32> {
        let all = groups.lines().filter_map(Group::read);
        all.filter(|group| group.members.split(',').any(|member| member == user))
            .map(|group| group.gid)
            .collect()
    }
}
