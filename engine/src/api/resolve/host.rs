//! The caller's machine, and addresses of things on it and elsewhere.

use std::path::Path;
use std::sync::Arc;

use eyre::{Result, bail, eyre};
use serde_json::{Value as Json, json};

use super::container::image;
use super::lookup::{Wanted, git_ref};
use super::{callers_only, content, filter, git, network, root, unsupported};
use crate::api::client::Client;
use crate::graph::node::Answer;
use crate::graph::service::Socket;
use crate::graph::{Args, Call, Node, Object, git as repo};
use crate::module::config;
use crate::store::Filter;

pub async fn resolve(client: &Arc<Client>, field: &str, args: &Args) -> Result<Answer> {
    callers_only(client, &format!("Host.{field}"))?;
    let engine = client.engine();
    Ok(match field {
        "containerImage" => {
            let name = args.str("name")?;
            let (container, digest) = image::of_store(engine, &name).await?;
            let args = json!({ "name": name, "digest": digest.to_string() });
            let args = args.as_object().cloned().unwrap_or_default();
            let call = Call::root("hostContainerImage", args);
            let object = Object::Container(Arc::new(container));
            // It may be another image in the next run.
            Answer::Node(client.make("Container", object, call, false))
        }
        "directory" => Answer::Node(
            directory_node(
                client,
                &engine.host_path(&args.str("path")?),
                &filter(args)?,
            )
            .await?,
        ),
        "file" => Answer::Node(file_node(client, &engine.host_path(&args.str("path")?)).await?),
        "findUp" => {
            let name = args.str("name")?;
            let found = config::find_up(&engine.workdir, &name).map(|dir| dir.join(&name));
            found
                .map(|path| Json::from(path.to_string_lossy()))
                .unwrap_or_default()
                .into()
        }
        "service" => network::host_service(args)?.into(),
        "tunnel" => network::tunnel(args)?.into(),
        "unixSocket" => {
            let path = engine.host_path(&args.str("path")?);
            Answer::Object("Socket", Object::Socket(Socket { path }))
        }
        _ => unsupported("Host", field)?,
    })
}

/// A directory of the host as it is now.
pub async fn directory_node(
    client: &Arc<Client>,
    path: &Path,
    filter: &Filter,
) -> Result<Arc<Node>> {
    let span = client
        .engine()
        .progress
        .start(format!("upload {}", path.display()));
    let imported = client.engine().store.import_dir(path, filter).await;
    let snapshot = span.end_as(imported)?;
    Ok(content(client, snapshot, "", false))
}

/// A file of the host as it is now.
pub async fn file_node(client: &Arc<Client>, path: &Path) -> Result<Arc<Node>> {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let name = name.ok_or_else(|| eyre!("`{}` is no file", path.display()))?;
    let snapshot = client.engine().store.import_file(path, &name).await?;
    Ok(content(client, snapshot, &name, true))
}

pub async fn address(client: &Arc<Client>, this: &str, field: &str, args: &Args) -> Result<Answer> {
    let engine = client.engine();
    let on_the_machine = match field {
        "directory" | "file" => remote(this).is_none(),
        "service" | "socket" => true,
        _ => false,
    };
    if on_the_machine {
        callers_only(client, &format!("Address.{field}"))?;
    }
    Ok(match field {
        "value" => this.into(),
        "container" => {
            let args = [("address".to_owned(), Json::from(this))]
                .into_iter()
                .collect();
            let container = client.select(None, "container", Args::default()).await?;
            chained(client, container, "from", args).await?
        }
        "directory" | "file" => match remote(this) {
            Some((url, version, path)) => {
                let Answer::Object(_, Object::GitRepository(repository)) =
                    git::of_url(client, url, repo::Auth::default())?
                else {
                    bail!("`{this}` is no Git address")
                };
                let wanted = match version {
                    "" => Wanted::Head,
                    name => Wanted::Ref(name.to_owned()),
                };
                let reference = git_ref(engine, &repository, &wanted).await?;
                let options = repo::Tree {
                    discard_git_dir: true,
                    depth: 1,
                    include_tags: false,
                };
                let tree = Arc::new(reference).tree(engine, options);
                if field == "file" {
                    tree.file(engine, path).into()
                } else {
                    tree.directory(engine, path).into()
                }
            }
            None if field == "file" => {
                Answer::Node(file_node(client, &engine.host_path(local(this))).await?)
            }
            None => Answer::Node(
                directory_node(client, &engine.host_path(local(this)), &filter(args)?).await?,
            ),
        },
        "gitRepository" => git::of_url(
            client,
            this.split('#').next().unwrap_or(this),
            repo::Auth::default(),
        )?,
        "gitRef" => {
            let (url, version) = this.split_once('#').unwrap_or((this, ""));
            let Answer::Object(_, Object::GitRepository(repository)) =
                git::of_url(client, url, repo::Auth::default())?
            else {
                bail!("`{this}` is no Git address")
            };
            let field = if version.is_empty() { "head" } else { "ref" };
            let args = [("name".to_owned(), Json::from(version))]
                .into_iter()
                .collect();
            git::repository(client, &repository, field, &Args::new(args)).await?
        }
        "secret" => root::secret(client, this.to_owned())?.into(),
        "service" => network::of_address(this)?.into(),
        "socket" => {
            let path = engine.host_path(this.strip_prefix("unix://").unwrap_or(this));
            Answer::Object("Socket", Object::Socket(Socket { path }))
        }
        _ => unsupported("Address", field)?,
    })
}

async fn chained(
    client: &Arc<Client>,
    on: crate::graph::Value,
    field: &str,
    args: serde_json::Map<String, Json>,
) -> Result<Answer> {
    let crate::graph::Value::Node(node) = on else {
        bail!("`{field}` needs an object")
    };
    match client.select(Some(node), field, Args::new(args)).await? {
        crate::graph::Value::Node(node) => Ok(Answer::Node(node)),
        _ => bail!("`{field}` gave no object"),
    }
}

fn local(address: &str) -> &str {
    address.strip_prefix("file://").unwrap_or(address)
}

/// Reads `https://host/repo.git#version:path`.
fn remote(address: &str) -> Option<(&str, &str, &str)> {
    let is_remote = ["https://", "http://", "ssh://", "git://"]
        .iter()
        .any(|scheme| address.starts_with(scheme))
        || address.starts_with("git@");
    let (url, rest) = address.split_once('#').unwrap_or((address, ""));
    let (version, path) = rest.split_once(':').unwrap_or((rest, ""));
    is_remote.then_some((url, version, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_git_directories_are_read() {
        assert_eq!(
            remote("https://h/r.git#main:sub/dir"),
            Some(("https://h/r.git", "main", "sub/dir"))
        );
        assert_eq!(remote("https://h/r.git"), Some(("https://h/r.git", "", "")));
        assert_eq!(remote("./here"), None);
    }
}
