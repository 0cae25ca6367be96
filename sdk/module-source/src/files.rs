//! The files of a module: its directory, and what `include` names.

use std::path::{Component, Path, PathBuf};

use eyre::{Result, WrapErr};
use walkdir::WalkDir;

use crate::USER_DEFAULTS;

/// Directories that are never part of a module's source.
const LEFT_OUT: [&str; 3] = [".git", "target", "node_modules"];

/// Every file that a module in `dir` is made from, sorted.
pub fn files(dir: &Path, include: &[String]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    walk(dir, &mut files)?;
    for pattern in include.iter().filter(|pattern| !pattern.starts_with('!')) {
        included(dir, pattern, &mut files)?;
    }
    for pattern in include
        .iter()
        .filter_map(|pattern| pattern.strip_prefix('!'))
    {
        let glob = matcher(dir, pattern)?;
        files.retain(|file| !is_below(&glob, file));
    }
    let user_defaults = dir.join(USER_DEFAULTS);
    files.retain(|file| *file != user_defaults);
    files.sort();
    files.dedup();
    Ok(files)
}

fn included(dir: &Path, pattern: &str, files: &mut Vec<PathBuf>) -> Result<()> {
    // The part before the first wildcard is where to look.
    let fixed: PathBuf = Path::new(pattern)
        .components()
        .take_while(|part| {
            !part
                .as_os_str()
                .to_string_lossy()
                .contains(['*', '?', '[', '{'])
        })
        .collect();
    let start = clean(&dir.join(&fixed));
    if fixed == Path::new(pattern) {
        return match std::fs::metadata(&start) {
            Ok(found) if found.is_dir() => walk(&start, files),
            Ok(_) => {
                files.push(start);
                Ok(())
            }
            // As in Dagger: an include that is not there includes nothing.
            Err(_) => Ok(()),
        };
    }
    let glob = matcher(dir, pattern)?;
    let mut below = Vec::new();
    if start.is_dir() {
        walk(&start, &mut below)?;
    }
    files.extend(below.into_iter().filter(|file| is_below(&glob, file)));
    Ok(())
}

/// As in Dagger: what names a directory means all in it.
fn is_below(glob: &globset::GlobMatcher, file: &Path) -> bool {
    file.ancestors().any(|path| glob.is_match(path))
}

fn matcher(dir: &Path, pattern: &str) -> Result<globset::GlobMatcher> {
    let absolute = clean(&dir.join(pattern));
    let glob = globset::GlobBuilder::new(&absolute.to_string_lossy())
        .literal_separator(true)
        .build();
    Ok(glob
        .wrap_err_with(|| format!("`include` has a bad pattern `{pattern}`"))?
        .compile_matcher())
}

fn walk(dir: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let wanted = |entry: &walkdir::DirEntry| {
        entry.depth() == 0 || !LEFT_OUT.iter().any(|name| entry.file_name() == *name)
    };
    for entry in WalkDir::new(dir).into_iter().filter_entry(wanted) {
        let entry =
            entry.wrap_err_with(|| format!("cannot read module directory `{}`", dir.display()))?;
        if !entry.file_type().is_dir() {
            files.push(entry.into_path());
        }
    }
    Ok(())
}

/// The path without `.` and `..`, by text.
pub fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(out.pop()),
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn included_files_count_and_others_outside_do_not() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        };
        for path in [
            "Cargo.toml",
            "other",
            "m/src/main.rs",
            "m/target/big",
            "m/.env",
            "m/docs/a/b.md",
            "lib/a.rs",
            "lib/b.md",
        ] {
            write(path);
        }
        let include = ["../Cargo.toml", "../lib/*.rs", "../absent", "!docs"]
            .map(str::to_owned)
            .to_vec();
        let found = files(&root.path().join("m"), &include).unwrap();
        let names: Vec<_> = found
            .iter()
            .map(|f| f.strip_prefix(root.path()).unwrap().to_str().unwrap())
            .collect();
        assert_eq!(names, ["Cargo.toml", "lib/a.rs", "m/src/main.rs"]);
    }
}
