//! What the shell and `call` have in common: a line to the engine ([`Engine`]),
//! chains of functions that become one GraphQL query ([`Chain`]), the reading of
//! flags and arguments, and the printing of results.
//!
//! Words → [`flags`] sorts them by argument → [`argument`] makes GraphQL literals
//! of them, with the objects that [`address`] finds → [`Chain::then`] →
//! [`query`] → [`print`].

pub mod address;
pub mod argument;
pub mod chain;
pub mod csv;
pub mod engine;
pub mod failure;
pub mod flags;
pub mod help;
pub mod literal;
pub mod lookup;
pub mod paths;
pub mod print;
pub mod query;
pub mod scalar;
pub mod value;

#[cfg(test)]
pub mod testing;

pub use chain::Chain;
pub use engine::Engine;
pub use failure::Failure;
pub use paths::Paths;
pub use value::{Piece, Value};
