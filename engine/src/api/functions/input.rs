//! What a module's program gets for the arguments of a call.

use std::path::PathBuf;
use std::sync::Arc;

use eyre::{Result, bail};
use serde_json::Value as Json;

use crate::api::client::Client;
use crate::api::{resolve, sdl};
use crate::graph::Object;
use crate::module::Module;
use crate::module::types::{ArgDoc, Names};
use crate::store::Filter;

/// What the program gets for an argument; nothing if it is left out.
pub(super) async fn of(
    client: &Arc<Client>,
    module: &Arc<Module>,
    arg: &ArgDoc,
    given: Option<&Json>,
) -> Result<Option<Json>> {
    let ty = sdl::parse_type(&arg.ty)?;
    let names = Names::new(module);
    let default_path = arg.default_path.as_deref().filter(|path| !path.is_empty());
    match given {
        None | Some(Json::Null) if ty.name() == "Workspace" => {
            Ok(Some(resolve::workspace_node(client).id.to_string().into()))
        }
        None | Some(Json::Null) if default_path.is_some() => {
            let path = default_path.unwrap_or_default();
            let node = resolve::of_module(client, module, ty.name(), path, &arg.ignore).await?;
            Ok(Some(node.id.to_string().into()))
        }
        None => Ok(None),
        Some(value) if names.is_object(ty.name()) => own_states(client, value).await.map(Some),
        Some(Json::String(id))
            if ty.name() == "Directory" && !arg.ignore.is_empty() && default_path.is_none() =>
        {
            let node = client.node(id, Some("Directory")).await?;
            let filter = Filter {
                exclude: arg.ignore.clone(),
                ..Filter::default()
            };
            let filtered = resolve::filtered(client, &node, filter)?;
            Ok(Some(filtered.id.to_string().into()))
        }
        Some(value) => Ok(Some(value.clone())),
    }
}

/// States in the place of ids of own objects.
async fn own_states(client: &Arc<Client>, value: &Json) -> Result<Json> {
    match value {
        Json::String(id) => match &client.node(id, None).await?.object {
            Object::Module(object) => Ok(object.state.clone()),
            _ => bail!("`{id}` is no object of a module"),
        },
        Json::Array(values) => {
            let mut states = Vec::new();
            for value in values {
                states.push(Box::pin(own_states(client, value)).await?);
            }
            Ok(states.into())
        }
        other => Ok(other.clone()),
    }
}

/// Something of a module that a function may ask for by its path.
pub fn source_dir(module: &Module, path: &str) -> PathBuf {
    match path.strip_prefix('/') {
        Some(below) => module.context.join(below),
        None => module.dir.join(path),
    }
}
