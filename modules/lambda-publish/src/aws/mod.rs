//! The three services of AWS that are used, asked over HTTP.
//!
//! A [`Client`] signs ([`sign`]) with [`credentials`] and repeats what may be
//! repeated; one attempt is [`transport`]'s, and what an answer that is none
//! means is [`failure`]'s. [`lambda`], [`ecr`] and [`sts`] are typed calls, named
//! as in the API reference.

mod client;
pub mod credentials;
pub mod ecr;
pub mod failure;
pub mod lambda;
pub mod pause;
mod sign;
mod sts;
pub mod transport;

pub use client::{Client, Request, Service};
pub use failure::Failure;
