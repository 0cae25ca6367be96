//! What a module's program asks about itself: its call and its module.

use std::sync::Arc;

use eyre::{Result, eyre};
use serde_json::json;

use super::{checks, content, directory, filter, host, records, unsupported};
use crate::api::client::Client;
use crate::api::functions::{ActiveCall, WORKDIR};
use crate::graph::directory::{base_name, join};
use crate::graph::node::Answer;
use crate::graph::{Args, Directory, Failure, Node};
use crate::store::{Filter, Tree, blocking};

fn call(client: &Client) -> Result<&ActiveCall> {
    client
        .call
        .as_ref()
        .ok_or_else(|| eyre!("this client is no module"))
}

pub async fn function_call(client: &Arc<Client>, field: &str, args: &Args) -> Result<Answer> {
    let call = call(client)?;
    Ok(match field {
        "name" => call.function.clone().into(),
        "parentName" => call.object.clone().into(),
        "parent" => call.parent.to_string().into(),
        "inputArgs" => {
            let records = call.args.iter();
            let records = records.map(|(name, value)| {
                records::record(json!({"name": name, "value": value.to_string()}))
            });
            Answer::Objects("FunctionCallArgValue", records.collect())
        }
        "returnValue" => {
            let text = args.str("value")?;
            call.answer(serde_json::from_str(&text).map_err(|error| {
                Failure::new(format!(
                    "function `{}` returned what is not JSON: {error}",
                    call.function
                ))
            }));
            Answer::Null
        }
        "returnError" => {
            call.answer(Err(Failure::clone(&*args.error("error")?)));
            Answer::Null
        }
        _ => unsupported("FunctionCall", field)?,
    })
}

pub async fn module(client: &Arc<Client>, field: &str, args: &Args) -> Result<Answer> {
    let module = call(client)?.module.clone();
    Ok(match field {
        "name" => module.name.clone().into(),
        "dependencies" => {
            let names = module.config.dependencies.iter();
            let records =
                names.map(|d| records::record(json!({"name": d.name, "description": ""})));
            Answer::Objects("Module", records.collect())
        }
        "generators" => checks::of_module(&module, field, args)?,
        "source" => Answer::Node(source(client, &module.code()).await?),
        "workdirFile" => Answer::Node(workdir_file(client, args.str("path")?).await?),
        "workdir" => Answer::Node(workdir(client, &args.str("path")?, &filter(args)?).await?),
        _ => unsupported("CurrentModule", field)?,
    })
}

/// A file that the module's program made where it runs, as it is now.
async fn workdir_file(client: &Arc<Client>, path: String) -> Result<Arc<Node>> {
    let engine = client.engine();
    let root = Tree::new(&call(client)?.root);
    let at = below_workdir(&path);
    let name = base_name(&at).to_owned();
    let (contents, mode) = blocking(move || {
        let mode = root.stat(&at, true)?.map_or(0o644, |stat| stat.mode);
        Ok((root.read(&at)?, mode))
    })
    .await?;
    let scratch = Directory::scratch();
    let made = directory::with_new_file(engine, &scratch, &name, contents, mode, None);
    Ok(content(client, made.fs.snapshot().await?, &name, true))
}

/// A directory that the module's program made where it runs, as it is now.
async fn workdir(client: &Arc<Client>, path: &str, filter: &Filter) -> Result<Arc<Node>> {
    let root = Tree::new(&call(client)?.root);
    let at = root.host_path(&below_workdir(path))?;
    host::directory_node(client, &at, filter).await
}

/// A path below the directory that the program runs in, which it does not leave.
fn below_workdir(path: &str) -> String {
    join(WORKDIR, path)
}

async fn source(client: &Arc<Client>, dir: &std::path::Path) -> Result<Arc<Node>> {
    let exclude = ["target", ".git"].map(str::to_owned).to_vec();
    host::directory_node(
        client,
        dir,
        &Filter {
            exclude,
            ..Filter::default()
        },
    )
    .await
}
