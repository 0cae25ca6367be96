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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_other_kinds_and_new_fields_are_left_alone() -> Result<()> {
        let text = concat!(
            r#"{"type":"wrangler-session","version":1,"wrangler_version":"4.164.0"}"#,
            "\n",
            r#"{"type":"version-upload","version":1,"worker_name":"site","version_id":"v","preview_url":null,"later":[1]}"#,
            "\n",
        );
        let entries = parse(text)?;
        assert_eq!(entries[0], Entry::Other);
        assert!(matches!(
            &entries[1],
            Entry::VersionUpload { version_id: Some(id), preview_url: None, .. } if id == "v"
        ));
        Ok(())
    }

    #[test]
    fn a_line_that_is_cut_off_is_an_error() {
        assert!(parse("{\"type\":\"deploy\",").is_err());
    }

    #[test]
    fn targets_are_addresses_only_when_they_can_be_opened() {
        let known = [
            (
                "https://site.team.workers.dev",
                Some("https://site.team.workers.dev"),
            ),
            ("example.com (custom domain)", Some("https://example.com")),
            (
                "example.com/* (zone name: example.com)",
                Some("https://example.com"),
            ),
            (
                "example.com/shop/* (zone id: 1)",
                Some("https://example.com/shop"),
            ),
            ("*.example.com/* (zone name: example.com)", None),
            ("schedule: 0 0 * * *", None),
            ("Producer for orders", None),
            ("workflow: build", None),
        ];
        for (target, url) in known {
            assert_eq!(address(target).as_deref(), url, "{target}");
        }
    }
}
