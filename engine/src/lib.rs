//! Poniard: Dagger's API, shell and CLI on an embedded engine.
//!
//! Data flows one way: [`cli`] → ([`shell`] | `call`) builds a query with
//! [`client`] → [`api`] resolves it to objects of [`graph`] → evaluation asks
//! [`exec`], [`image`], [`store`] and [`net`] → a value is printed or exported.
//! [`module`] turns a `dagger.json` into types and a program; objects of modules
//! are objects of the graph, so these two know each other. Otherwise nothing
//! below knows anything above. What names stood for is in the
//! [`lock`]. All tell [`progress`] what they do; [`trace`] keeps it.

mod accounts;
pub mod api;
pub mod cli;
pub mod client;
mod credentials;
mod duration;
pub mod exec;
#[doc(hidden)]
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
pub mod graph;
pub mod image;
pub mod lock;
pub mod module;
pub mod net;
mod programs;
pub mod progress;
mod replace;
pub mod rootless;
pub mod shell;
pub mod store;
mod suggest;
pub mod trace;
