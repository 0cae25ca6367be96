//! Control groups of containers: made by the runtime, removed by us.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::mount::MountFlags;

/// Those that are mounted here.
pub(super) struct Hierarchies {
    roots: Vec<PathBuf>,
    /// That which limits processes, and to how many.
    processes: Option<(PathBuf, i64)>,
}

impl Hierarchies {
    pub(super) fn of_host() -> Self {
        let all = Hierarchy::all(Path::new("/"));
        // Where containers get no group of their own, the user's limit holds.
        let counting = all.iter().find(|hierarchy| hierarchy.counts_processes());
        let counting = counting.filter(|_| !crate::rootless::is_nested());
        let processes = counting.and_then(|found| Some((found.path.clone(), max_processes()?)));
        Self {
            roots: all.into_iter().map(|hierarchy| hierarchy.path).collect(),
            processes,
        }
    }

    /// How many processes a container may have, threads counted.
    pub(super) fn max_processes(&self) -> Option<i64> {
        self.processes.as_ref().map(|(_, max)| *max)
    }

    /// Whether there is a limit that can be lower.
    #[cfg(test)]
    pub(super) fn lower(&mut self, limit: i64) -> bool {
        let max = self.processes.as_mut().map(|(_, max)| max);
        max.map(|max| *max = limit).is_some()
    }

    /// The limit, if the group `name` was refused more.
    pub(super) fn exceeded(&self, name: &str) -> Option<i64> {
        let (root, max) = self.processes.as_ref()?;
        let events = std::fs::read_to_string(root.join(name).join("pids.events")).ok()?;
        let refused = events.lines().find_map(|line| line.strip_prefix("max "));
        (refused? != "0").then_some(*max)
    }

    /// Removes the group `name`, which holds no live process any more. Those that
    /// have just been killed may take a moment to leave.
    pub(super) fn remove(&self, name: &str) {
        self.remove_until(name, Instant::now() + Duration::from_secs(2));
    }

