//! Moving an alias by itself: in steps, and back.

use std::time::Duration;

use poniard_sdk::prelude::*;

use super::alias::{Wanted, bring, check_weight, previous, shown};
use super::smoke::Smoke;
use crate::aws::lambda::{Alias, Lambda, number};

pub struct Steps {
    /// Percentages, the last one is where it ends.
    pub weights: Vec<u32>,
    pub pause: Duration,
    pub check: Option<Smoke>,
}

impl Steps {
    pub fn new(
        steps: Vec<u32>,
        weight: u32,
        pause_seconds: u32,
        check: Option<Smoke>,
    ) -> Result<Self> {
        let mut weights = steps;
        weights.push(weight);
        for weight in &weights {
            check_weight(*weight)?;
        }
        ensure!(
            weights.is_sorted_by(|a, b| a < b),
            "steps {weights:?} must rise, up to the weight"
        );
        ensure!(
            pause_seconds <= 3600,
            "a pause of {pause_seconds} s is too long: at most 3600"
        );
        Ok(Self {
            weights,
            pause: Duration::from_secs(pause_seconds.into()),
            check,
        })
    }
}

/// Step by step; when a check fails, the alias is brought back.
pub async fn shift(lambda: &Lambda, before: &Alias, version: &str, steps: &Steps) -> Result<Alias> {
    let mut alias = before.clone();
    for (i, weight) in steps.weights.iter().enumerate() {
        if i > 0 {
            tokio::time::sleep(steps.pause).await;
        }
        if let Some(check) = &steps.check
            && let Err(failed) = check.check(lambda, version).await
        {
            return Err(back(lambda, before, &alias, failed).await);
        }
        let wanted = Wanted::new(Some(&alias), version, *weight)?;
        alias = bring(lambda, &alias.name, Some(&alias), &wanted)
            .await
            .wrap_err_with(|| {
                let serves = shown(&alias.function_version, &alias.shares());
                format!("alias `{}` stays at version {serves}", alias.name)
            })?;
    }
    Ok(alias)
}

async fn back(
    lambda: &Lambda,
    before: &Alias,
    alias: &Alias,
    failed: poniard_sdk::eyre::Report,
) -> poniard_sdk::eyre::Report {
    let wanted = Wanted {
        version: before.function_version.clone(),
        shares: before.shares(),
        previous: previous(before),
    };
    let name = &before.name;
    let serves = shown(&wanted.version, &wanted.shares);
    match bring(lambda, name, Some(alias), &wanted).await {
        Ok(_) => failed.wrap_err(format!("alias `{name}` serves version {serves} as before")),
        Err(error) => failed.wrap_err(format!(
            "alias `{name}` could not be brought back to version {serves} ({error:#})"
        )),
    }
}

/// To one version alone: the one that is named, else the one that was served
/// before, as the alias's description says, else the next lower one. While two
/// versions share the requests, back is the one that was there first.
pub async fn rollback(lambda: &Lambda, before: &Alias, version: Option<String>) -> Result<Alias> {
    let (name, now) = (&before.name, &before.function_version);
    let target = match version {
        Some(version) => version,
        None if !before.shares().is_empty() => now.clone(),
        None => match previous(before) {
            Some(previous) => previous,
            None => {
                let versions = lambda.versions().await?;
                let lower = versions
                    .into_iter()
                    .find(|one| number(&one.version) < number(now));
                let lower = lower.ok_or_else(|| {
                    eyre!("alias `{name}` serves version {now}, and there is none before it: pass `--version`")
                })?;
                lower.version
            }
        },
    };
    super::wait::version_active(lambda, &target)
        .await
        .wrap_err_with(|| format!("alias `{name}` serves version {now} as before"))?;
    bring(lambda, name, Some(before), &Wanted::all(&target, None)).await
}
