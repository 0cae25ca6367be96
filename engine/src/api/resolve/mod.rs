//! What each field of the API means: one file per object.

mod changeset;
mod checks;
mod container;
mod directory;
pub(crate) mod dockerfile;
mod engine;
mod env_file;
mod file;
mod git;
mod host;
mod lookup;
mod module;
mod module_source;
mod network;
mod records;
mod root;
mod run;
mod search;
mod terminal;
mod type_def;
mod workspace;

use std::sync::Arc;

use eyre::{Result, bail};
use futures::future::BoxFuture;
use serde_json::Value as Json;

use super::client::Client;
use super::functions;
use super::reads::Read;
use crate::graph::node::{Answer, CONTENT, MODULE_OBJECT, Workspace};
use crate::graph::{Args, Call, Directory, File, Fs, Node, Object};
use crate::module::Module;
use crate::module::role::DefaultPaths;
use crate::store::{Digest, Filter, Snapshot};

pub use root::API_VERSION;

/// Whether asking again gives the same object, so that it is made once in a run.
pub fn stable(type_name: &str, field: &str) -> bool {
    match type_name {
        _ if field == "terminal" => false,
        "Host" | "Workspace" | "Address" | "CurrentModule" => false,
        "Query" => matches!(
            field,
            "cacheVolume"
                | "container"
                | "directory"
                | "file"
                | "git"
                | "http"
                | "secret"
                | "setSecret"
                | "host"
        ),
        "Container" | "Directory" | "File" | "GitRepository" | "GitRef" | "Service"
        | "Changeset" | "EnvFile" => true,
        // What was run is not run again for a second question.
        "Check" | "CheckGroup" | "Generator" | "GeneratorGroup" => field == "run",
        _ => false,
    }
}

/// Answers one field.
pub fn field<'a>(
    client: &'a Arc<Client>,
    this: Option<&'a Arc<Node>>,
    field: &'a str,
    args: &'a Args,
) -> BoxFuture<'a, Result<Answer>> {
    Box::pin(dispatch(client, this, field, args))
}

async fn dispatch(
    client: &Arc<Client>,
    this: Option<&Arc<Node>>,
    field: &str,
    args: &Args,
) -> Result<Answer> {
    let Some(node) = this else {
        return root::resolve(client, field, args).await;
    };
    match &node.object {
        Object::Container(this) => container::resolve(client, this, field, args).await,
        Object::Directory(_) if field == "dockerBuild" => {
            dockerfile::build(client, node, args).await
        }
        Object::Directory(this) => directory::resolve(client, this, field, args).await,
        Object::File(this) => file::resolve(client, this, field, args).await,
        Object::Changeset(this) => changeset::resolve(client, this, field, args).await,
        Object::Host => host::resolve(client, field, args).await,
        Object::Address(this) => host::address(client, this, field, args).await,
        Object::Workspace(this) => workspace::resolve(client, this, field, args).await,
        Object::Service(this) => network::service(client, this, field, args).await,
        Object::GitRepository(this) => git::repository(client, this, field, args).await,
        Object::GitRef(this) => git::reference(client, this, field, args).await,
        Object::Secret(this) => records::secret(this, field).await,
        Object::EnvFile(this) => env_file::resolve(client, this, field, args),
        Object::Json(this) => records::json(this, field, args),
        Object::Error(this) => records::error(this, field, args),
        Object::Engine => engine::engine(client, field),
        Object::EngineCache => engine::cache(client, field, args).await,
        Object::CurrentModule => run::module(client, field, args).await,
        Object::FunctionCall => run::function_call(client, field, args).await,
        Object::Module(this) => functions::select(client, this, field, args).await,
        Object::Record(record) => Ok(record.get(field).cloned().into()),
        Object::RecordWithLists(record, lists) => records::with_lists(record, lists, field),
        Object::LoadedModule(this, source) => {
            module::resolve(client, this, source.as_ref(), field, args).await
        }
        Object::ModuleSource(this) => module_source::resolve(client, this, field, args).await,
        Object::TypeDef(this) => type_def::resolve(this, &node.type_name, field),
        Object::Task(this) => checks::one(client, this, field).await,
        Object::Tasks(this) => checks::group(client, &node.type_name, this, field, args).await,
        Object::CacheVolume(_) | Object::Socket(_) => unsupported(&node.type_name, field),
    }
}

/// The refusal of what is not there.
fn unsupported(type_name: &str, field: &str) -> Result<Answer> {
    bail!("`{type_name}.{field}` is not supported by poniard")
}

