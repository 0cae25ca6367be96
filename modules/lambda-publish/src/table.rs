//! Versions as Markdown.

use crate::aws::lambda::{Alias, Configuration};
use crate::results::{Version, Versions};

/// A summary has at most ten lines, two of them are the head.
const SUMMARY_ROWS: usize = 8;
const HASH_CHARS: usize = 12;

pub fn of(function: &str, versions: Vec<Configuration>, aliases: &[Alias]) -> Versions {
    let rows = |list: &[Version]| {
        let head = format!("| {function} | aliases | published | code | |\n|---|---|---|---|---|");
        let rows = list.iter().map(row);
        std::iter::once(head)
            .chain(rows)
            .collect::<Vec<_>>()
            .join("\n")
    };
    let list: Vec<Version> = versions
        .into_iter()
        .map(|of| version(of, aliases))
        .collect();
    Versions {
        table: rows(&list),
        summary: rows(&list[..list.len().min(SUMMARY_ROWS)]),
        list,
    }
}

fn version(of: Configuration, aliases: &[Alias]) -> Version {
    let serving = aliases.iter().filter(|alias| alias.serves(&of.version));
    let serving = serving.map(|alias| {
        let shares = alias.shares();
        let share = match shares.get(&of.version) {
            Some(share) => *share,
            None => 1.0 - shares.values().sum::<f64>(),
        };
        match shares.is_empty() {
            true => alias.name.clone(),
            false => format!("{} ({} %)", alias.name, (share * 100.0).round()),
        }
    });
    Version {
        aliases: serving.collect(),
        version: of.version,
        published: of.last_modified,
        description: of.description,
        code_hash: of.code_sha256,
        state: of.state,
    }
}

fn row(version: &Version) -> String {
    let hash: String = version.code_hash.chars().take(HASH_CHARS).collect();
    let published = version.published.split('.').next().unwrap_or_default();
    let mut about = version.description.replace('|', "\\|").replace('\n', " ");
    if version.state != "Active" && !version.state.is_empty() {
        about = format!("{about} ({})", version.state);
    }
    format!(
        "| {} | {} | {} | `{hash}` | {} |",
        version.version,
        version.aliases.join(", "),
        published.replace('T', " "),
        about.trim()
    )
}