    fn remove_until(&self, name: &str, end: Instant) {
        for root in &self.roots {
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
        for root in &self.roots {
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

/// What systemd gives to a service: 15 % of what the machine can have.
fn max_processes() -> Option<i64> {
    let number = |name: &str| -> Option<i64> {
        let text = std::fs::read_to_string(Path::new("/proc/sys/kernel").join(name));
        text.ok()?.trim().parse().ok()
    };
    Some(number("pid_max")?.min(number("threads-max")?) * 15 / 100)
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

/// A mounted hierarchy, as a line of `/proc/<pid>/mountinfo` tells.
#[derive(Debug, PartialEq)]
struct Hierarchy {
    path: PathBuf,
    version: u8,
    /// Of version 1: what it is for.
    is_of_pids: bool,
    is_writable: bool,
}

impl Hierarchy {
    fn read(line: &str) -> Option<Self> {
        let (mount, file_system) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(4);
        let (path, options) = (fields.next()?, fields.next()?);
        let mut file_system = file_system.split(' ');
        let version = match file_system.next()? {
            "cgroup" => 1,
            "cgroup2" => 2,
            _ => return None,
        };
        let controllers = file_system.nth(1).unwrap_or_default();
        Some(Self {
            path: path.into(),
            version,
            is_of_pids: version == 1 && controllers.split(',').any(|name| name == "pids"),
            is_writable: !options.split(',').any(|option| option == "ro"),
        })
    }

    /// Whether the groups right below its root can have a limit of processes.
    fn counts_processes(&self) -> bool {
        let passed_on = self.path.join("cgroup.subtree_control");
        let passed_on = std::fs::read_to_string(passed_on).unwrap_or_default();
        self.is_of_pids || passed_on.split_whitespace().any(|name| name == "pids")
    }

    fn all(root: &Path) -> Vec<Self> {
        let mounts = std::fs::read_to_string(root.join("proc/self/mountinfo"));
        let mounts = mounts.unwrap_or_default();
        mounts.lines().filter_map(Self::read).collect()
    }
}

/// Makes those writable that are not: so they are in containers that have
/// `CAP_SYS_ADMIN`, and are not privileged. To be called where mounts are private.
pub(super) fn make_writable() {
    for hierarchy in Hierarchy::all(Path::new("/")) {
        if !hierarchy.is_writable {
            let flags = MountFlags::BIND | MountFlags::NOSUID | MountFlags::NODEV;
            // Where it cannot be, the runtime says so.
            let _ = rustix::mount::mount_remount(&hierarchy.path, flags | MountFlags::NOEXEC, "");
        }
    }
}

/// What there is on a machine, in words, and whether containers can have groups
/// of their own.
pub fn described(root: &Path) -> (String, bool) {
    let all = Hierarchy::all(root);
    let has = |version| all.iter().any(|hierarchy| hierarchy.version == version);
    let versions = match (has(1), has(2)) {
        (false, true) => "version 2",
        (true, true) => "versions 1 and 2",
        (true, false) => "version 1",
        (false, false) => return ("none are mounted".to_owned(), false),
    };
    match all.iter().find(|hierarchy| !hierarchy.is_writable) {
        None => (versions.to_owned(), true),
        Some(found) => {
            let path = found.path.display();
            (format!("{versions}, but `{path}` is read-only"), false)
        }
    }
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
        let hierarchies = Hierarchies {
            roots: vec![root.to_owned()],
            processes: None,
        };
        hierarchies.sweep(&owner, free);
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
        let v2 = "31 23 0:27 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup2 rw";
        let hierarchy = |path: &str, version, is_writable| Hierarchy {
            path: path.into(),
            version,
            is_of_pids: false,
            is_writable,
        };
        let first = hierarchy("/sys/fs/cgroup/cpu", 1, true);
        assert_eq!(Hierarchy::read(v1), Some(first));
        let second = hierarchy("/sys/fs/cgroup", 2, false);
        assert_eq!(Hierarchy::read(v2), Some(second));
        assert_eq!(
            Hierarchy::read("22 27 0:21 / /proc rw - proc proc rw"),
            None
        );
    }

    #[test]
    fn processes_are_limited_where_the_controller_is_there() {
        let v1 = "33 31 0:30 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids";
        let counts = |line: &str| {
            let found = Hierarchy::read(line).expect("a hierarchy");
            found.counts_processes()
        };
        assert!(counts(v1));
        assert!(!counts(&v1.replace("rw,pids", "rw,cpu")));
        let dir = tempfile::tempdir().expect("a directory");
        let v2 = format!(
            "31 23 0:27 / {} rw - cgroup2 cgroup2 rw",
            dir.path().display()
        );
        for (passed_on, want) in [("cpu io\n", false), ("cpu io memory pids\n", true)] {
            std::fs::write(dir.path().join("cgroup.subtree_control"), passed_on).expect("a file");
            assert_eq!(counts(&v2), want);
        }
        let max = max_processes().expect("a number");
        assert!((100..1 << 20).contains(&max), "{max}");
    }

    #[test]
    fn machines_of_every_kind_are_described() {
        let v1 = "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu";
        let hybrid = "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw";
        let v2 = "31 23 0:27 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw";
        let closed = "31 23 0:27 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw";
        for (mounts, want, is_good) in [
            (vec![], "none are mounted", false),
            (vec![v1], "version 1", true),
            (vec![v1, hybrid], "versions 1 and 2", true),
            (vec![v2], "version 2", true),
            (
                vec![closed],
                "version 2, but `/sys/fs/cgroup` is read-only",
                false,
            ),
        ] {
            let root = tempfile::tempdir().expect("a directory");
            let dir = root.path().join("proc/self");
            std::fs::create_dir_all(&dir).expect("a directory");
            std::fs::write(dir.join("mountinfo"), mounts.join("\n")).expect("a file");
            assert_eq!(described(root.path()), (want.to_owned(), is_good));
        }
    }
}
