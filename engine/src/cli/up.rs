//! `up`: starts the services of the modules here, on ports of this machine, until
//! Ctrl-C.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::client::Failure;

use super::args;
use super::args::Global;
use super::group;
use super::runtime::{Context, Interrupts, with_engine};

pub fn run(global: &Global, options: args::Chosen) -> Result<(), Failure> {
    with_engine(
        global,
        Interrupts::Own,
        async move |context: Arc<Context>| {
            if options.list {
                return group::list(&context, "services", &options).await;
            }
            tokio::select! {
                result = up(&context, &options) => result,
                // That is how it ends well.
                interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
            }
        },
    )
}

async fn up(context: &Context, options: &args::Chosen) -> Result<(), Failure> {
    group::warn(context, ("services", "service"), options, "").await?;
    let wanted = "list { name } run { list { name } }";
    let group: Json = group::ask(context, "services", options, "", wanted)
        .await
        .map_err(|failure| Failure { code: 1, ..failure })?;
    match group["list"].as_array() {
        Some(list) if !list.is_empty() => Ok(()),
        _ => group::tell_of_none(context, "service", options),
    }
}
