//! What the value of a module's program stands for.

use std::sync::Arc;

use eyre::{Result, bail, eyre};
use serde_json::{Map, Value as Json};

use crate::api::client::Client;
use crate::api::model::TypeRef;
use crate::api::sdl;
use crate::graph::node::{Answer, MODULE_OBJECT, ModuleObject};
use crate::graph::{Call, Node, Object};
use crate::module::Module;
use crate::module::types::Names;

/// Turns a program's value into an answer of the declared type.
pub(super) async fn answer(
    client: &Arc<Client>,
    module: &Arc<Module>,
    ty: &str,
    value: Json,
) -> Result<Answer> {
    let ty = sdl::parse_type(ty)?;
    let names = Names::new(module);
    if value.is_null() {
        if ty.required() && ty.name() != "Void" {
            bail!(
                "module `{}` returned nothing where `{ty}` was declared",
                module.name
            );
        }
        return Ok(Answer::Null);
    }
    if ty.name() == "Void" {
        return Ok(Answer::Null);
    }
    if names.is_enum(ty.name()) {
        check_members(module, &ty, &value)?;
        return Ok(Answer::Json(value));
    }
    let own = names.is_object(ty.name());
    if !own && !client.model().objects.contains_key(ty.name()) {
        return Ok(Answer::Json(value));
    }
    let one = async |value: Json| match &value {
        _ if own => self::object(client, module, ty.name(), value),
        Json::String(id) => client.node(id, Some(ty.name())).await,
        _ => bail!(
            "module `{}` returned no id where `{ty}` was declared",
            module.name
        ),
    };
    match value {
        Json::Array(values) if ty.is_list() => {
            let mut nodes = Vec::new();
            for value in values {
                nodes.push(one(value).await?);
            }
            Ok(Answer::Nodes(nodes))
        }
        value => Ok(Answer::Node(one(value).await?)),
    }
}

fn check_members(module: &Module, ty: &TypeRef, value: &Json) -> Result<()> {
    let def = module.types.enums.iter().find(|def| def.name == ty.name());
    let known = |value: &Json| {
        def.is_some_and(|def| {
            def.members
                .iter()
                .any(|member| value.as_str() == Some(member.name.as_str()))
        })
    };
    let wrong = match value {
        Json::Array(values) => values.iter().find(|value| !known(value)),
        value => Some(value).filter(|value| !known(value)),
    };
    match wrong {
        Some(value) => bail!(
            "module `{}` returned {value}, which is no member of enum `{}`",
            module.name,
            ty.name()
        ),
        None => Ok(()),
    }
}

/// The object of a module with a state.
pub(super) fn object(
    client: &Client,
    module: &Arc<Module>,
    name: &str,
    state: Json,
) -> Result<Arc<Node>> {
    let args: Map<String, Json> = [
        ("module".to_owned(), module.source_key()?.to_string().into()),
        ("name".to_owned(), module.name.clone().into()),
        ("object".to_owned(), name.into()),
        ("state".to_owned(), state.clone()),
    ]
    .into_iter()
    .collect();
    let type_name = Names::new(module).api(name);
    let object = ModuleObject {
        module: module.clone(),
        object: name.to_owned(),
        state,
    };
    Ok(client.make(
        &type_name,
        Object::Module(Arc::new(object)),
        Call::root(MODULE_OBJECT, args),
        true,
    ))
}

/// An object of a module that an earlier run kept.
pub async fn recalled(client: &Arc<Client>, args: &Map<String, Json>) -> Result<Arc<Node>> {
    let text = |name: &str| args.get(name).and_then(Json::as_str).unwrap_or_default();
    let module = client
        .shared
        .module_by_key(text("name"), text("module"))
        .await;
    let module = module.ok_or_else(|| eyre!("an object of a module that is not loaded"))?;
    object(
        client,
        &module,
        text("object"),
        args.get("state").cloned().unwrap_or_default(),
    )
}
