//! Control groups of containers: made by the runtime, removed by us.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Roots of the hierarchies that are mounted here.
pub(super) struct Hierarchies(Vec<PathBuf>);

impl Hierarchies {
    pub(super) fn of_host() -> Self {
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        Self(mounts.lines().filter_map(hierarchy).collect())
    }

    /// Removes the group `name`, which holds no live process any more. Those that
    /// have just been killed may take a moment to leave.
    pub(super) fn remove(&self, name: &str) {
        self.remove_until(name, Instant::now() + Duration::from_secs(2));
    }

    fn remove_until(&self, name: &str, end: Instant) {
        for root in &self.0 {
            while let Err(e) = remove_tree(&root.join(name)) {
                if e.kind() == io::ErrorKind::NotFound || Instant::now() > end {
                    break;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// Removes groups that killed invocations have left, whichever number they had:
    /// the next one need not get the same. `reserve` gives what keeps a number from
    /// being taken as long as it is swept, and nothing for one that is in use.
    pub(super) fn sweep<T>(&self, owner: &Owner, reserve: impl Fn(u8) -> Option<T>) {
        let end = Instant::now() + Duration::from_secs(1);
        let mut left: BTreeMap<u8, BTreeSet<String>> = BTreeMap::new();
        for root in &self.0 {
            for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
                if let Some(name) = entry.file_name().to_str()
                    && let Some(number) = owner.number_beside(name)
                {
                    left.entry(number).or_default().insert(name.to_owned());
                }
            }
        }
        for (number, names) in left {
            let reserved = reserve(number);
            if number == owner.number || reserved.is_some() {
                for name in names {
                    self.remove_until(&name, end);
                }
            }
        }
    }
}

/// Whose a group is, by its name. A number is used once at a time in a network
/// namespace; control groups may be those of several.
pub(super) struct Owner {
    pub(super) number: u8,
    pub(super) namespace: u64,
}

impl Owner {
    /// With what all names of its groups begin.
    pub(super) fn prefix(&self) -> String {
        format!("poniard-{}-{}-", self.number, self.namespace)
    }

    /// The number in the name of a group, if it is of the same namespace.
    fn number_beside(&self, name: &str) -> Option<u8> {
        let mut parts = name.strip_prefix("poniard-")?.splitn(3, '-');
        let number = parts.next()?.parse().ok()?;
        let namespace: u64 = parts.next()?.parse().ok()?;
        (parts.next().is_some() && namespace == self.namespace).then_some(number)
    }
}

/// Mount point of a line of `/proc/<pid>/mountinfo`, if it is of control groups.
fn hierarchy(line: &str) -> Option<PathBuf> {
    let (mount, file_system) = line.split_once(" - ")?;
    let path = mount.split(' ').nth(4)?;
    let kind = file_system.split(' ').next()?;
    matches!(kind, "cgroup" | "cgroup2").then(|| path.into())
}

/// Groups have files that cannot be removed, and vanish with their directory.
fn remove_tree(group: &Path) -> io::Result<()> {
    match std::fs::remove_dir(group) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(e),
        Err(_) => {}
        Ok(()) => return Ok(()),
    }
    for entry in std::fs::read_dir(group)?.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_tree(&entry.path())?;
        }
    }
    std::fs::remove_dir(group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_removed_unless_its_number_is_in_use_or_it_is_of_another_network() {
        let dir = tempfile::tempdir().expect("a directory");
        let root = dir.path();
        let names = [
            "poniard-1-7-a",
            "poniard-2-7-b",
            "poniard-3-7-c",
            "poniard-2-8-d",
            "poniard-2-7",
            "other",
        ];
        for name in names {
            std::fs::create_dir_all(root.join(name).join("below")).expect("a group");
        }
        let owner = Owner {
            number: 1,
            namespace: 7,
        };
        let free = |number| (number == 2).then_some(());
        Hierarchies(vec![root.to_owned()]).sweep(&owner, free);
        let stays = |name: &&str| root.join(name).exists();
        let stay: Vec<_> = names.into_iter().filter(stays).collect();
        assert_eq!(
            stay,
            ["poniard-3-7-c", "poniard-2-8-d", "poniard-2-7", "other"]
        );
        assert!(
            owner
                .number_beside(&format!("{}4", owner.prefix()))
                .is_some()
        );
    }

    #[test]
    fn hierarchies_of_both_versions_are_found() {
        let v1 = "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu";
        let v2 = "31 23 0:27 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw";
        assert_eq!(hierarchy(v1), Some("/sys/fs/cgroup/cpu".into()));
        assert_eq!(hierarchy(v2), Some("/sys/fs/cgroup".into()));
        assert_eq!(hierarchy("22 27 0:21 / /proc rw - proc proc rw"), None);
    }
}
