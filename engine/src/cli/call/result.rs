//! The result of a call: printed, saved, or exported.

use std::path::Path;

use crate::api::model::TypeRef;
use crate::client::literal::Literal;
use crate::client::{Chain, Engine, Failure, print, query};

use super::super::args;
use super::super::manifest::change;

/// Evaluates a chain; gives what is to be printed.
pub async fn of(
    engine: &dyn Engine,
    chain: &Chain,
    options: &args::Call,
    workdir: &Path,
) -> Result<String, Failure> {
    let model = engine.model();
    let object = chain.is_object(&model);
    if let Some(path) = &options.output
        && matches!(chain.type_name(), "Container" | "Directory" | "File")
        && !chain.is_list()
    {
        export(engine, chain, &workdir.join(path)).await?;
        return Ok(String::new());
    }
    let text = if options.json && !object && !chain.is_root() {
        let data = engine.query(&chain.document(None)).await?;
        match chain.type_name() {
            "Void" => String::new(),
            _ => print::json(&chain.pick_json(data)),
        }
    } else {
        query::printed(engine, chain).await?
    };
    if let Some(path) = &options.output
        && !object
    {
        change::write(&workdir.join(path), text.as_bytes())?;
    }
    Ok(text)
}

async fn export(engine: &dyn Engine, chain: &Chain, path: &Path) -> Result<(), Failure> {
    let mut args = vec![("path".to_owned(), Literal::string(path.to_string_lossy()))];
    if chain.type_name() == "File" {
        args.push(("allowParentDirPath".to_owned(), Literal::from(true)));
    }
    let text = TypeRef::Named {
        name: "String".to_owned(),
        required: true,
    };
    query::json(engine, &chain.call("export", args, text))
        .await
        .map(drop)
}
