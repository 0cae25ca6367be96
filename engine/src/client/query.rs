//! Chains asked of the engine.

use serde_json::Value as Json;

use super::{Chain, Engine, Failure, Piece, Value, print};

/// Types whose pipelines are evaluated when they end in such an object.
const EVALUATED: &[&str] = &["Container", "Directory", "File", "Changeset"];

/// The value of a chain that ends in no object.
pub async fn json(engine: &dyn Engine, chain: &Chain) -> Result<Json, Failure> {
    let data = engine.query(&chain.document(None)).await?;
    Ok(chain.pick(data, None))
}

/// The id of the object at the end of a chain.
pub async fn id(engine: &dyn Engine, chain: &Chain) -> Result<String, Failure> {
    let mut ids = ids(engine, chain).await?;
    match (ids.pop(), ids.is_empty()) {
        (Some(id), true) => Ok(id),
        (None, _) => Err(Failure::new(format!(
            "there is no {}: the result is null",
            chain.type_name()
        ))),
        (Some(_), false) => {
            let name = chain.type_name();
            Err(Failure::new(format!(
                "one {name} is wanted, the result is a list of them"
            )))
        }
    }
}

/// The ids of all objects at the end of a chain.
pub async fn ids(engine: &dyn Engine, chain: &Chain) -> Result<Vec<String>, Failure> {
    let data = engine.query(&chain.document(Some("id"))).await?;
    Ok(match chain.pick(data, Some("id")) {
        Json::Array(items) => items
            .iter()
            .filter(|i| !i.is_null())
            .map(print::scalar)
            .collect(),
        Json::Null => Vec::new(),
        id => vec![print::scalar(&id)],
    })
}

/// What is printed for a chain. Containers, directories and files are evaluated.
pub async fn printed(engine: &dyn Engine, chain: &Chain) -> Result<String, Failure> {
    let name = chain.type_name();
    if chain.is_root() {
        return Ok(format!("{name}\n"));
    }
    let model = engine.model();
    if !chain.is_object(&model) {
        let value = json(engine, chain).await?;
        return Ok(if name == "Void" {
            String::new()
        } else {
            print::value(&value)
        });
    }
    let evaluated = EVALUATED.contains(&name) && !chain.is_list();
    let leaf = if evaluated { "sync" } else { "id" };
    let data = engine.query(&chain.document(Some(leaf))).await?;
    Ok(print::objects(name, &chain.pick(data, Some(leaf))))
}

/// The text of a value: what is in it is evaluated and put in its place.
pub async fn text(engine: &dyn Engine, value: &Value) -> Result<String, Failure> {
    let mut out = String::new();
    for piece in &value.0 {
        match piece {
            Piece::Text(text) => out += text,
            Piece::Chain(chain) => {
                let printed = printed(engine, chain).await?;
                let object = chain.is_object(&engine.model()) && !chain.is_list();
                out += if object {
                    printed.trim_end_matches('\n')
                } else {
                    &printed
                };
            }
        }
    }
    Ok(out)
}
