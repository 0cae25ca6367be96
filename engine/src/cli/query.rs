//! `query`: a GraphQL document, answered in JSON.

use std::io::Read;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::client::{Failure, print};

use super::args;
use super::args::Global;
use super::runtime::{Context, Interrupts, with_engine};

pub fn run(global: &Global, options: args::Query) -> Result<(), Failure> {
    let variables = variables(&options)?;
    let document = match &options.doc {
        Some(file) => std::fs::read_to_string(file)
            .map_err(|e| Failure::new(format!("cannot read query `{}`: {e}", file.display())))?,
        None => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .map_err(|e| Failure::new(format!("cannot read stdin: {e}")))?;
            text
        }
    };
    with_engine(
        global,
        Interrupts::End,
        async move |context: Arc<Context>| {
            context.module().await?;
            let data = context.session.query(&document, variables).await?;
            Ok(context.printer()(&print::json(&data))?)
        },
    )
}

fn variables(options: &args::Query) -> Result<Json, Failure> {
    let mut all = Map::new();
    if let Some(text) = &options.var_json {
        match serde_json::from_str(text) {
            Ok(Json::Object(object)) => all = object,
            Ok(_) => {
                return Err(Failure::new(
                    "invalid argument for \"--var-json\" flag: expected a JSON object",
                ));
            }
            Err(error) => {
                return Err(Failure::new(format!(
                    "invalid argument for \"--var-json\" flag: {error}"
                )));
            }
        }
    }
    for pair in &options.var {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(Failure::new(format!(
                "invalid argument {pair:?} for \"--var\" flag: expected NAME=TEXT"
            )));
        };
        all.insert(name.to_owned(), value.into());
    }
    Ok(Json::Object(all))
}
