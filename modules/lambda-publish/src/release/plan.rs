//! What is there, whether what was ordered can be done, and what it would change.

use poniard_sdk::prelude::*;

use super::alias::{Wanted, check_weight, shown};
use super::prune::superfluous;
use super::smoke::Smoke;
use crate::aws::lambda::{Alias, Code, Configuration, Function, Lambda, number};
use crate::image::manifest::platform_of;

/// What the user asked for, checked as far as it can be without asking anybody.
pub struct Order {
    pub alias: Option<String>,
    pub weight: u32,
    pub smoke: Option<Smoke>,
    pub description: Option<String>,
    pub keep: u32,
}

/// The function before anything is changed.
pub struct Before {
    pub function: Function,
    /// The one that was ordered, when it is there.
    pub alias: Option<Alias>,
    pub aliases: Vec<Alias>,
    /// The newest first.
    pub versions: Vec<Configuration>,
}

impl Order {
    pub fn new(
        alias: Option<String>,
        weight: u32,
        smoke: Option<Smoke>,
        description: Option<String>,
        keep: u32,
    ) -> Result<Self> {
        check_weight(weight)?;
        match &alias {
            Some(name) => check_alias_name(name)?,
            None => ensure!(
                weight == 100,
                "`--weight` is the share of an alias: pass `--alias`"
            ),
        }
        Ok(Self {
            alias,
            weight,
            smoke,
            description,
            keep,
        })
    }
}

impl Before {
    /// Looks, and refuses what cannot be done.
    pub async fn look(lambda: &Lambda, order: &Order) -> Result<Self> {
        let (function, aliases, versions) =
            tokio::join!(lambda.get(), lambda.aliases(), lambda.versions());
        let (function, aliases, versions) = (function?, aliases?, versions?);
        let of = &function.configuration;
        ensure!(
            of.package_type == "Image",
            "function `{}` is made from a {} file, not from an image: make a function of package type `Image`",
            lambda.function,
            of.package_type.to_lowercase()
        );
        let alias = aliases
            .iter()
            .find(|alias| Some(&alias.name) == order.alias.as_ref())
            .cloned();
        if let Some(name) = &order.alias {
            if let Some(alias) = &alias {
                ensure!(
                    order.weight == 100 || number(&alias.function_version).is_some(),
                    "alias `{name}` serves `{}`, which cannot share its requests: leave out `--weight` once",
                    alias.function_version
                );
            }
            Wanted::new(alias.as_ref(), "new", order.weight)
                .wrap_err_with(|| format!("alias `{name}` of `{}`", lambda.function))?;
        }
        Ok(Self {
            function,
            alias,
            aliases,
            versions,
        })
    }

    /// `arm64` or `x86_64`.
    pub fn architecture(&self) -> &str {
        let architectures = &self.function.configuration.architectures;
        architectures.first().map_or("x86_64", String::as_str)
    }

    /// Refuses an image for another processor before it is pushed.
    pub async fn check_platform(&self, image: &Container) -> Result<()> {
        let is = image.platform().await?.0;
        let wanted = platform_of(self.architecture());
        ensure!(
            is == wanted || is.starts_with(&format!("{wanted}/")),
            "the image is for {is}, but the function is {}: build it with `--platform {wanted}`",
            self.architecture()
        );
        Ok(())
    }

    pub fn newest(&self) -> Option<u64> {
        number(&self.versions.first()?.version)
    }

    /// What an error says is still so.
    pub fn unharmed(&self) -> String {
        match &self.alias {
            Some(alias) => format!(
                "alias `{}` serves version {} as before",
                alias.name,
                shown(&alias.function_version, &alias.shares())
            ),
            None => "no alias was changed".to_owned(),
        }
    }

    /// Lines of a diff. `image` is named by its digest, or when it is not pushed yet
    /// by the tag that it will get.
    pub fn diff(&self, lambda: &Lambda, order: &Order, image: &str) -> Result<Vec<String>> {
        let Code {
            image_uri: code,
            resolved_image_uri: resolved,
        } = &self.function.code;
        let mut lines = vec![format!(
            "  function {} ({})",
            lambda.function,
            self.architecture()
        )];
        let same = code == image || resolved == image;
        match same {
            true => lines.push(format!("  code {code}")),
            false => lines.extend([format!("- code {code}"), format!("+ code {image}")]),
        }
        // With the same code, Lambda may name the last version again.
        let published = self
            .versions
            .first()
            .filter(|newest| same && newest.code_sha256 == self.function.configuration.code_sha256);
        let new = match published {
            Some(newest) => newest.version.clone(),
            None => "new".to_owned(),
        };
        match published {
            Some(newest) => lines.push(format!("  version {}", newest.version)),
            None => lines.push("+ version new".to_owned()),
        }
        if order.smoke.is_some() {
            lines.push(format!("  invoke version {new}"));
        }
        if let Some(name) = &order.alias {
            let wanted = Wanted::new(self.alias.as_ref(), &new, order.weight)?;
            let after = format!(
                "alias {name}: version {}",
                shown(&wanted.version, &wanted.shares)
            );
            match &self.alias {
                Some(alias) if wanted.is_met(alias) => lines.push(format!("  {after}")),
                Some(alias) => {
                    let now = shown(&alias.function_version, &alias.shares());
                    lines.extend([
                        format!("- alias {name}: version {now}"),
                        format!("+ {after}"),
                    ]);
                }
                None => lines.push(format!("+ {after}")),
            }
        }
        lines.extend(self.pruned(order, published.is_none()));
        Ok(lines)
    }

    fn pruned(&self, order: &Order, one_more: bool) -> Vec<String> {
        let mut versions = self.versions.clone();
        if one_more {
            versions.insert(0, Configuration::default());
        }
        let old = superfluous(&versions, &self.aliases, order.keep);
        old.iter().map(|old| format!("- version {old}")).collect()
    }
}

pub fn check_alias_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    ensure!(
        !name.is_empty() && name.len() <= 128 && name.chars().all(plain) && number(name).is_none(),
        "`{name}` is no name of an alias: letters, digits, `-` and `_`, and not digits alone"
    );
    Ok(())
}
