//! What Wrangler writes to `WRANGLER_OUTPUT_FILE_PATH`: a JSON object a line.

use poniard_sdk::prelude::*;
use serde::Deserialize;
use serde_json::Value;

/// An entry, as far as it is of interest. Versions of Wrangler add kinds and
/// fields, which are left alone.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Entry {
    Deploy {
        worker_name: Option<String>,
        version_id: Option<String>,
        #[serde(default)]
        targets: Option<Vec<String>>,
    },
    VersionUpload {
        worker_name: Option<String>,
        version_id: Option<String>,
        preview_url: Option<String>,
        preview_alias_url: Option<String>,
    },
    VersionDeploy {
        deployment_id: Option<String>,
    },
    CommandFailed {
        /// A number of Cloudflare's API, a word of Node.js, or absent.
        code: Option<Value>,
        message: String,
    },
    #[serde(other)]
    Other,
}

pub fn parse(text: &str) -> Result<Vec<Entry>> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| {
            serde_json::from_str(line)
                .wrap_err("Wrangler's output file has a line that cannot be read")
        })
        .collect()
}

/// A target of a deployment as an address: `https://site.team.workers.dev`,
/// `example.com (custom domain)` and `example.com/* (zone name: example.com)`
/// are, `schedule: 0 * * * *` is not.
pub fn address(target: &str) -> Option<String> {
    let place = target.split_whitespace().next()?;
    if place.starts_with("http://") || place.starts_with("https://") {
        return Some(place.to_owned());
    }
    let host = place.split('/').next()?;
    let valid = |c: char| c.is_ascii_alphanumeric() || "-.*:".contains(c);
    if !host.contains('.') || host.ends_with(':') || !host.chars().all(valid) {
        return None;
    }
    let place = place.trim_end_matches('*').trim_end_matches('/');
    // `*.example.com` stands for many hosts: no address.
    (!place.contains('*')).then(|| format!("https://{place}"))
}
