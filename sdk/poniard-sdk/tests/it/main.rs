//! Modules without an engine: macros, protocol, errors, clients, types.

mod dependencies;
mod errors;
mod foreign;
mod protocol;
mod runtime;
mod shop;
mod stub;
mod surface;
mod types;
mod ui;
