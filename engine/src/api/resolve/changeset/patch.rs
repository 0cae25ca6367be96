//! What differs, line by line.

use std::collections::BTreeMap;
use std::path::Path;

use eyre::{Result, bail};
use serde_json::{Value as Json, json};

use super::git::Git;
use crate::api::resolve::directory::transfer;
use crate::graph::directory::join;
use crate::store::tree::{Changes, Tree};

/// The files that differ, and only those, as directories `a` and `b`.
pub struct Sides {
    dir: tempfile::TempDir,
    changes: Changes,
}

impl Sides {
    pub fn lay_out(new: &Tree, new_path: &str, old: &Tree, old_path: &str) -> Result<Self> {
        let changes = new.changes(new_path, old, old_path)?;
        let dir = tempfile::tempdir()?;
        let sides = [
            ("a", old, old_path, [&changes.removed, &changes.modified]),
            ("b", new, new_path, [&changes.added, &changes.modified]),
        ];
        for (name, tree, path, lists) in sides {
            let side = dir.path().join(name);
            std::fs::create_dir(&side)?;
            let side = Tree::new(&side);
            for file in lists
                .into_iter()
                .flatten()
                .filter(|path| !path.ends_with('/'))
            {
                transfer(&side, tree, &join(path, file), file)?;
            }
        }
        Ok(Self { dir, changes })
    }

    fn diff(&self, options: &[&str]) -> Result<Vec<u8>> {
        let args = [&["diff"], options, &["--no-prefix", "--no-index", "a", "b"]].concat();
        let said = Git::nowhere(self.dir.path()).try_run(&args, b"")?;
        // 1: they differ.
        if said.code > 1 {
            bail!("git diff: {}", said.cause());
        }
        Ok(said.stdout)
    }

    /// In git's unified format, binary files too.
    pub fn patch(&self) -> Result<Vec<u8>> {
        // A rename would name `a/…` where `git apply` expects no prefix.
        self.diff(&["--binary", "--no-renames"])
    }

    /// `DiffStat` of every path, by path.
    pub fn stats(&self) -> Result<Vec<Json>> {
        let lines = counts(&self.diff(&["--numstat", "-z"])?);
        let mut old_names = BTreeMap::new();
        for (old, new) in renames(&self.diff(&["--name-status", "-z"])?) {
            old_names.insert(new, old);
        }
        let mut stats = BTreeMap::new();
        let lists = [
            ("ADDED", &self.changes.added),
            ("MODIFIED", &self.changes.modified),
            ("REMOVED", &self.changes.removed),
        ];
        for (kind, paths) in lists {
            for path in paths {
                let (added, removed) = lines.get(path).copied().unwrap_or_default();
                let old_path = old_names.get(path);
                if kind == "REMOVED" && old_names.values().any(|old| old == path) {
                    continue;
                }
                let kind = if old_path.is_some() { "RENAMED" } else { kind };
                let stat = json!({
                    "path": path, "oldPath": old_path, "kind": kind,
                    "addedLines": added, "removedLines": removed,
                });
                stats.insert((path, kind), stat);
            }
        }
        Ok(stats.into_values().collect())
    }
}

/// The path below `a` or `b`.
fn below(path: &str) -> Option<String> {
    let path = Path::new(path);
    let path = path.strip_prefix("a").or_else(|_| path.strip_prefix("b"));
    Some(path.ok()?.to_string_lossy().into_owned())
}

fn words(text: &[u8]) -> std::vec::IntoIter<String> {
    let words = text
        .split(|byte| *byte == 0)
        .filter(|word| !word.is_empty());
    let words = words.map(|word| String::from_utf8_lossy(word).into_owned());
    words.collect::<Vec<_>>().into_iter()
}

/// Lines added and removed, by path; none of binary files. An entry is
/// `ADDED TAB REMOVED TAB PATH`, or has no path and is followed by two.
fn counts(text: &[u8]) -> BTreeMap<String, (u64, u64)> {
    let mut words = words(text);
    let mut counts = BTreeMap::new();
    while let Some(entry) = words.next() {
        let mut parts = entry.splitn(3, '\t');
        let mut number = || {
            parts
                .next()
                .and_then(|n| n.parse().ok())
                .unwrap_or_default()
        };
        let lines = (number(), number());
        let path = match parts.next() {
            None | Some("") => {
                let (old, new) = (words.next(), words.next());
                let is_file = |path: &String| path != "/dev/null";
                new.filter(is_file).or(old).unwrap_or_default()
            }
            Some(path) => path.to_owned(),
        };
        counts.extend(below(&path).map(|path| (path, lines)));
    }
    counts
}

/// (old, new) of every file that has another name now.
fn renames(text: &[u8]) -> Vec<(String, String)> {
    let mut words = words(text);
    let mut renames = Vec::new();
    while let (Some(status), Some(path)) = (words.next(), words.next()) {
        if status.starts_with(['R', 'C']) {
            let new = words.next().and_then(|new| below(&new));
            let renamed = status.starts_with('R');
            renames.extend(below(&path).zip(new).filter(|_| renamed));
        }
    }
    renames
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_lines_are_read_in_both_forms() {
        let text = b"1\t2\ta/x y\0-\t-\tb/bin\x003\t0\t\0/dev/null\0b/new\x000\t0\t\0a/o\0b/n\0";
        let read = counts(text);
        let pairs: Vec<_> = read
            .iter()
            .map(|(path, lines)| (path.as_str(), *lines))
            .collect();
        assert_eq!(
            pairs,
            [
                ("bin", (0, 0)),
                ("n", (0, 0)),
                ("new", (3, 0)),
                ("x y", (1, 2))
            ]
        );
        let text = b"M\0a/x\0R100\0a/o\0b/n\0A\0b/new\0";
        assert_eq!(renames(text), [("o".to_owned(), "n".to_owned())]);
    }
}
