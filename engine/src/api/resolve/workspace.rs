//! The fields of `Workspace`: the project that the caller works in.

use std::path::PathBuf;
use std::sync::Arc;

use eyre::Result;
use serde_json::Value as Json;

use super::{checks, filter, host, unsupported};
use crate::api::client::Client;
use crate::api::reads::Read;
use crate::graph::Args;
use crate::graph::directory::join;
use crate::graph::node::{Answer, Workspace};
use crate::module::config;

/// Answers, and notes what was read.
pub async fn resolve(
    client: &Arc<Client>,
    this: &Arc<Workspace>,
    field: &str,
    args: &Args,
) -> Result<Answer> {
    if let "checks" | "generators" | "services" = field {
        return checks::of_workspace(client, field, args).await;
    }
    let result = read(client, this, field, args).await;
    // What is not there counts as well: a function may go on without it.
    client.reads.record(Read {
        field: field.to_owned(),
        args: args.json.clone(),
        found: result.as_ref().ok().map(|(_, found)| found.clone()),
    });
    Ok(result?.0)
}

/// An answer, and what stands for it.
pub async fn read(
    client: &Arc<Client>,
    this: &Arc<Workspace>,
    field: &str,
    args: &Args,
) -> Result<(Answer, String)> {
    Ok(match field {
        "address" => {
            let address = format!("file://{}", this.root.display());
            (address.clone().into(), address)
        }
        "path" => {
            let path = if this.path.is_empty() {
                ".".to_owned()
            } else {
                this.path.clone()
            };
            (path.clone().into(), path)
        }
        "directory" => {
            let node =
                host::directory_node(client, &this.place(&args.str("path")?), &filter(args)?)
                    .await?;
            let id = node.id.to_string();
            (Answer::Node(node), id)
        }
        "file" => {
            let node = host::file_node(client, &this.place(&args.str("path")?)).await?;
            let id = node.id.to_string();
            (Answer::Node(node), id)
        }
        "findUp" => {
            let (name, from) = (args.str("name")?, args.text("from")?);
            let found = this.find_up(&name, &from);
            let value = found.clone().map(Json::from).unwrap_or_default();
            (value.into(), found.unwrap_or_default())
        }
        _ => (unsupported("Workspace", field)?, String::new()),
    })
}

impl Workspace {
    /// Absolute paths start at the root, others at the caller's directory; none
    /// leaves the workspace.
    fn below(&self, path: &str) -> String {
        match path.strip_prefix('/') {
            Some(below) => join("", below),
            None => join("", &format!("{}/{path}", self.path)),
        }
    }

    fn place(&self, path: &str) -> PathBuf {
        self.root.join(self.below(path))
    }

    /// The nearest path of a name, absolute in the workspace.
    fn find_up(&self, name: &str, from: &str) -> Option<String> {
        let start = self.place(if from.is_empty() { "." } else { from });
        let dir = config::find_up(&start, name)?;
        let below = dir.strip_prefix(&self.root).ok()?;
        Some(format!("/{}", below.join(name).display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_in_the_workspace() {
        let workspace = Workspace {
            root: "/w".into(),
            path: "a/b".into(),
        };
        assert_eq!(workspace.place("."), PathBuf::from("/w/a/b"));
        assert_eq!(workspace.place("/x"), PathBuf::from("/w/x"));
        assert_eq!(workspace.place("../../../etc"), PathBuf::from("/w/etc"));
    }
}
