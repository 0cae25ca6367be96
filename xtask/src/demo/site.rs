//! What the pipeline built.

use std::fs;
use std::path::{Path, PathBuf};

use eyre::{Result, WrapErr, bail};

#[derive(Default)]
pub struct Site {
    pub pages: usize,
    pub files: usize,
    pub bytes: u64,
}

impl Site {
    /// Counts what lies in a directory.
    pub fn measure(dist: &Path) -> Result<Self> {
        let mut site = Self::default();
        let mut dirs: Vec<PathBuf> = vec![dist.to_path_buf()];
        while let Some(dir) = dirs.pop() {
            let entries =
                fs::read_dir(&dir).wrap_err_with(|| format!("cannot read `{}`", dir.display()))?;
            for entry in entries {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    dirs.push(entry.path());
                    continue;
                }
                site.files += 1;
                site.bytes += entry.metadata()?.len();
                let page = entry.path().extension().is_some_and(|e| e == "html");
                site.pages += usize::from(page);
            }
        }
        if site.pages == 0 {
            bail!("`{}` holds no page", dist.display());
        }
        Ok(site)
    }
}
