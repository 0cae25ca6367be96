//! The fields of `Workspace`: the project that the caller works in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use eyre::{Result, bail};
use serde_json::{Value as Json, json};

use super::{checks, filter, host, lookup, unsupported};
use crate::api::client::Client;
use crate::api::reads::Read;
use crate::graph::directory::join;
use crate::graph::node::{Answer, Workspace};
use crate::graph::{Args, Node};
use crate::lock;
use crate::module::config;
use crate::replace::permissions;
use crate::store::Filter;

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

/// A default path of an argument, for modules whose default paths are the caller's.
pub async fn default_path(
    client: &Arc<Client>,
    type_name: &str,
    path: &str,
    ignore: &[String],
) -> Result<Arc<Node>> {
    let (field, args) = match type_name {
        "File" => ("file", json!({ "path": path })),
        "Directory" => ("directory", json!({ "path": path, "exclude": ignore })),
        other => bail!("argument with default path `{path}`: a {other} cannot be read from a path"),
    };
    let args = Args::new(args.as_object().cloned().unwrap_or_default());
    let this = client.shared.workspace.clone();
    match resolve(client, &this, field, &args).await? {
        Answer::Node(node) => Ok(node),
        _ => bail!("`{field}` gave no object"),
    }
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
            let place: PathBuf = this.place(".").components().collect();
            let address = format!("file://{}", place.display());
            (address.clone().into(), address)
        }
        "clientId" => {
            let id = client.shared.id.clone();
            (id.clone().into(), id)
        }
        // As long as Dagger has no configuration of workspaces but `dagger.json`.
        "configPath" => ("".into(), String::new()),
        "hasConfig" | "initialized" => (false.into(), "false".to_owned()),
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
        "update" => {
            let node = update(client, this).await?;
            let id = node.id.to_string();
            (Answer::Node(node), id)
        }
        _ => (unsupported("Workspace", field)?, String::new()),
    })
}

/// What changes when everything in the lock is looked up anew; without a lock, an
/// empty one is made.
async fn update(client: &Arc<Client>, this: &Workspace) -> Result<Arc<Node>> {
    let engine = client.engine();
    let path = this.place(lock::FILE);
    let old = lock::parse(&lock::text(&path)?)?;
    let new = lock::renewed(old, |entry| lookup::current(engine, entry)).await?;
    // Nothing else changes, so nothing else is read.
    let filter = Filter {
        include: vec![lock::FILE.to_owned()],
        ..Filter::default()
    };
    let before = host::directory_node(client, &this.place("."), &filter).await?;
    let file =
        json!({"path": lock::FILE, "contents": new.to_text(), "permissions": permissions(&path)});
    let after = field_of(client, &before, "withNewFile", file).await?;
    let from = json!({"from": before.id.to_string()});
    field_of(client, &after, "changes", from).await
}

/// The object that a field of another gives.
async fn field_of(
    client: &Arc<Client>,
    node: &Arc<Node>,
    field: &str,
    args: Json,
) -> Result<Arc<Node>> {
    let args = args.as_object().cloned().unwrap_or_default();
    match client
        .select(Some(node.clone()), field, Args::new(args))
        .await?
    {
        crate::graph::Value::Node(node) => Ok(node),
        _ => bail!("`{field}` gave no object"),
    }
}

impl Workspace {
    /// That around a directory.
    pub fn around(dir: &Path) -> Self {
        let root = config::context(dir);
        let path = dir.strip_prefix(&root).unwrap_or(Path::new(""));
        let path = path.to_string_lossy().into_owned();
        Self { root, path }
    }

    /// Absolute paths start at the root, others at the caller's directory; none
    /// leaves the workspace.
    fn below(&self, path: &str) -> String {
        match path.strip_prefix('/') {
            Some(below) => join("", below),
            None => join("", &format!("{}/{path}", self.path)),
        }
    }

    pub fn place(&self, path: &str) -> PathBuf {
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
    use crate::api::tests::Bench;

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

    #[tokio::test]
    async fn a_workspace_is_where_the_caller_is_and_has_no_other_configuration() {
        let bench = Bench::new();
        let client = bench.caller();
        let query = "{currentWorkspace{address path clientId configPath hasConfig initialized}}";
        let found = client.query(query, Json::Null).await.unwrap();
        let found = &found["currentWorkspace"];
        let workdir = client.engine().workdir.components().collect::<PathBuf>();
        assert_eq!(found["address"], format!("file://{}", workdir.display()));
        assert_eq!(found["path"], ".");
        assert_eq!(found["configPath"], "");
        assert_eq!(found["hasConfig"], false);
        assert_eq!(found["initialized"], false);
        let again = client.query(query, Json::Null).await.unwrap();
        assert_eq!(again["currentWorkspace"], *found);
        assert!(!found["clientId"].as_str().unwrap().is_empty());
        let other = bench.caller().query(query, Json::Null).await.unwrap();
        assert_ne!(other["currentWorkspace"]["clientId"], found["clientId"]);
    }
}
