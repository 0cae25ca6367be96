//! Services that tests cannot have, as strict HTTP servers of our own.
//!
//! A [`Server`] listens where containers can reach it, writes down what it is
//! asked ([`Request`]) and fails when told so ([`Fault`]). A [`proxy`] does the
//! same in front of a real server. [`cloudflare`] and [`gitlab`] are
//! services as a whole.

pub mod cloudflare;
mod fault;
pub mod gitlab;
pub mod proxy;
mod server;

pub use fault::{Fault, Faults};
pub use server::{Request, Server};
