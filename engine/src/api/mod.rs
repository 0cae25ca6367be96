//! Dagger's GraphQL API over the objects of [`crate::graph`].
//!
//! `schema.graphql` says what there is ([`sdl`] reads it into a [`Model`],
//! modules add to it), [`schema`] makes GraphQL of it, [`Client`] answers one
//! caller, [`resolve`] knows what each field means, [`functions`] calls modules,
//! and [`server`] speaks HTTP. [`Session`] is all of it for the command line.

mod client;
mod functions;
pub mod model;
mod reads;
pub(crate) mod resolve;
mod schema;
pub mod sdl;
mod server;
mod session;
pub mod support;
#[cfg(test)]
mod tests;

pub use client::Client;
pub use model::Model;
pub use session::{LoadedModule, Options, Session};

use crate::graph::Failure;

/// A failed query: the message, and `extensions` as in GraphQL. A failed
/// command has `_type` = `EXEC_ERROR`, `exitCode`, `cmd`, `stdout`, `stderr`.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    pub message: String,
    pub extensions: serde_json::Map<String, serde_json::Value>,
}

impl From<&eyre::Report> for QueryError {
    fn from(report: &eyre::Report) -> Self {
        Failure::of(report).into()
    }
}

impl From<Failure> for QueryError {
    fn from(failure: Failure) -> Self {
        Self {
            message: failure.message,
            extensions: failure.extensions,
        }
    }
}