/// Refuses to a module what is the caller's: the machine.
fn callers_only(client: &Client, what: &str) -> Result<()> {
    if client.call.is_some() {
        bail!("`{what}` is not for modules: take or return a Directory, File or Workspace");
    }
    if client.confined {
        bail!("`{what}` is not for programs in containers: mount what they need");
    }
    Ok(())
}

/// Makes objects that an earlier run kept by something other than a call.
pub async fn recalled(client: &Arc<Client>, call: &Call) -> Result<Option<Arc<Node>>> {
    if call.receiver.is_some() {
        return Ok(None);
    }
    Ok(match call.field.as_str() {
        MODULE_OBJECT => Some(functions::recalled(client, &call.args).await?),
        CONTENT => {
            let text = |name: &str| {
                call.args
                    .get(name)
                    .and_then(Json::as_str)
                    .unwrap_or_default()
            };
            let layers = call.args.get("layers").cloned().unwrap_or_default();
            let snapshot = Snapshot {
                id: text("id").parse()?,
                layers: serde_json::from_value(layers)?,
            };
            Some(content(
                client,
                snapshot,
                text("path"),
                text("type") == "File",
            ))
        }
        _ => None,
    })
}

/// A directory or file that is known by its content, wherever it came from.
fn content(client: &Client, snapshot: Snapshot, path: &str, is_file: bool) -> Arc<Node> {
    let type_name = if is_file { "File" } else { "Directory" };
    let args = [
        ("id", Json::from(snapshot.id.to_string())),
        ("layers", snapshot.layers.clone().into()),
        ("path", path.into()),
        ("type", type_name.into()),
    ];
    let call = Call::root(
        CONTENT,
        args.map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect(),
    );
    let fs = Fs::ready(snapshot);
    let path = path.to_owned();
    let object = if is_file {
        Object::File(File { fs, path })
    } else {
        Object::Directory(Directory { fs, path })
    };
    client.make(type_name, object, call, true)
}

/// The node of the caller's workspace.
pub fn workspace_node(client: &Client) -> Arc<Node> {
    let workspace = client.shared.workspace.clone();
    client.make(
        "Workspace",
        Object::Workspace(workspace),
        Call::root("currentWorkspace", Default::default()),
        true,
    )
}

/// A default path of a module's argument.
pub async fn of_module(
    client: &Arc<Client>,
    module: &Module,
    type_name: &str,
    path: &str,
    ignore: &[String],
) -> Result<Arc<Node>> {
    let place = match &module.role.default_paths {
        DefaultPaths::Own => functions::source_dir(module, path),
        DefaultPaths::Of(dir) => Workspace::around(dir).place(path),
        DefaultPaths::Caller => {
            return workspace::default_path(client, type_name, path, ignore).await;
        }
    };
    let filter = Filter {
        exclude: ignore.to_vec(),
        ..Filter::default()
    };
    match type_name {
        "File" => host::file_node(client, &place).await,
        "Directory" => host::directory_node(client, &place, &filter).await,
        other => bail!("argument with default path `{path}`: a {other} cannot be read from a path"),
    }
}

/// A directory without what a filter leaves out.
pub fn filtered(client: &Client, node: &Arc<Node>, filter: Filter) -> Result<Arc<Node>> {
    let args = [("exclude".to_owned(), Json::from(filter.exclude.clone()))]
        .into_iter()
        .collect();
    let call = Call {
        receiver: Some(node.id),
        field: "filter".to_owned(),
        args,
        nth: None,
    };
    let directory = node.directory()?.filtered(client.engine(), filter);
    Ok(client.make(
        "Directory",
        Object::Directory(directory),
        call,
        node.lasting,
    ))
}

/// What reading a part of the workspace gives now; none when it fails.
pub async fn read_again(client: &Arc<Client>, read: &Read) -> Option<String> {
    let this = client.shared.workspace.clone();
    workspace::read(client, &this, &read.field, &Args::new(read.args.clone()))
        .await
        .ok()
        .map(|(_, found)| found)
}

/// Include, exclude and gitignore among arguments.
fn filter(args: &Args) -> Result<Filter> {
    Ok(Filter {
        include: args.list("include")?,
        exclude: args.list("exclude")?,
        gitignore: args.flag("gitignore")?,
    })
}

/// Permission bits among arguments.
fn mode(args: &Args, name: &str) -> Result<Option<u32>> {
    let Some(mode) = args.opt::<i64>(name)? else {
        return Ok(None);
    };
    match u32::try_from(mode) {
        Ok(mode) if mode <= 0o7777 => Ok(Some(mode)),
        _ => bail!("argument `{name}`: {mode} is no file mode: expected 0 to 4095 (0o7777)"),
    }
}

/// A digest as a value.
fn digest(digest: Digest) -> Answer {
    digest.to_string().into()
}
