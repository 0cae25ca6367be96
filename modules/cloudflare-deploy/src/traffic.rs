//! Which versions get which share of the requests.

use poniard_sdk::prelude::*;

use crate::cloudflare::{Live, Share};

/// Versions and whole percents, as `wrangler versions deploy` takes them.
pub type Split = Vec<(String, u8)>;

/// `version` gets `percent`, the rest stays on what is live.
pub fn promote(version: &str, percent: u8, live: Option<&Live>) -> Result<Split> {
    ensure!(
        (1..=100).contains(&percent),
        "{percent} percent is not possible: 1 to 100"
    );
    if percent == 100 {
        return Ok(vec![(version.to_owned(), 100)]);
    }
    let shares = live.map(serving).unwrap_or_default();
    let others: Vec<_> = shares
        .iter()
        .filter(|share| share.version_id != version)
        .collect();
    match others.as_slice() {
        [] if shares.is_empty() => {
            bail!(
                "nothing is live that could keep the other {} percent: promote with 100",
                100 - percent
            )
        }
        [] => {
            bail!("version `{version}` is the only one that is live: there is none to share with")
        }
        [other] => Ok(vec![
            (version.to_owned(), percent),
            (other.version_id.clone(), 100 - percent),
        ]),
        [a, b, ..] => bail!(
            "versions `{}` ({} %) and `{}` ({} %) share the requests, and Cloudflare allows two: promote one of them with 100 first",
            a.version_id,
            a.percentage,
            b.version_id,
            b.percentage
        ),
    }
}

/// The version to go back to: of a rollout its stable half, otherwise the last
/// that had all requests before the one that has them now.
pub fn previous(deployments: &[Live]) -> Result<String> {
    let Some((now, before)) = deployments.split_first() else {
        bail!("nothing was deployed yet");
    };
    let live = serving(now);
    let stable = before
        .iter()
        .filter_map(|deployment| match serving(deployment).as_slice() {
            [only] => Some(only.version_id.clone()),
            _ => None,
        });
    let whole = live.len() == 1;
    stable
        .into_iter()
        .find(|version| !(whole && live.iter().any(|share| &share.version_id == version)))
        .ok_or_else(|| {
            eyre!(
                "no version before the live one is among the last {} deployments: name it with `--version-id`",
                deployments.len()
            )
        })
}

pub fn version_id(text: &str) -> Result<&str> {
    let text = text.trim();
    let sizes = text.split('-').map(str::len);
    let valid =
        sizes.eq([8, 4, 4, 4, 12]) && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit());
    ensure!(
        valid,
        "`{text}` is no id of a version, such as `7d2ad84b-1c9b-4d2a-9a60-5f3d1f1f3a5e`: `versions` lists them"
    );
    Ok(text)
}

fn serving(deployment: &Live) -> Vec<&Share> {
    let shares = deployment.versions.iter();
    shares.filter(|share| share.percentage > 0.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(shares: &[(&str, f64)]) -> Live {
        let versions = shares.iter().map(|(id, percentage)| Share {
            version_id: (*id).to_owned(),
            percentage: *percentage,
        });
        Live {
            id: "d".to_owned(),
            versions: versions.collect(),
        }
    }

    fn split(shares: &[(&str, u8)]) -> Split {
        let shares = shares.iter();
        shares
            .map(|(id, percent)| ((*id).to_owned(), *percent))
            .collect()
    }

    #[test]
    fn the_rest_stays_on_what_is_live() -> Result<()> {
        let one = live(&[("old", 100.0)]);
        assert_eq!(
            promote("new", 20, Some(&one))?,
            split(&[("new", 20), ("old", 80)])
        );
        let rollout = live(&[("new", 20.0), ("old", 80.0)]);
        assert_eq!(
            promote("new", 60, Some(&rollout))?,
            split(&[("new", 60), ("old", 40)])
        );
        assert_eq!(
            promote("old", 90, Some(&rollout))?,
            split(&[("old", 90), ("new", 10)])
        );
        assert_eq!(promote("new", 100, None)?, split(&[("new", 100)]));
        Ok(())
    }

    #[test]
    fn a_share_that_cannot_be_is_refused() {
        let error = |version, percent, live: Option<&Live>| {
            promote(version, percent, live).unwrap_err().to_string()
        };
        let rollout = live(&[("a", 50.0), ("b", 50.0)]);
        assert!(error("c", 10, Some(&rollout)).contains("`a` (50 %) and `b` (50 %)"));
        assert!(error("a", 10, Some(&live(&[("a", 100.0)]))).contains("the only one"));
        assert!(error("a", 10, None).contains("promote with 100"));
        assert!(error("a", 0, None).contains("1 to 100"));
        assert!(error("a", 101, None).contains("1 to 100"));
    }

    #[test]
    fn the_version_before_is_the_last_other_one_that_had_all_requests() -> Result<()> {
        let two = [
            live(&[("c", 100.0)]),
            live(&[("b", 100.0)]),
            live(&[("a", 100.0)]),
        ];
        assert_eq!(previous(&two)?, "b");
        // Deployed again, with other settings: the same version is no version before.
        let again = [
            live(&[("b", 100.0)]),
            live(&[("b", 100.0)]),
            live(&[("a", 100.0)]),
        ];
        assert_eq!(previous(&again)?, "a");
        // A rollout in between was never all of it.
        let rolled = [
            live(&[("c", 100.0)]),
            live(&[("c", 50.0), ("b", 50.0)]),
            live(&[("b", 100.0)]),
        ];
        assert_eq!(previous(&rolled)?, "b");
        // From within a rollout, back to its stable half.
        let rollout = [live(&[("c", 20.0), ("b", 80.0)]), live(&[("b", 100.0)])];
        assert_eq!(previous(&rollout)?, "b");
        Ok(())
    }

    #[test]
    fn nothing_to_go_back_to_is_told() {
        assert!(
            previous(&[])
                .unwrap_err()
                .to_string()
                .contains("nothing was deployed")
        );
        let only = [live(&[("a", 100.0)])];
        assert!(
            previous(&only)
                .unwrap_err()
                .to_string()
                .contains("--version-id")
        );
    }

    #[test]
    fn a_version_is_named_by_its_whole_id() {
        assert!(version_id(" 7d2ad84b-1c9b-4d2a-9a60-5f3d1f1f3a5e\n").is_ok());
        for bad in [
            "7d2ad84b",
            "",
            "7d2ad84b-1c9b-4d2a-9a60-5f3d1f1f3a5g",
            "--yes",
        ] {
            assert!(version_id(bad).is_err(), "{bad}");
        }
    }
}
