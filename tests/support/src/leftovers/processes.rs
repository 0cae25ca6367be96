//! Processes by what they name in `/proc`.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::{contains, mounts};

/// Processes that work in `dir`, run from it, name it as an argument, or have it
/// mounted in a mount namespace of their own.
pub fn of(dir: &Path) -> Vec<String> {
    let namespace = fs::read_link("/proc/self/ns/mnt").ok();
    let family = ancestors();
    let mut found = Vec::new();
    for pid in all().filter(|pid| !family.contains(pid)) {
        let process = PathBuf::from(format!("/proc/{pid}"));
        let read = |file: &str| fs::read(process.join(file)).unwrap_or_default();
        let command = read("cmdline");
        let elsewhere = fs::read_link(process.join("ns/mnt")).ok() != namespace;
        if contains(&command, dir.as_os_str().as_bytes())
            || ["cwd", "exe", "root"]
                .iter()
                .any(|link| is_within(&process.join(link), dir))
            || elsewhere && !mounts::naming(&read("mountinfo"), dir).is_empty()
        {
            let command = String::from_utf8_lossy(&command).replace('\0', " ");
            found.push(format!("process {pid}: {}", command.trim_end()));
        }
    }
    found
}

fn is_within(link: &Path, dir: &Path) -> bool {
    fs::read_link(link).is_ok_and(|target| {
        // The kernel marks what has been removed meanwhile.
        let target = target.into_os_string().into_vec();
        let target = target
            .strip_suffix(b" (deleted)")
            .unwrap_or(&target)
            .to_vec();
        PathBuf::from(OsString::from_vec(target)).starts_with(dir)
    })
}

fn all() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The test itself and what started it: these may name the directory.
fn ancestors() -> BTreeSet<u32> {
    let mut family = BTreeSet::new();
    let mut pid = std::process::id();
    while pid > 1 && family.insert(pid) {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The command's name, in brackets, may hold anything.
        let fields = stat
            .rsplit_once(')')
            .map(|(_, fields)| fields)
            .unwrap_or_default();
        pid = fields
            .split_whitespace()
            .nth(1)
            .and_then(|ppid| ppid.parse().ok())
            .unwrap_or(0);
    }
    family
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::*;
    use crate::{Running, leftovers};

    #[test]
    fn a_process_that_works_in_the_directory_is_found_until_it_ends() {
        let minute = Duration::from_secs(60);
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(of(dir.path()), Vec::<String>::new());
        let mut command = Command::new("sh");
        command
            .args(["-c", "echo up >&2; sleep 600"])
            .current_dir(dir.path());
        let running = Running::start(&mut command, "").expect("a start");
        assert!(running.says("up", minute));
        assert!(!of(dir.path()).is_empty());
        drop(running);
        assert_eq!(leftovers::after(dir.path(), minute), Vec::<String>::new());
    }
}
