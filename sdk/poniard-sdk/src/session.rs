//! The way to the engine: every request, typed or raw, goes through [`Session`].
//!
//! `dagger-sdk` unwraps the ids of objects given as arguments, and so panics
//! when such an object fails. Here the request for an id never fails: it
//! answers a token, and the request that the token ends up in fails with the
//! error that the token stands for.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use dagger_sdk::core::graphql_client::{GraphQLClient, GraphQLError};
use serde_json::{Value, json};

use crate::error::EngineError;

/// A request that is under way.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Value, EngineError>> + Send + 'a>>;

/// Carries requests to an engine.
pub trait Transport: Send + Sync {
    /// Sends a GraphQL document; gives the `data` of the answer.
    fn send<'a>(&'a self, query: &'a str, variables: &'a Value) -> Answer<'a>;
}

/// A session with an engine.
#[derive(Clone)]
pub struct Session(Arc<dyn Transport>);

impl Session {
    pub fn new(transport: impl Transport + 'static) -> Self {
        Self(Arc::new(transport))
    }

    /// Sends a GraphQL document; gives the `data` of the answer.
    pub async fn request(&self, query: &str, variables: &Value) -> Result<Value, EngineError> {
        match EngineError::recall(query) {
            Some(earlier) => Err(earlier),
            None => self.0.send(query, variables).await,
        }
    }
}

#[async_trait::async_trait]
impl GraphQLClient for Session {
    async fn query(&self, query: &str) -> Result<Option<Value>, GraphQLError> {
        let asks_for_id = query.trim_end_matches('}').ends_with("{id");
        let answer = self.request(query, &json!({})).await;
        match answer {
            Ok(data) if asks_for_id && leaf(&data).is_null() => {
                let error = EngineError::new(format!("no such object: `{}`", path(query)));
                Ok(Some(Value::String(error.remember())))
            }
            Ok(data) => Ok(Some(data)),
            Err(error) if asks_for_id => Ok(Some(Value::String(error.remember()))),
            Err(error) => Err(error.into_graphql()),
        }
    }
}

/// The value that a chain of single selections leads to.
pub(crate) fn leaf(data: &Value) -> &Value {
    let mut at = data;
    while let Value::Object(fields) = at {
        match fields.values().next() {
            Some(value) => at = value,
            // An inline fragment of another type selects nothing.
            None => return &Value::Null,
        }
    }
    at
}

fn path(query: &str) -> &str {
    query
        .trim_start_matches("query")
        .trim_start_matches('{')
        .trim_end_matches('}')
        .trim_end_matches("{id")
}
