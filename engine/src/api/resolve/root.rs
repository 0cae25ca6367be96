//! The fields of `Query`.

use std::sync::Arc;

use eyre::{Result, bail};
use serde_json::{Value as Json, json};

use super::{git, module_source, network, type_def, unsupported};
use crate::api::client::Client;
use crate::api::functions;
use crate::graph::node::{Answer, Changeset};
use crate::graph::service::CacheVolume;
use crate::graph::{Args, Call, Container, Directory, Failure, File, Object, Secret};
use crate::image::host_platform;

/// The version of Dagger's API that is spoken.
pub const API_VERSION: &str = "v0.21.8";

pub async fn resolve(client: &Arc<Client>, field: &str, args: &Args) -> Result<Answer> {
    let engine = client.engine();
    Ok(match field {
        "address" => Answer::Object("Address", Object::Address(args.str("value")?)),
        "cacheVolume" => Answer::Object(
            "CacheVolume",
            Object::CacheVolume(cache_volume(client, args)?),
        ),
        "changeset" => {
            let empty = Directory::scratch();
            Answer::Object(
                "Changeset",
                Object::Changeset(Box::new(Changeset {
                    before: empty.clone(),
                    after: empty,
                })),
            )
        }
        "container" => container(args)?.into(),
        "currentFunctionCall" if client.call.is_some() => {
            own(client, "FunctionCall", Object::FunctionCall, field)
        }
        "currentFunctionCall" => bail!("no function call to answer: this client is no module"),
        "currentModule" if client.call.is_some() => {
            own(client, "CurrentModule", Object::CurrentModule, field)
        }
        "currentModule" => bail!("no current module: this client is no module"),
        "currentTypeDefs" => type_def::current(client, args)?,
        "currentWorkspace" if client.confined && client.call.is_none() => {
            return super::callers_only(client, "Query.currentWorkspace").map(|()| Answer::Null);
        }
        "currentWorkspace" => Answer::Node(super::workspace_node(client)),
        "defaultPlatform" => host_platform().to_owned().into(),
        "directory" => Directory::scratch().into(),
        "engine" => Answer::Object("Engine", Object::Engine),
        "envFile" => Answer::Object("EnvFile", Object::EnvFile(Arc::default())),
        "error" => Answer::Object(
            "Error",
            Object::Error(Arc::new(Failure::new(args.str("message")?))),
        ),
        "file" => {
            let mode = super::mode(args, "permissions")?.unwrap_or(0o644);
            File::made(
                engine,
                &args.str("name")?,
                args.str("contents")?.into_bytes(),
                mode,
            )
            .into()
        }
        "git" => git::remote(client, args)?,
        "host" => Answer::Object("Host", Object::Host),
        "http" => network::http(client, args).await?.into(),
        "json" => Answer::Object("JSONValue", Object::Json(Arc::new(Json::Null))),
        "node" => Answer::Node(client.node(&args.str("id")?, None).await?),
        "secret" => secret(client, args.str("uri")?)?.into(),
        "setSecret" => Secret::given(args.str("name")?, args.str("plaintext")?).into(),
        "moduleSource" => module_source::find::of_query(client, args).await?,
        "version" => json!(API_VERSION).into(),
        other => match client.module_of(other) {
            Some(module) => functions::construct(client, &module, args).await?,
            None => unsupported("Query", other)?,
        },
    })
}

/// An object that only this client has: another one's must not be taken for it.
fn own(client: &Client, type_name: &str, object: Object, field: &str) -> Answer {
    let args = [("client".to_owned(), json!(client.serial))]
        .into_iter()
        .collect();
    Answer::As(type_name.to_owned(), object, Some(Call::root(field, args)))
}

fn container(args: &Args) -> Result<Container> {
    let platform = args.text("platform")?;
    let own = host_platform().to_owned();
    if platform.is_empty() || platform == own {
        return Ok(Container::scratch(own));
    }
    // Another platform can be pulled and published, not run.
    if !platform.contains('/') {
        bail!("`{platform}` is no platform: expected a form like `linux/amd64`");
    }
    Ok(Container::scratch(platform))
}

/// A secret of a provider. What runs commands or reads files of the machine is
/// not for modules.
pub fn secret(client: &Client, uri: String) -> Result<Secret> {
    if uri.starts_with("cmd:") || uri.starts_with("file:") {
        super::callers_only(client, "Query.secret")?;
    }
    Ok(Secret::provided(uri, client.engine().workdir.clone()))
}

/// A name has a volume of its own in every module, as on a Dagger Engine.
fn cache_volume(client: &Client, args: &Args) -> Result<CacheVolume> {
    let scope = args.opt("scope")?.unwrap_or_else(|| client.scope());
    let mut volume = CacheVolume::new(&scope, &args.str("key")?);
    volume.source = args.opt_directory("source")?;
    volume.owner = args.text("owner")?;
    volume.sharing = args.opt("sharing")?;
    Ok(volume)
}
