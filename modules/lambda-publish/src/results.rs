//! What the functions return.

use poniard_sdk::prelude::*;

use crate::aws::lambda::Alias;
use crate::release::alias::shown;

/// A version that was published.
#[object]
pub struct Publication {
    /// Number of the version.
    pub version: String,
    /// ARN of the version.
    pub function_arn: String,
    /// Digest of the image, `sha256:…`.
    pub image_digest: String,
    /// The image as Lambda knows it, by digest.
    pub image_ref: String,
    /// The alias that serves it; empty without one.
    pub alias: String,
    /// The version that the alias served before; empty when there was none.
    pub previous_version: String,
    /// Whether this made a version; false when the same code was published already.
    pub is_new: bool,
    /// Old versions that were deleted.
    pub pruned: Vec<String>,
    /// Markdown for a merge request.
    pub summary: String,
}

/// What a publication would do.
#[object]
pub struct Plan {
    /// Whether anything would change. An image whose tag is there is taken for the one that has it.
    pub has_changes: bool,
    /// Line by line what goes (`-`), comes (`+`) and stays.
    pub diff: String,
    /// Markdown for a merge request.
    pub summary: String,
}

/// What an alias serves.
#[object]
pub struct Shift {
    pub alias: String,
    /// The version that gets all requests, or the rest of them.
    pub version: String,
    /// The version that gets a part of the requests; empty when there is none.
    pub shared_version: String,
    /// Percentage of the requests that the shared version gets.
    pub shared_weight: u32,
    /// What the alias served before.
    pub previous_version: String,
    /// Markdown for a merge request.
    pub summary: String,
}

impl Shift {
    /// From what an alias of the function was, and what it is now.
    pub fn between(function: &str, before: &Alias, now: &Alias) -> Self {
        let shares = now.shares();
        let share = shares.values().next().copied().unwrap_or_default();
        // A share of one is at most a hundred percent.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let shared_weight = (share * 100.0).round() as u32;
        Self {
            alias: now.name.clone(),
            version: now.function_version.clone(),
            shared_version: shares.keys().next().cloned().unwrap_or_default(),
            shared_weight,
            previous_version: before.function_version.clone(),
            summary: format!(
                "**{function}** alias `{}` serves version {}, before: {}",
                now.name,
                shown(&now.function_version, &shares),
                shown(&before.function_version, &before.shares())
            ),
        }
    }
}

/// A version of a function.
#[object]
pub struct Version {
    pub version: String,
    /// When it was published.
    pub published: String,
    pub description: String,
    /// Hash of its code: of an image, the digest without `sha256:`.
    pub code_hash: String,
    /// `Active`, `Pending`, `Inactive` or `Failed`.
    pub state: String,
    /// Aliases that serve it, with their share: `live (90 %)`.
    pub aliases: Vec<String>,
}

/// The versions of a function.
#[object]
pub struct Versions {
    /// The newest first.
    pub list: Vec<Version>,
    /// Markdown.
    pub table: String,
    /// Markdown for a merge request: the newest ones.
    pub summary: String,
}

/// Versions that were deleted.
#[object]
pub struct Pruning {
    pub deleted: Vec<String>,
    /// How many are left.
    pub kept: u32,
    /// Markdown for a merge request.
    pub summary: String,
}

/// An answer of a function.
#[object]
pub struct Invocation {
    /// What the function returned.
    pub payload: String,
    /// The version that ran.
    pub version: String,
    /// The end of its log.
    pub log: String,
    /// Markdown for a merge request.
    pub summary: String,
}
