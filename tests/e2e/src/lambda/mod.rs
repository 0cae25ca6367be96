//! `lambda-publish` against moto, an OCI registry and, where moto is wrong, a
//! stand-in for Lambda.
//!
//! [`shop`] is where a test works: a [`registry`], a cloud, credentials in the
//! environment. [`cloud`] is the stand-in, [`moto`] is all else of AWS that can run
//! here. [`instance`] runs an image as Lambda does,
//! [`refusal`] is an error of AWS that a server in front of it gives.

mod cloud;
mod credentials;
mod faults;
mod images;
mod instance;
mod invocations;
mod kills;
pub mod moto;
mod pipeline;
mod publishing;
mod refusal;
pub mod registry;
mod secrets;
pub mod shop;
mod tls;
