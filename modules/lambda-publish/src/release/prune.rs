//! Deleting old versions, never one that an alias serves or would go back to.

use std::collections::BTreeSet;

use poniard_sdk::prelude::*;

use super::alias::previous;
use crate::aws::lambda::{Alias, Configuration, Lambda};

#[derive(Default)]
pub struct Pruned {
    pub deleted: Vec<String>,
    /// Left, and why.
    pub failed: Vec<(String, String)>,
    pub kept: usize,
}

/// Keeps the newest `keep` and those in use.
pub async fn prune(lambda: &Lambda, keep: u32) -> Result<Pruned> {
    let (versions, aliases) = tokio::join!(lambda.versions(), lambda.aliases());
    let (versions, aliases) = (versions?, aliases?);
    let old = superfluous(&versions, &aliases, keep);
    let mut pruned = Pruned {
        kept: versions.len(),
        ..Pruned::default()
    };
    for version in old {
        // Lambda itself refuses while an alias points to it.
        match lambda.delete_version(&version).await {
            Ok(()) => {
                pruned.kept -= 1;
                pruned.deleted.push(version);
            }
            Err(failure) => pruned.failed.push((version, failure.to_string())),
        }
    }
    Ok(pruned)
}

/// `versions` from the newest; 0 keeps all.
pub fn superfluous(versions: &[Configuration], aliases: &[Alias], keep: u32) -> Vec<String> {
    if keep == 0 {
        return Vec::new();
    }
    let needed: BTreeSet<String> = aliases
        .iter()
        .flat_map(|alias| {
            let mut needed: Vec<String> = alias.shares().into_keys().collect();
            needed.push(alias.function_version.clone());
            needed.extend(previous(alias));
            needed
        })
        .collect();
    let keep = usize::try_from(keep).unwrap_or(usize::MAX);
    let old = versions.iter().skip(keep).map(|one| one.version.clone());
    old.filter(|version| !needed.contains(version)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::lambda::Routing;

    #[test]
    fn what_an_alias_serves_or_goes_back_to_stays() {
        let versions: Vec<_> = (1..=9)
            .rev()
            .map(|number: u32| Configuration {
                version: number.to_string(),
                ..Configuration::default()
            })
            .collect();
        let alias = Alias {
            function_version: "5".into(),
            description: "previous version: 3".into(),
            routing_config: Some(Routing {
                additional_version_weights: Some([("4".to_owned(), 0.1)].into()),
            }),
            ..Alias::default()
        };
        assert_eq!(superfluous(&versions, &[alias], 2), ["7", "6", "2", "1"]);
        assert!(superfluous(&versions, &[], 0).is_empty());
        assert!(superfluous(&versions, &[], 9).is_empty());
    }
}
