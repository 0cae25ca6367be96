//! Control groups of containers: made by the runtime, removed by us.

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
        let end = Instant::now() + Duration::from_secs(2);
        for root in &self.0 {
            while let Err(e) = remove_tree(&root.join(name)) {
                if e.kind() == io::ErrorKind::NotFound || Instant::now() > end {
                    break;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// Removes groups that killed invocations have left.
    pub(super) fn sweep(&self, prefix: &str) {
        for root in &self.0 {
            for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
                if entry
                    .file_name()
                    .to_str()
                    .is_some_and(|name| name.starts_with(prefix))
                {
                    let _ = remove_tree(&entry.path());
                }
            }
        }
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
    fn hierarchies_of_both_versions_are_found() {
        let v1 = "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu";
        let v2 = "31 23 0:27 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw";
        assert_eq!(hierarchy(v1), Some("/sys/fs/cgroup/cpu".into()));
        assert_eq!(hierarchy(v2), Some("/sys/fs/cgroup".into()));
        assert_eq!(hierarchy("22 27 0:21 / /proc rw - proc proc rw"), None);
    }
}
