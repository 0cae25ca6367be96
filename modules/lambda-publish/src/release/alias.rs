//! Moving an alias, guarded by the revision that it had when it was looked at.

use std::collections::BTreeMap;

use poniard_sdk::prelude::*;

use crate::aws::lambda::{Alias, Lambda, number};

/// Lambda's limit.
const DESCRIPTION_CHARS: usize = 256;
const ROUNDS: usize = 4;

/// What an alias is to serve.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    pub version: String,
    /// Other versions to their share of one.
    pub shares: BTreeMap<String, f64>,
    /// The version to go back to, kept in the alias's description.
    pub previous: Option<String>,
}

pub fn check_weight(weight: u32) -> Result<()> {
    ensure!(
        (1..=100).contains(&weight),
        "weight {weight} is no percentage: pass one from 1 to 100"
    );
    Ok(())
}

impl Wanted {
    /// `version` gets `weight` percent of the requests of an alias, and what the
    /// alias serves now the rest.
    pub fn new(alias: Option<&Alias>, version: &str, weight: u32) -> Result<Self> {
        let Some(alias) = alias else {
            ensure!(
                weight == 100,
                "the alias is not there yet: there is nothing that could serve the other {} %, leave out `--weight`",
                100 - weight
            );
            return Ok(Self::all(version, None));
        };
        let now = &alias.function_version;
        if weight == 100 {
            let previous = match now == version {
                true => previous(alias),
                false => Some(now.clone()),
            };
            return Ok(Self::all(version, previous));
        }
        let rest = f64::from(100 - weight) / 100.0;
        let (main, shares) = match (now == version, alias.shares().into_keys().next()) {
            (false, _) => (
                now,
                BTreeMap::from([(version.to_owned(), f64::from(weight) / 100.0)]),
            ),
            (true, Some(other)) => (now, BTreeMap::from([(other, rest)])),
            (true, None) => (now, BTreeMap::new()),
        };
        Ok(Self {
            version: main.clone(),
            shares,
            previous: previous(alias),
        })
    }

    pub fn all(version: &str, previous: Option<String>) -> Self {
        Self {
            version: version.to_owned(),
            shares: BTreeMap::new(),
            previous,
        }
    }

    pub fn is_met(&self, alias: &Alias) -> bool {
        let shares = alias.shares();
        let same = |(version, share): (&String, &f64)| {
            let theirs = shares.get(version);
            theirs.is_some_and(|theirs| (theirs - share).abs() < 1e-9)
        };
        alias.function_version == self.version
            && shares.len() == self.shares.len()
            && self.shares.iter().all(same)
    }
}

/// `7`, or `7 (90 %), 8 (10 %)`.
pub fn shown(version: &str, shares: &BTreeMap<String, f64>) -> String {
    if shares.is_empty() {
        return version.to_owned();
    }
    let percent = |share: f64| (share * 100.0).round();
    let rest = 1.0 - shares.values().sum::<f64>();
    let mut parts = vec![format!("{version} ({} %)", percent(rest))];
    parts.extend(
        shares
            .iter()
            .map(|(version, share)| format!("{version} ({} %)", percent(*share))),
    );
    parts.join(", ")
}

/// Brings the alias to what is wanted: it is made when `before` is None, and
/// left alone when it is that already. Somebody else's change is never
/// overwritten.
pub async fn bring(
    lambda: &Lambda,
    name: &str,
    before: Option<&Alias>,
    wanted: &Wanted,
) -> Result<Alias> {
    if let Some(alias) = before.filter(|alias| wanted.is_met(alias)) {
        return Ok(alias.clone());
    }
    let mut failure = None;
    for _ in 0..ROUNDS {
        let done = match before {
            Some(alias) => {
                let description = described(&alias.description, wanted.previous.as_deref());
                lambda
                    .update_alias(alias, &wanted.version, &wanted.shares, &description)
                    .await
            }
            None => lambda.create_alias(name, &wanted.version, "").await,
        };
        match done {
            Ok(alias) => return Ok(alias),
            Err(failed) if failed.is_worth_a_look() => failure = Some(failed),
            Err(failed) => return Err(failed.into()),
        }
        let now = lambda.alias(name).await?;
        match (before, now) {
            (_, Some(now)) if wanted.is_met(&now) => return Ok(now),
            (Some(before), Some(now)) if before.revision_id == now.revision_id => {}
            (None, None) => {}
            (_, now) => bail!(changed(lambda, name, now.as_ref())),
        }
    }
    Err(failure.map_or_else(|| eyre!("alias `{name}` cannot be moved"), Into::into))
}

