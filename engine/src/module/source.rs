//! What a module is made from: its directory, `include`, and the digest of both.

use std::path::{Path, PathBuf};

use eyre::{Result, WrapErr};
use walkdir::WalkDir;

use super::config::Config;
use super::defaults;
use crate::store::{Digest, Hasher};

/// Directories that are never part of a module's source.
const LEFT_OUT: [&str; 3] = [".git", "target", "node_modules"];

/// Every file that a module in `dir` is made from, sorted.
pub fn files(dir: &Path, config: &Config) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    walk(dir, &mut files)?;
    for pattern in config
        .include
        .iter()
        .filter(|pattern| !pattern.starts_with('!'))
    {
        included(dir, pattern, &mut files)?;
    }
    for pattern in config
        .include
        .iter()
        .filter_map(|pattern| pattern.strip_prefix('!'))
    {
        let glob = matcher(dir, pattern)?;
        files.retain(|file| !glob.is_match(file));
    }
    // It is the user's, not the module's, and may hold secrets.
    let user_defaults = dir.join(defaults::FILE);
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
    let start = crate::graph::engine::clean(&dir.join(&fixed));
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
    files.extend(below.into_iter().filter(|file| glob.is_match(file)));
    Ok(())
}

fn matcher(dir: &Path, pattern: &str) -> Result<globset::GlobMatcher> {
    let absolute = crate::graph::engine::clean(&dir.join(pattern));
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

/// Digest of the names (relative to `root`) and contents of files.
pub fn digest(root: &Path, files: &[PathBuf]) -> Result<Digest> {
    let mut hasher = Hasher::new("module-1");
    for file in files {
        let name = file.strip_prefix(root).unwrap_or(file);
        hasher.add(name.as_os_str().as_encoded_bytes());
        let unreadable = || format!("cannot read `{}`", file.display());
        if file.is_symlink() {
            let target = std::fs::read_link(file).wrap_err_with(unreadable)?;
            hasher.add(target.as_os_str().as_encoded_bytes());
        }
        // A link may lead to a directory or nowhere, and a pipe never ends.
        match std::fs::metadata(file) {
            Ok(found) if found.is_file() => {
                hasher.add(std::fs::read(file).wrap_err_with(unreadable)?);
            }
            _ => hasher.add("no file"),
        }
    }
    Ok(hasher.digest())
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
            "lib/a.rs",
            "lib/b.md",
        ] {
            write(path);
        }
        let include = ["../Cargo.toml", "../lib/*.rs", "../absent"]
            .map(str::to_owned)
            .to_vec();
        let config = Config {
            include,
            ..Config::default()
        };
        let found = files(&root.path().join("m"), &config).unwrap();
        let names: Vec<_> = found
            .iter()
            .map(|f| f.strip_prefix(root.path()).unwrap().to_str().unwrap())
            .collect();
        assert_eq!(names, ["Cargo.toml", "lib/a.rs", "m/src/main.rs"]);
    }

    #[test]
    fn links_count_by_where_they_lead_and_may_lead_nowhere() {
        let root = tempfile::tempdir().unwrap();
        let link = root.path().join("link");
        let digest = |target: &str| {
            let _ = std::fs::remove_file(&link);
            std::os::unix::fs::symlink(target, &link).unwrap();
            let found = files(root.path(), &Config::default()).unwrap();
            digest(root.path(), &found).unwrap()
        };
        std::fs::create_dir(root.path().join("dir")).unwrap();
        assert_ne!(digest("dir"), digest("nowhere"));
    }
}
