//! Directories that tests use.

use std::env;
use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// Cargo's target directory: the one that holds the running test.
pub fn target_dir() -> PathBuf {
    let exe = env::current_exe().unwrap_or_default();
    exe.ancestors()
        .find(|dir| dir.join("CACHEDIR.TAG").exists())
        .map_or_else(|| repository().join("target"), Path::to_path_buf)
}

/// Images and caches, kept between runs of the tests: `PONIARD_STATE`, by
/// default `poniard-state` in the target directory.
pub fn state_dir() -> PathBuf {
    env::var_os("PONIARD_STATE").map_or_else(|| target_dir().join("poniard-state"), PathBuf::from)
}
