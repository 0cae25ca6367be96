//! The key of a module's sources, as `sdk/main.dang` computes it on an engine:
//! the digest of a line `<digest>  <path>` for each file, where a digest is that
//! of `File.digest(excludeMetadata: true)`.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use eyre::{Result, WrapErr};
use sha2::{Digest, Sha256};

/// The key of `files`, which are sorted, in the repository at `root`. What is
/// in a `dagger.json` does not count: nothing is compiled from it, and it names
/// the image that the key is looked up in.
pub fn key(root: &Path, files: &[PathBuf]) -> Result<String> {
    let mut lines = String::new();
    for file in files {
        let path = file.strip_prefix(root).unwrap_or(file).to_string_lossy();
        if path.ends_with("dagger.json") {
            continue;
        }
        let contents =
            std::fs::read(file).wrap_err_with(|| format!("cannot read `{}`", file.display()))?;
        writeln!(lines, "sha256:{}  {path}", digest(&contents))?;
    }
    Ok(digest(lines.as_bytes()))
}

/// The engine hashes the hash of the contents.
fn digest(contents: &[u8]) -> String {
    let inner = Sha256::digest(contents);
    Sha256::digest(inner)
        .iter()
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(contents: &[(&str, &str)]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let mut files = Vec::new();
        for (path, text) in contents {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            files.push(path);
        }
        files.sort();
        key(dir.path(), &files).unwrap()
    }

    // The constant is what `sdk/main.dang` gives.
    #[test]
    fn the_key_is_that_of_the_runtime() {
        let key = "13a353c42fce09f6a2634a14190838850e0758944796aec0292ec315815944ee";
        assert_eq!(key_of(&[("a", "x")]), key);
    }

    #[test]
    fn a_directory_comes_before_a_file_of_its_name_with_an_ending() {
        assert_eq!(
            key_of(&[("src/deps/b.rs", "1"), ("src/deps.rs", "2")]),
            digest(
                format!(
                    "sha256:{}  src/deps/b.rs\nsha256:{}  src/deps.rs\n",
                    digest(b"1"),
                    digest(b"2")
                )
                .as_bytes()
            )
        );
    }

    #[test]
    fn what_dagger_json_says_does_not_count() {
        let with = key_of(&[("m/dagger.json", "{}"), ("m/src/main.rs", "x")]);
        assert_eq!(with, key_of(&[("m/src/main.rs", "x")]));
        assert_ne!(with, key_of(&[("m/src/main.rs", "y")]));
    }
}
