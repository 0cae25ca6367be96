//! Calls of modules' functions: arguments in ([`input`]) with the user's defaults
//! for objects ([`default`]), a program run ([`run`]),
//! a value out ([`answer`]), and remembering it as the function's cache policy
//! says ([`cache`]).

mod answer;
mod cache;
mod default;
mod input;
mod run;

use std::sync::Arc;

use eyre::{Result, eyre};
use serde_json::{Map, Value as Json};

use super::client::Client;
use crate::graph::Args;
use crate::graph::node::{Answer, ModuleObject};
use crate::module::Module;
use crate::module::types::FunctionDoc;
pub use answer::recalled;
use answer::{answer, object};
pub use cache::Results;
pub use input::source_dir;
pub use run::{ActiveCall, WORKDIR};

/// One call of a function.
#[derive(Clone)]
struct Invocation {
    module: Arc<Module>,
    object: String,
    doc: FunctionDoc,
    /// State of the object; null for the constructor.
    parent: Json,
    /// What the program gets, by name.
    inputs: Vec<(String, Json)>,
}

impl Invocation {
    /// For display.
    fn title(&self) -> String {
        let module = &self.module;
        let name = match self.doc.name.as_str() {
            "" => "new",
            name => name,
        };
        if self.object == module.main() {
            format!("{}.{name}", module.name)
        } else {
            format!("{}.{}.{name}", module.name, self.object)
        }
    }
}

/// The constructor of a module.
pub async fn construct(client: &Arc<Client>, module: &Arc<Module>, args: &Args) -> Result<Answer> {
    let main = module.main();
    let Some(doc) = module
        .types
        .object(&main)
        .and_then(|object| object.constructor.clone())
    else {
        return Ok(Answer::Node(object(
            client,
            module,
            &main,
            Json::Object(Map::new()),
        )?));
    };
    let doc = FunctionDoc {
        name: String::new(),
        ty: format!("{main}!"),
        ..doc
    };
    call(client, module, &main, &doc, Json::Null, args).await
}

/// A field or function of a module's object.
pub async fn select(
    client: &Arc<Client>,
    this: &ModuleObject,
    field: &str,
    args: &Args,
) -> Result<Answer> {
    let module = &this.module;
    let def = module
        .types
        .object(&this.object)
        .ok_or_else(|| eyre!("module `{}` has no object `{}`", module.name, this.object))?;
    if let Some(doc) = def.fields.iter().find(|doc| doc.name == field) {
        let value = this.state.get(field).cloned().unwrap_or(Json::Null);
        return answer(client, module, &doc.ty, value).await;
    }
    let doc = def
        .functions
        .iter()
        .find(|doc| doc.name == field)
        .ok_or_else(|| {
            eyre!(
                "`{}` of module `{}` has no function `{field}`",
                this.object,
                module.name
            )
        })?;
    call(client, module, &this.object, doc, this.state.clone(), args).await
}

async fn call(
    client: &Arc<Client>,
    module: &Arc<Module>,
    object: &str,
    doc: &FunctionDoc,
    parent: Json,
    args: &Args,
) -> Result<Answer> {
    let mut inputs = Vec::new();
    for arg in &doc.args {
        let given = match args.json.get(&arg.name) {
            Some(given) => Some(given.clone()),
            None => default::of(client, arg).await?,
        };
        if let Some(value) = input::of(client, module, arg, given.as_ref()).await? {
            inputs.push((arg.name.clone(), value));
        }
    }
    let invocation = Invocation {
        module: module.clone(),
        object: object.to_owned(),
        doc: doc.clone(),
        parent,
        inputs,
    };
    let value = cache::result(client, invocation).await?;
    answer(client, module, &doc.ty, value).await
}
