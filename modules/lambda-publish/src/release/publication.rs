//! The steps from an image in the registry to the alias. Until the alias moves,
//! nothing that it serves is touched; each error says what is up.

use poniard_sdk::prelude::*;

use super::alias::{self, Wanted, shown};
use super::plan::{Before, Order};
use super::prune::{Pruned, prune};
use super::{update, wait};
use crate::aws::lambda::{Alias, Configuration, Lambda, number};

pub struct Published {
    pub version: Configuration,
    /// The version was there already.
    pub again: bool,
    pub alias: Option<Alias>,
    /// What the alias served, in whole or for the most part.
    pub previous: Option<String>,
    pub pruned: Pruned,
}

pub async fn publish(
    lambda: &Lambda,
    order: &Order,
    before: &Before,
    image_uri: &str,
    digest: &str,
) -> Result<Published> {
    let function = &lambda.function;
    let unharmed = before.unharmed();
    let updated = update::code(lambda, &before.function, image_uri, digest)
        .await
        .wrap_err_with(|| format!("`{function}` has no new version, {unharmed}"))?;
    let description = order.description.as_deref();
    let version = update::version(
        lambda,
        &updated,
        before.versions.first(),
        digest,
        description,
    )
    .await
    .wrap_err_with(|| {
        format!("the code of `{function}` is new, but no version of it is published, {unharmed}")
    })?;
    let name = version.version.clone();
    let stays =
        || format!("version {name} of `{function}` is published and stays unused, {unharmed}");
    // Lambda says at once when there is nothing to wait for.
    if version.state != "Active" {
        wait::version_active(lambda, &name)
            .await
            .wrap_err_with(stays)?;
    }
    if let Some(smoke) = &order.smoke {
        smoke.check(lambda, &name).await.wrap_err_with(stays)?;
    }
    let mut alias = None;
    if let Some(alias_name) = &order.alias {
        let now = before.alias.as_ref();
        let wanted = Wanted::new(now, &name, order.weight)?;
        let moved = alias::bring(lambda, alias_name, now, &wanted).await;
        alias = Some(moved.wrap_err_with(|| {
            format!(
                "version {name} of `{function}` is published, but alias `{alias_name}` is not moved"
            )
        })?);
    }
    let previous = before
        .alias
        .as_ref()
        .map(|alias| alias.function_version.clone())
        .filter(|previous| *previous != name);
    // What was ordered is done: that old versions stay is no failure of it.
    let pruned = match order.keep {
        0 => Pruned::default(),
        keep => prune(lambda, keep).await.unwrap_or_else(|error| Pruned {
            failed: vec![("all".to_owned(), format!("{error:#}"))],
            ..Pruned::default()
        }),
    };
    Ok(Published {
        again: number(&name) <= before.newest(),
        version,
        alias,
        previous,
        pruned,
    })
}

impl Published {
    /// Markdown for a merge request.
    pub fn summary(&self, lambda: &Lambda, image: &str) -> String {
        let (function, version) = (&lambda.function, &self.version.version);
        let mut lines = vec![match self.again {
            true => format!("**{function}** version **{version}** was there already"),
            false => format!("**{function}** version **{version}** is published"),
        }];
        lines.push(String::new());
        if let Some(alias) = &self.alias {
            let now = shown(&alias.function_version, &alias.shares());
            let before = self.previous.as_ref();
            let before = before.map(|before| format!(", before: {before}"));
            lines.push(format!(
                "- alias `{}` serves version {now}{}",
                alias.name,
                before.unwrap_or_default()
            ));
        }
        lines.push(format!("- image `{image}`"));
        if !self.pruned.deleted.is_empty() {
            lines.push(format!(
                "- deleted versions {}",
                self.pruned.deleted.join(", ")
            ));
        }
        for (version, why) in self.pruned.failed.iter().take(3) {
            lines.push(format!("- version {version} was not deleted: {why}"));
        }
        lines.join("\n")
    }
}
