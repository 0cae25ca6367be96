//! Objects that user defaults stand for, as the user would find them: relative
//! paths start at the caller's directory, whoever calls the function.

use std::sync::Arc;

use eyre::{Result, WrapErr, bail};
use serde_json::{Map, Value as Json, json};

use crate::api::client::Client;
use crate::api::model::TypeRef;
use crate::api::sdl::parse_type;
use crate::graph::{Args, Node, Value};
use crate::module::types::ArgDoc;

/// Ids of what is at the addresses of an argument's user default; nothing
/// without one.
pub(super) async fn of(client: &Arc<Client>, arg: &ArgDoc) -> Result<Option<Json>> {
    let Some(text) = &arg.user_default else {
        return Ok(None);
    };
    let ty = parse_type(&arg.ty)?;
    // A module may not read the machine, its user may.
    let caller = Client::caller(client.shared.clone());
    let look_up = async |address: &str| {
        let node = object(&caller, &ty, arg, address).await;
        let node = node.wrap_err_with(|| format!("user default of argument `{}`", arg.name))?;
        Ok::<_, eyre::Report>(Json::from(node.id.to_string()))
    };
    if !ty.is_list() {
        return look_up(text).await.map(Some);
    }
    let mut ids = Vec::new();
    for address in text.split(',') {
        ids.push(look_up(address.trim()).await?);
    }
    Ok(Some(ids.into()))
}

async fn object(
    caller: &Arc<Client>,
    ty: &TypeRef,
    arg: &ArgDoc,
    address: &str,
) -> Result<Arc<Node>> {
    let named = |name: &str, value: Json| Map::from_iter([(name.to_owned(), value)]);
    if ty.name() == "Secret" {
        let uri = secret_uri(address)?;
        return select(caller, None, "secret", named("uri", uri.into())).await;
    }
    let found = select(caller, None, "address", named("value", address.into())).await?;
    let args = match ty.name() {
        "Directory" if !arg.ignore.is_empty() => named("exclude", json!(arg.ignore)),
        _ => Map::new(),
    };
    let field = ty.name().to_lowercase();
    select(caller, Some(found), &field, args).await
}

async fn select(
    caller: &Arc<Client>,
    this: Option<Arc<Node>>,
    field: &str,
    args: Map<String, Json>,
) -> Result<Arc<Node>> {
    match Box::pin(caller.select(this, field, Args::new(args))).await? {
        Value::Node(node) => Ok(node),
        _ => bail!("`{field}` gave no object"),
    }
}

/// The address of a secret; a bare word is the name of a variable, as in Dagger.
/// It may be the secret itself by mistake, so that it is checked before anything
/// keeps it, and not repeated.
fn secret_uri(text: &str) -> Result<String> {
    let (provider, rest) = text.split_once(':').unwrap_or(("env", text));
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    match provider {
        "env" if std::env::var_os(rest).is_none() => {
            let start: String = rest.chars().take(3).collect();
            bail!("secret env var not found: `{start}...`")
        }
        "env" | "file" | "cmd" | "op" | "vault" => Ok(format!("{provider}://{rest}")),
        _ => bail!(
            "a secret is given by where it is: env://NAME, file://PATH, cmd://COMMAND, op://…, vault://…"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_given_by_its_address() {
        for (text, want) in [
            ("env://PATH", "env://PATH"),
            ("env:PATH", "env://PATH"),
            ("PATH", "env://PATH"),
            ("cmd://echo x", "cmd://echo x"),
            ("file:./token", "file://./token"),
        ] {
            assert_eq!(secret_uri(text).expect(text), want);
        }
    }

    #[test]
    fn the_secret_itself_is_refused_and_not_repeated() {
        for text in ["hunter2", "hunter2:x", "https://hunter2"] {
            let said = secret_uri(text).expect_err(text).to_string();
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
}
