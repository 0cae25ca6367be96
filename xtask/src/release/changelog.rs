//! The changelog: what was not released becomes a version.

use eyre::{Result, bail};

const OPEN: &str = "## Unreleased\n";

/// The changelog of a release on a day.
pub fn released(text: &str, version: &str, day: &str) -> Result<String> {
    let Some((before, after)) = text.split_once(OPEN) else {
        bail!("`CHANGELOG.md` has no heading `{}`", OPEN.trim());
    };
    let end = after.find("\n## ").unwrap_or(after.len());
    if after[..end].trim().is_empty() {
        bail!(
            "`CHANGELOG.md` tells nothing under `{}`: say what is new",
            OPEN.trim()
        );
    }
    Ok(format!("{before}{OPEN}\n## {version} - {day}\n{after}"))
}
