//! `checksums.txt`, which `sha256sum -c` reads.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use eyre::Result;
use sha2::{Digest, Sha256};

/// Lists every file below `dist`, sorted.
pub fn write(dist: &Path) -> Result<()> {
    let mut files = Vec::new();
    find(dist, &mut files)?;
    files.sort();
    let mut text = String::new();
    for file in files {
        let name = file.strip_prefix(dist).unwrap_or(&file).display();
        writeln!(text, "{}  {name}", hex(&fs::read(&file)?))?;
    }
    Ok(fs::write(dist.join("checksums.txt"), text)?)
}

/// SHA-256, in hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn find(dir: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            find(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
