//! What `check`, `generate` and `up` have in common: functions of the modules
//! around the working directory, chosen by patterns.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use crate::client::{Failure, print};

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

/// Tells that nothing was chosen; no failure, as in dagger.
pub fn tell_of_none(context: &Context, what: &str, chosen: &Chosen) -> Result<(), Failure> {
    let text = if chosen.patterns.is_empty() {
        format!("no module here has a {what}\n")
    } else {
        format!(
            "no {what} is called {}: `-l` lists them\n",
            chosen.patterns.join(", ")
        )
    };
    Ok(context.teller()(&text)?)
}
