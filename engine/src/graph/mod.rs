//! The objects of the API: immutable, lazy, and known by how they were made.
//!
//! A [`Node`] is an object together with the [`Call`] that gives it; the digest
//! of the call is its id, so that the same pipeline has the same id everywhere.
//! Objects hold lazy file systems ([`Fs`]) and commands ([`exec`]): nothing is
//! done before a value is asked for, each thing is done once, and results are
//! remembered under the digest of what they were made from.

mod cleaned;
pub mod container;
pub mod directory;
pub mod engine;
pub mod exec;
pub mod failure;
pub mod fs;
pub mod gate;
pub mod git;
mod health;
pub mod image;
pub mod memo;
pub mod node;
pub mod owner;
pub mod secret;
pub mod service;
pub mod task;

pub use container::Container;
pub use directory::{Directory, File};
pub use engine::Engine;
pub use failure::Failure;
pub use fs::Fs;
pub use node::{Args, Call, Node, Object, Value};
pub use secret::Secret;
pub use service::Service;
