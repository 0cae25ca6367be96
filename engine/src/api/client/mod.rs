//! One caller of the API: the command line, or a function of a module.
//!
//! What it sees and asks is here, [`objects`] are what it gets, [`kept`] what of
//! them later runs know. All callers have [`shared`], and in it the [`modules`].

mod kept;
mod modules;
mod objects;
mod shared;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};

use async_graphql::dynamic::Schema;
use async_graphql::{Request, Response, Variables};
use eyre::Result;
use serde_json::{Map, Value as Json};

use super::functions::ActiveCall;
use super::reads::Reads;
use super::resolve::API_VERSION;
use super::server::Server;
use super::{Model, QueryError, schema, support};
use crate::graph::Engine;
use crate::module::{Module, reference, types};
use crate::progress::Current;

pub use kept::ids_in;
pub use shared::{Core, Shared};

/// One caller.
pub struct Client {
    pub shared: Arc<Shared>,
    view: Mutex<View>,
    /// The call of a function that this client answers.
    pub call: Option<ActiveCall>,
    /// A program in a container: the machine is not for it.
    pub confined: bool,
    pub reads: Reads,
    /// Tells clients of a run apart.
    pub serial: u64,
    held: Mutex<Vec<Server>>,
}

/// The types that a client sees.
struct View {
    model: Arc<Model>,
    schema: Option<Schema>,
    modules: Vec<Arc<Module>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Client {
    /// The client of the command line.
    pub fn caller(shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self::new(shared, None, Reads::default()))
    }

    pub fn new(shared: Arc<Shared>, call: Option<ActiveCall>, reads: Reads) -> Self {
        let view = View {
            model: shared.core.model.clone(),
            schema: Some(shared.core.schema.clone()),
            modules: Vec::new(),
        };
        let confined = call.is_some();
        let serial = shared.clients.fetch_add(1, Ordering::Relaxed);
        Self {
            shared,
            view: Mutex::new(view),
            call,
            confined,
            reads,
            serial,
            held: Mutex::default(),
        }
    }

    /// The client of a command that was given a session.
    pub fn nested(shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self {
            confined: true,
            ..Self::new(shared, None, Reads::default())
        })
    }

    /// The client of a module's program: it sees the module and its dependencies.
    pub async fn of_module(
        shared: Arc<Shared>,
        call: ActiveCall,
        reads: Reads,
    ) -> Result<Arc<Self>> {
        let module = call.module.clone();
        let client = Self::new(shared, Some(call), reads);
        for dependency in &module.config.dependencies {
            let dir = reference::dependency_dir(client.engine(), dependency, &module.dir).await?;
            if let Some(found) = client.shared.dependency(&dir, &dependency.name).await? {
                client.add(&found)?;
            }
        }
        client.add(&module)?;
        Ok(Arc::new(client))
    }

    /// Separates the cache volumes of modules from each other.
    pub fn scope(&self) -> String {
        self.call
            .as_ref()
            .map(|call| call.module.config.name.clone())
            .unwrap_or_default()
    }

    pub fn engine(&self) -> &Arc<Engine> {
        &self.shared.engine
    }

    pub fn model(&self) -> Arc<Model> {
        locked(&self.view).model.clone()
    }

    /// Lets the client see a module.
    pub fn add(&self, module: &Arc<Module>) -> Result<()> {
        let mut view = locked(&self.view);
        let is_same = |known: &Arc<Module>| {
            known.dir == module.dir && known.name == module.name && known.role == module.role
        };
        if view.modules.iter().any(is_same) {
            return Ok(());
        }
        self.shared.tell_defaults(module);
        let mut model = Model::clone(&view.model);
        types::join(&mut model, &types::Names::new(module))?;
        view.model = Arc::new(model);
        view.schema = None;
        view.modules.retain(|known| known.name != module.name);
        view.modules.push(module.clone());
        Ok(())
    }

    /// The visible module whose constructor is `field`.
    pub fn module_of(&self, field: &str) -> Option<Arc<Module>> {
        locked(&self.view)
            .modules
            .iter()
            .find(|module| module.constructor() == field)
            .cloned()
    }

    /// Keeps a server for as long as the client.
    pub fn hold(&self, server: Server) {
        locked(&self.held).push(server);
    }

    fn schema(&self) -> Result<Schema> {
        let mut view = locked(&self.view);
        if let Some(schema) = &view.schema {
            return Ok(schema.clone());
        }
        let schema = schema::build(&view.model)?;
        view.schema = Some(schema.clone());
        Ok(schema)
    }

    /// Runs a GraphQL request.
    pub async fn execute(
        self: &Arc<Self>,
        query: &str,
        variables: Json,
        operation: Option<String>,
    ) -> Response {
        let schema = match self.schema() {
            Ok(schema) => schema,
            Err(error) => {
                let error = async_graphql::ServerError::new(error.to_string(), None);
                return Response::from_errors(vec![error]);
            }
        };
        let mut request = Request::new(query)
            .variables(Variables::from_json(variables))
            .data(self.clone());
        if let Some(operation) = operation {
            request = request.operation_name(operation);
        }
        let asks = self
            .call
            .as_ref()
            .map_or_else(Current::get, |call| call.asks);
        let mut response = asks.scope(schema.execute(request)).await;
        for error in &mut response.errors {
            if let Some(refusal) = refusal(&error.message) {
                error.message = refusal;
            }
        }
        response
    }

    /// Runs a GraphQL query; gives its `data`.
    pub async fn query(self: &Arc<Self>, query: &str, variables: Json) -> Result<Json, QueryError> {
        let response = self.execute(query, variables, None).await;
        if let Some(error) = response.errors.first() {
            let extensions = error
                .extensions
                .as_ref()
                .map(serde_json::to_value)
                .and_then(Result::ok);
            let extensions = match extensions {
                Some(Json::Object(extensions)) => extensions,
                _ => Map::new(),
            };
            return Err(QueryError {
                message: error.message.clone(),
                extensions,
            });
        }
        response.data.into_json().map_err(|error| QueryError {
            message: error.to_string(),
            extensions: Map::new(),
        })
    }
}

/// What is said in the place of `Unknown field "x" on type "T".`: whoever asks
/// may well ask for what a Dagger Engine has.
fn refusal(message: &str) -> Option<String> {
    let rest = message.strip_prefix("Unknown field \"")?;
    let (field, rest) = rest.split_once('"')?;
    let (type_name, _) = rest.strip_prefix(" on type \"")?.split_once('"')?;
    let unknown = || {
        let hint = support::hint(type_name, field);
        format!("Dagger's API {API_VERSION} has no `{type_name}.{field}`{hint}")
    };
    let missing = support::refusal(type_name, field);
    missing.or_else(|| support::is_core(type_name).then(unknown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_refused_by_name() {
        let said = refusal(r#"Unknown field "llm" on type "Query"."#).unwrap();
        assert!(
            said.starts_with("`Query.llm` is not implemented in poniard"),
            "{said}"
        );
        assert_eq!(refusal("something else"), None);
        let said = refusal(r#"Unknown field "frm" on type "Container"."#).unwrap();
        assert!(
            said.ends_with("has no `Container.frm`; did you mean `from`?"),
            "{said}"
        );
    }
}
