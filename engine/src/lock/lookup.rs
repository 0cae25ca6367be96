//! What is looked up by name, and how the lock names it.

use std::fmt;

use eyre::{Result, bail};
use serde_json::Value as Json;

use super::FILE;
use super::entries::{Key, Policy};

/// Something whose name may stand for something else tomorrow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Digest of an image. The name is in full, with its tag.
    Image {
        name: String,
        platform: String,
    },
    /// Commit of a repository's default branch.
    Head {
        url: String,
    },
    Branch {
        url: String,
        name: String,
    },
    Tag {
        url: String,
        name: String,
    },
    /// Commit of whatever has the name.
    Ref {
        url: String,
        name: String,
    },
    /// Commit of a module in git, by its reference.
    Module {
        source: String,
    },
}

impl Lookup {
    fn parts(&self) -> (&'static str, Vec<&str>) {
        match self {
            Self::Image { name, platform } => ("container.from", vec![name, platform]),
            Self::Head { url } => ("git.head", vec![url]),
            Self::Branch { url, name } => ("git.branch", vec![url, name]),
            Self::Tag { url, name } => ("git.tag", vec![url, name]),
            Self::Ref { url, name } => ("git.ref", vec![url, name]),
            Self::Module { source } => ("modules.resolve", vec![source]),
        }
    }

    pub(super) fn key(&self) -> Key {
        let (operation, inputs) = self.parts();
        let inputs: Vec<Json> = inputs.into_iter().map(Json::from).collect();
        Key::new("", operation, &inputs)
    }

    /// The lookup of an entry.
    ///
    /// # Errors
    /// When it is none of those that there are.
    pub(super) fn of(key: &Key) -> Result<Self> {
        let own = |text: &String| text.clone();
        let inputs: Option<Vec<String>> = key
            .inputs()
            .iter()
            .map(|input| {
                input
                    .as_str()
                    .filter(|text| !text.is_empty())
                    .map(str::to_owned)
            })
            .collect();
        let inputs = inputs.unwrap_or_default();
        Ok(match (key.namespace(), key.operation(), &inputs[..]) {
            ("", "container.from", [name, platform]) => Self::Image {
                name: own(name),
                platform: own(platform),
            },
            ("", "git.head", [url]) => Self::Head { url: own(url) },
            ("", "git.branch", [url, name]) => Self::Branch {
                url: own(url),
                name: own(name),
            },
            ("", "git.tag", [url, name]) => Self::Tag {
                url: own(url),
                name: own(name),
            },
            ("", "git.ref", [url, name]) => Self::Ref {
                url: own(url),
                name: own(name),
            },
            ("", "modules.resolve", [source]) => Self::Module {
                source: own(source),
            },
            _ => bail!(
                "`{key}` is no lookup that poniard knows: remove it, or renew the lock with a Dagger Engine (`--engine dagger`)"
            ),
        })
    }

    /// Refuses a value that cannot be the result: a digest, or else a commit.
    pub(super) fn check(&self, value: &str) -> Result<()> {
        let is_hex = |text: &str, length| {
            text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        let (what, expected, fits) = match self {
            Self::Image { .. } => (
                "digest",
                "`sha256:` and 64 hex digits",
                value
                    .strip_prefix("sha256:")
                    .is_some_and(|hex| is_hex(hex, 64)),
            ),
            _ => ("commit", "40 hex digits", is_hex(value, 40)),
        };
        if !fits {
            bail!(
                "invalid lock {what} `{value}` for `{self}` in `{FILE}`: expected {expected}; `poniard lock update` looks it up anew"
            );
        }
        Ok(())
    }

    /// What a new entry gets, unless more is known of what was found.
    pub fn policy(&self) -> Policy {
        match self {
            Self::Image { .. } | Self::Tag { .. } => Policy::Pin,
            _ => Policy::Float,
        }
    }
}

impl fmt::Display for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.key())
    }
}
