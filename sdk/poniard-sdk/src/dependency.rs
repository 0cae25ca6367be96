//! What the clients made by [`dependencies!`](crate::dependencies) stand on.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use dagger_sdk::core::graphql_client::DynGraphQLClient;
use dagger_sdk::errors::DaggerError;
use dagger_sdk::id::IntoID;
use dagger_sdk::loadable::Loadable;
use dagger_sdk::{Id, Selection};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::dag::Dag;
use crate::error::EngineError;
use crate::session::leaf;

/// A chain of selections that has not been asked yet.
#[derive(Clone)]
pub struct Link {
    selection: Selection,
    client: DynGraphQLClient,
}

impl Link {
    pub fn new(selection: Selection, client: DynGraphQLClient) -> Self {
        Self { selection, client }
    }

    pub fn root(dag: &Dag) -> Self {
        Self::new(Selection::default(), Arc::new(dag.session().clone()))
    }

    pub fn select(&self, field: &str) -> Self {
        Self::new(self.selection.select(field), self.client.clone())
    }

    pub fn arg(mut self, name: &str, value: impl Serialize) -> Self {
        self.selection = self.selection.arg(name, value);
        self
    }

    /// An argument that is omitted when absent.
    pub fn arg_opt(self, name: &str, value: Option<impl Serialize>) -> Self {
        match value {
            Some(value) => self.arg(name, value),
            None => self,
        }
    }

    /// An object as argument: its id, asked for when the chain is.
    pub fn arg_id(mut self, name: &str, object: impl IntoID<Id>) -> Self {
        self.selection = self.selection.arg_lazy(
            name,
            Box::new(move || {
                let object = object.clone();
                Box::pin(async move {
                    let id = match object.into_id().await {
                        Ok(id) => id.0,
                        // The request that this ends up in fails with it.
                        Err(error) => EngineError::from(error).remember(),
                    };
                    Value::String(id).to_string()
                })
            }),
        );
        self
    }

    /// The object that the chain leads to.
    pub fn object<T: Loadable>(&self) -> T {
        T::from_query(None, self.selection.clone(), self.client.clone())
    }

    /// The value that the chain leads to; `Option` for one that may be null.
    pub async fn value<T: DeserializeOwned>(&self) -> Result<T, EngineError> {
        let query = self.selection.build().await?;
        let answer = self
            .client
            .query(&query)
            .await
            .map_err(DaggerError::Query)?;
        let answer = answer.unwrap_or_default();
        let value = leaf(&answer);
        if let Some(error) = value.as_str().and_then(EngineError::recall) {
            return Err(error);
        }
        serde_json::from_value(value.clone()).map_err(|cause| {
            EngineError::new(format!(
                "unexpected answer of the engine to `{query}`: {cause}"
            ))
        })
    }

    /// The object that the chain leads to, or none. Asks the engine.
    pub async fn maybe_object<T: Loadable>(&self) -> Result<Option<T>, EngineError> {
        // Not by its id: to have none is an error.
        let query = self.selection.select("__typename").build().await?;
        let answer = self
            .client
            .query(&query)
            .await
            .map_err(DaggerError::Query)?;
        Ok((!leaf(&answer.unwrap_or_default()).is_null()).then(|| self.object()))
    }

    /// The id of the object that the chain leads to.
    pub fn into_id(self) -> Pin<Box<dyn Future<Output = Result<Id, DaggerError>> + Send>> {
        Box::pin(async move { self.selection.select("id").execute(self.client).await })
    }

    /// The objects of the list that the chain leads to. Asks the engine.
    pub async fn objects<T: Loadable>(&self) -> Result<Vec<T>, EngineError> {
        let ids: Vec<Value> = self.select("id").value().await?;
        Ok(ids
            .iter()
            .map(|item| item.get("id").unwrap_or(item))
            .map(|id| {
                let selection = Selection::default()
                    .select("node")
                    .arg("id", json!(id))
                    .inline_fragment(T::graphql_type());
                T::from_query(None, selection, self.client.clone())
            })
            .collect())
    }
}