fn changed(lambda: &Lambda, name: &str, now: Option<&Alias>) -> String {
    let serves = now.map_or_else(
        || "it is gone".to_owned(),
        |now| {
            format!(
                "it serves version {}",
                shown(&now.function_version, &now.shares())
            )
        },
    );
    format!(
        "somebody else has changed alias `{name}` of `{}` meanwhile ({serves}): it was not overwritten, run this again",
        lambda.function
    )
}

const MARK: &str = "previous version: ";

/// The version that was served before, as [`described`] wrote it down.
pub fn previous(alias: &Alias) -> Option<String> {
    let (_, rest) = alias.description.rsplit_once(MARK)?;
    let version: String = rest.chars().take_while(char::is_ascii_digit).collect();
    number(&version).map(|_| version)
}

/// The description with the version before; what else it says stays.
fn described(description: &str, previous: Option<&str>) -> String {
    let own = match description.rsplit_once(MARK) {
        Some((own, _)) => own.trim_end_matches(['(', ' ']),
        None => description,
    };
    let Some(previous) = previous else {
        return own.to_owned();
    };
    let mark = match own.is_empty() {
        true => format!("{MARK}{previous}"),
        false => format!(" ({MARK}{previous})"),
    };
    let room = DESCRIPTION_CHARS - mark.chars().count();
    own.chars().take(room).chain(mark.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::lambda::Routing;

    fn alias(version: &str, shares: &[(&str, f64)]) -> Alias {
        let shares = shares
            .iter()
            .map(|(version, share)| ((*version).to_owned(), *share));
        Alias {
            name: "live".into(),
            function_version: version.into(),
            routing_config: Some(Routing {
                additional_version_weights: Some(shares.collect()),
            }),
            ..Alias::default()
        }
    }

    fn brings(alias: &Alias, version: &str, weight: u32) -> String {
        let wanted = Wanted::new(Some(alias), version, weight).unwrap();
        shown(&wanted.version, &wanted.shares)
    }

    #[test]
    fn a_version_gets_its_share_and_the_rest_stays() {
        let live = alias("7", &[]);
        assert_eq!(brings(&live, "8", 100), "8");
        assert_eq!(brings(&live, "8", 10), "7 (90 %), 8 (10 %)");
        let under_way = alias("7", &[("8", 0.1)]);
        assert_eq!(brings(&under_way, "8", 50), "7 (50 %), 8 (50 %)");
        assert_eq!(brings(&under_way, "9", 5), "7 (95 %), 9 (5 %)");
        assert_eq!(brings(&under_way, "7", 30), "7 (30 %), 8 (70 %)");
        assert_eq!(brings(&under_way, "7", 100), "7");
    }

    #[test]
    fn an_alias_that_is_new_cannot_share() {
        assert!(Wanted::new(None, "1", 100).is_ok());
        let error = Wanted::new(None, "1", 30).unwrap_err().to_string();
        assert!(error.contains("70 %"), "{error}");
    }

    #[test]
    fn a_version_that_serves_all_is_left_alone() {
        let live = alias("8", &[]);
        for weight in [10, 100] {
            assert!(Wanted::new(Some(&live), "8", weight).unwrap().is_met(&live));
        }
        let wanted = Wanted::new(Some(&live), "9", 10).unwrap();
        assert!(!wanted.is_met(&live) && wanted.is_met(&alias("8", &[("9", 0.1)])));
    }

    #[test]
    fn the_version_before_is_kept_beside_what_people_wrote() {
        let described = |text: &str, version| super::described(text, version);
        assert_eq!(described("", Some("7")), "previous version: 7");
        let text = described("of the shop", Some("7"));
        assert_eq!(text, "of the shop (previous version: 7)");
        assert_eq!(
            described(&text, Some("8")),
            "of the shop (previous version: 8)"
        );
        assert_eq!(described(&text, None), "of the shop");
        let long = described(&"x".repeat(256), Some("12"));
        assert_eq!(long.chars().count(), 256);
        let alias = Alias {
            description: long,
            ..Alias::default()
        };
        assert_eq!(previous(&alias).as_deref(), Some("12"));
    }
}
