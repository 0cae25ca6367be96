//! `generate`: runs the generators of the modules here and applies what they
//! change to the working directory, after a question.

use std::io::{BufRead, IsTerminal};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use crate::client::Failure;

use super::args;
use super::args::Global;
use super::group;
use super::runtime::{Context, Interrupts, with_engine};

pub fn run(global: &Global, options: args::Chosen) -> Result<(), Failure> {
    with_engine(
        global,
        Interrupts::End,
        async move |context: Arc<Context>| {
            if options.list {
                return group::list(&context, "generators", &options).await;
            }
            generate(&context, &options).await
        },
    )
}

#[derive(Deserialize)]
struct Group {
    list: Vec<serde_json::Value>,
    run: Run,
}

#[derive(Deserialize)]
struct Run {
    changes: Changes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Changes {
    id: String,
    added_paths: Vec<String>,
    modified_paths: Vec<String>,
    removed_paths: Vec<String>,
}

impl Changes {
    fn is_empty(&self) -> bool {
        self.added_paths.is_empty()
            && self.modified_paths.is_empty()
            && self.removed_paths.is_empty()
    }

    /// A line for each path, as `git status` shows them.
    fn summary(&self) -> String {
        let mut lines: Vec<_> = [
            ('A', &self.added_paths),
            ('M', &self.modified_paths),
            ('D', &self.removed_paths),
        ]
        .into_iter()
        .flat_map(|(letter, paths)| paths.iter().map(move |path| (path, letter)))
        .collect();
        lines.sort();
        lines
            .iter()
            .map(|(path, letter)| format!("{letter} {path}\n"))
            .collect()
    }
}

async fn generate(context: &Context, options: &args::Chosen) -> Result<(), Failure> {
    group::warn(context, ("generators", "generator"), options, "").await?;
    let wanted = "list { name } run { changes { id addedPaths modifiedPaths removedPaths } }";
    let group: Group = group::ask(context, "generators", options, "", wanted)
        .await
        .map_err(|failure| Failure { code: 1, ..failure })?;
    if group.list.is_empty() {
        return group::tell_of_none(context, "generator", options);
    }
    apply(context, &group.run.changes).await
}

async fn apply(context: &Context, changes: &Changes) -> Result<(), Failure> {
    if changes.is_empty() {
        return Ok(context.teller()("no changes to apply\n")?);
    }
    context.teller()(&changes.summary())?;
    if !context.global.auto_apply && !is_confirmed(context)? {
        return Ok(());
    }
    let query = "query($id: ID!) { node(id: $id) { ... on Changeset { export(path: \".\") } } }";
    context
        .session
        .query(query, json!({ "id": changes.id }))
        .await?;
    Ok(())
}

fn is_confirmed(context: &Context) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(
            "the changes are not applied: there is no terminal to ask on; apply them with `-y`",
        ));
    }
    context.renderer.pause(true);
    context.teller()("Apply changes? [y/N] ")?;
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    context.renderer.pause(false);
    read?;
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_by_path() {
        let changes =
            json!({"id": "x", "addedPaths": ["b"], "modifiedPaths": ["c"], "removedPaths": ["a"]});
        let changes: Changes = serde_json::from_value(changes).expect("changes");
        assert_eq!(changes.summary(), "D a\nA b\nM c\n");
        assert!(!changes.is_empty());
    }
}
