//! Mounts and processes that belong to a state directory. When no command runs
//! there must be none.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// What is still there of [`of`] after `grace`; returns as soon as it is empty.
/// The kernel ends killed processes a moment after their parent.
pub fn after(dir: &Path, grace: Duration) -> Vec<String> {
    let deadline = Instant::now() + grace;
    loop {
        let found = of(dir);
        if found.is_empty() || Instant::now() >= deadline {
            return found;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// One line for each mount and each process that names `dir`; none is well.
/// A mount at `dir` itself does not count.
pub fn of(dir: &Path) -> Vec<String> {
    let own = read("/proc/self/mountinfo");
    let mut found: Vec<String> = mounts_in(&own, dir)
        .map(|line| format!("mount: {line}"))
        .collect();
    let namespace = fs::read_link("/proc/self/ns/mnt").ok();
    let family = ancestors();
    for pid in processes() {
        if family.contains(&pid) {
            continue;
        }
        let process = PathBuf::from(format!("/proc/{pid}"));
        let command = fs::read(process.join("cmdline")).unwrap_or_default();
        let at = ["cwd", "exe", "root"]
            .iter()
            .any(|link| is_within(&process.join(link), dir));
        // Containers live in mount namespaces of their own.
        let elsewhere = fs::read_link(process.join("ns/mnt")).ok() != namespace;
        let mounts = elsewhere
            && mounts_in(&read(process.join("mountinfo")), dir)
                .next()
                .is_some();
        if at || mounts || contains(&command, dir.as_os_str().as_bytes()) {
            let command = String::from_utf8_lossy(&command).replace('\0', " ");
            found.push(format!("process {pid}: {}", command.trim_end()));
        }
    }
    found
}

fn read(path: impl AsRef<Path>) -> Vec<u8> {
    fs::read(path).unwrap_or_default()
}

/// The mounts of a mountinfo(5) table that name `dir`, as their source, target
/// or in their options (the layers of an overlay).
fn mounts_in<'a>(table: &'a [u8], dir: &Path) -> impl Iterator<Item = String> + 'a {
    let dir = dir.as_os_str().as_bytes().to_vec();
    table.split(|byte| *byte == b'\n').filter_map(move |line| {
        let plain = unescape(line);
        let target = unescape(line.split(|byte| *byte == b' ').nth(4)?);
        (contains(&plain, &dir) && target != dir)
            .then(|| String::from_utf8_lossy(&plain).into_owned())
    })
}

/// mountinfo(5) writes blanks as `\040` and the like.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, tail @ ..] = rest {
        let octal = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok();
        match (*first, tail.get(..3).and_then(octal)) {
            (b'\\', Some(byte)) => {
                plain.push(byte);
                rest = &tail[3..];
            }
            _ => {
                plain.push(*first);
                rest = tail;
            }
        }
    }
    plain
}

/// Whether `name` occurs as a path: not as the beginning of a longer name.
fn contains(text: &[u8], name: &[u8]) -> bool {
    text.windows(name.len()).enumerate().any(|(at, window)| {
        let after = text.get(at + name.len());
        window == name
            && after.is_none_or(|byte| !(byte.is_ascii_alphanumeric() || b"-_.".contains(byte)))
    })
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

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The test itself and what started it: these may name the state directory.
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

    use super::*;
    use crate::Running;

    #[test]
    fn a_process_that_works_in_the_directory_is_found_until_it_ends() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(of(dir.path()), Vec::<String>::new());
        let mut command = Command::new("sh");
        command
            .args(["-c", "echo up >&2; sleep 600"])
            .current_dir(dir.path());
        let running = Running::start(&mut command, "").expect("a start");
        assert!(running.says("up", Duration::from_secs(60)));
        assert!(!of(dir.path()).is_empty());
        drop(running);
        assert_eq!(
            after(dir.path(), Duration::from_secs(60)),
            Vec::<String>::new()
        );
    }

    #[test]
    fn an_overlay_is_found_by_its_layers() {
        let table = b"61 24 0:53 / /run/x rw - overlay overlay rw,lowerdir=/state/a\\040b/l/1,upperdir=/u\n";
        assert_eq!(mounts_in(table, Path::new("/state/a b")).count(), 1);
        assert_eq!(mounts_in(table, Path::new("/sta")).count(), 0);
    }

    #[test]
    fn a_mount_at_the_directory_itself_is_not_its_leftover() {
        let table =
            b"61 24 0:53 / /state rw - tmpfs tmpfs rw\n62 61 0:54 / /state/m rw - tmpfs tmpfs rw\n";
        assert_eq!(mounts_in(table, Path::new("/state")).count(), 1);
    }
}
