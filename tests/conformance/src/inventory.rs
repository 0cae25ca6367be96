//! Guards the recordings: a checkout easily loses what some `.gitignore` names,
//! empty directories and links, and the case then tests something else.
//!
//! `inventory.txt` has a line for each case: its name, a colon, and its files;
//! a link ends in `@`, an empty directory in `/`.

use std::path::Path;
use std::{fs, io};

use walkdir::WalkDir;

/// The inventory of a folder of cases as it is.
pub fn take(cases: &Path) -> io::Result<String> {
    let mut lines = Vec::new();
    for entry in fs::read_dir(cases)? {
        let case = entry?.path();
        let mut files = Vec::new();
        for entry in WalkDir::new(&case).min_depth(1) {
            let entry = entry?;
            let name = entry
                .path()
                .strip_prefix(&case)
                .unwrap_or(entry.path())
                .display()
                .to_string();
            if entry.path_is_symlink() {
                files.push(format!("{name}@"));
            } else if entry.file_type().is_file() {
                files.push(name);
            } else if fs::read_dir(entry.path())?.next().is_none() {
                files.push(format!("{name}/"));
            }
        }
        files.sort();
        let name = case
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        lines.push(format!("{name}: {}\n", files.join(" ")));
    }
    lines.sort();
    Ok(lines.concat())
}

/// Lines that one inventory has and the other lacks; none is well.
pub fn differences(noted: &str, found: &str) -> Vec<String> {
    let lacks = |line: &&str, text: &str| !text.lines().any(|other| other == *line);
    let lost = noted
        .lines()
        .filter(|line| lacks(line, found))
        .map(|line| format!("noted: {line}"));
    let new = found
        .lines()
        .filter(|line| lacks(line, noted))
        .map(|line| format!("found: {line}"));
    lost.chain(new).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn lost_files_links_and_empty_directories_are_noticed() {
        let cases = tempfile::tempdir().expect("a directory");
        let files = cases.path().join("001-x/files");
        fs::create_dir_all(files.join("empty")).expect("a directory");
        fs::write(files.join("b.log"), "").expect("a file");
        symlink("b.log", files.join("l")).expect("a link");
        let noted = take(cases.path()).expect("an inventory");
        assert_eq!(noted, "001-x: files/b.log files/empty/ files/l@\n");
        fs::remove_file(files.join("b.log")).expect("a removal");
        let found = take(cases.path()).expect("an inventory");
        assert_eq!(
            differences(&noted, &found),
            [
                "noted: 001-x: files/b.log files/empty/ files/l@",
                "found: 001-x: files/empty/ files/l@"
            ]
        );
    }
}
