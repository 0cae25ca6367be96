//! mountinfo(5).

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::contains;

/// In the mount namespace of the caller.
pub fn of(dir: &Path) -> Vec<String> {
    let table = fs::read("/proc/self/mountinfo").unwrap_or_default();
    let mounts = naming(&table, dir);
    mounts
        .into_iter()
        .map(|line| format!("mount: {line}"))
        .collect()
}

/// The mounts of a table that name `dir` as their source, target or in their
/// options (the layers of an overlay).
pub fn naming(table: &[u8], dir: &Path) -> Vec<String> {
    let dir = dir.as_os_str().as_bytes();
    let named = |line: &[u8]| {
        let target = unescape(line.split(|byte| *byte == b' ').nth(4)?);
        let plain = unescape(line);
        (contains(&plain, dir) && target != dir)
            .then(|| String::from_utf8_lossy(&plain).into_owned())
    };
    table
        .split(|byte| *byte == b'\n')
        .filter_map(named)
        .collect()
}

/// Blanks are written as `\040` and the like.
fn unescape(field: &[u8]) -> Vec<u8> {
    let octal = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok();
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match tail.get(..3).and_then(octal) {
            Some(byte) if *first == b'\\' => {
                plain.push(byte);
                rest = &tail[3..];
            }
            _ => plain.push(*first),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlay_is_found_by_its_layers() {
        let table = b"61 24 0:53 / /run/x rw - overlay overlay rw,lowerdir=/state/a\\040b/l/1\n";
        assert_eq!(naming(table, Path::new("/state/a b")).len(), 1);
        assert_eq!(naming(table, Path::new("/state/a b/l/10")).len(), 0);
        assert_eq!(naming(table, Path::new("/sta")).len(), 0);
    }

    #[test]
    fn a_mount_at_the_directory_itself_is_not_its_leftover() {
        let table = b"61 24 0:5 / /state rw - tmpfs t rw\n62 61 0:6 / /state/m rw - tmpfs t rw\n";
        assert_eq!(naming(table, Path::new("/state")).len(), 1);
    }
}
