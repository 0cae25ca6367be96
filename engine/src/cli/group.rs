//! What `check`, `generate` and `up` have in common: functions of the modules
//! around the working directory, chosen by patterns.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use crate::client::{Failure, print};
use crate::suggest;

use super::args::Chosen;
use super::runtime::Context;

/// A line of the list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    pub name: String,
    pub description: String,
    /// Only of checks: `check` or `generate`.
    #[serde(default)]
    pub check_type: String,
}

impl Item {
    pub fn row(&self) -> (String, String) {
        let first = self.description.lines().next().unwrap_or_default();
        (self.name.clone(), first.to_owned())
    }
}

/// Asks for `wanted` of a group of the workspace: `checks`, `generators`,
/// `services`, with arguments beside the patterns.
pub async fn ask<T: DeserializeOwned>(
    context: &Context,
    group: &str,
    chosen: &Chosen,
    args: &str,
    wanted: &str,
) -> Result<T, Failure> {
    // Whoever names a module wants to know when it is not there.
    if context.global.module.is_some() {
        context.module().await?;
    }
    let query = format!(
        "query($include: [String!]) {{ currentWorkspace {{ group: {group}(include: $include{args}) {{ {wanted} }} }} }}"
    );
    let include = (!chosen.patterns.is_empty()).then_some(&chosen.patterns);
    let mut data = context
        .session
        .query(&query, json!({ "include": include }))
        .await?;
    let found = data.pointer_mut("/currentWorkspace/group").map(Json::take);
    serde_json::from_value(found.unwrap_or_default())
        .map_err(|error| Failure::new(format!("the engine's answer cannot be read: {error}")))
}

/// The table of generators or services.
pub async fn list(context: &Context, group: &str, chosen: &Chosen) -> Result<(), Failure> {
    #[derive(Deserialize)]
    struct Found {
        list: Vec<Item>,
    }
    let found: Found = ask(context, group, chosen, "", "list { name description }").await?;
    let rows: Vec<_> = found.list.iter().map(Item::row).collect();
    Ok(context.printer()(&print::table(
        ["Name", "Description"],
        &rows,
    ))?)
}

/// Tells that no module here has any; no failure, as in dagger.
pub fn tell_of_none(context: &Context, what: &str, chosen: &Chosen) -> Result<(), Failure> {
    // Of patterns each was told alone.
    if chosen.patterns.is_empty() {
        context.teller()(&format!("no module here has a {what}\n"))?;
    }
    Ok(())
}

/// Warns of each pattern that nothing is called by. No failure, as in dagger, so it is
/// said where nothing else is.
pub async fn warn(
    context: &Context,
    (group, what): (&str, &str),
    chosen: &Chosen,
    args: &str,
) -> Result<(), Failure> {
    #[derive(Deserialize)]
    struct Found {
        list: Vec<Named>,
    }
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    let names = async |patterns: Vec<String>| -> Result<Vec<String>, Failure> {
        let chosen = Chosen {
            list: true,
            patterns,
        };
        let found: Found = ask(context, group, &chosen, args, "list { name }").await?;
        Ok(found.list.into_iter().map(|named| named.name).collect())
    };
    let mut missing = Vec::new();
    for pattern in &chosen.patterns {
        if names(vec![pattern.clone()]).await?.is_empty() {
            missing.push(pattern);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let all = names(Vec::new()).await?;
    for pattern in missing {
        context.teller()(&warning(what, pattern, &all))?;
    }
    Ok(())
}

fn warning(what: &str, pattern: &str, all: &[String]) -> String {
    // A name is known by its end too: `lint` of `go:lint`.
    let of = |name: &str| suggest::closest(pattern, [name]).is_some();
    let meant = suggest::closest(pattern, all.iter().map(String::as_str)).or_else(|| {
        let end = |name: &&String| name.rsplit(':').next().is_some_and(of);
        all.iter().find(end).map(String::as_str)
    });
    let hint = meant.map_or(String::new(), |name| format!("; did you mean `{name}`?"));
    format!(
        "warning: no {what} is called `{pattern}`, so none was run for it: `-l` lists them{hint}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_nothing_is_called_by_is_told_with_what_was_meant() {
        let all = ["go:lint".to_owned(), "go:test".to_owned()];
        for (pattern, want) in [
            ("go:lnit", "; did you mean `go:lint`?\n"),
            ("tset", "; did you mean `go:test`?\n"),
            ("deploy", "`-l` lists them\n"),
        ] {
            let said = warning("check", pattern, &all);
            assert!(said.starts_with("warning: no check is called"), "{said}");
            assert!(said.ends_with(want), "{said}");
        }
    }
}
