//! The second role of db-backup's program: what works beside the client tools, in
//! their container. It is started with a [`Job`] and prints one answer; addresses
//! and keys come in environment variables. The module itself knows of it what both
//! roles agree on: [`address`], [`engine`], [`names`], [`s3`].
//!
//! A dump is a pipe: client tool → count (crate `db_dumps`) → zstd → encryption
//! ([`seal`]) → file or S3 ([`s3`]), in memory that does not depend on its size;
//! with several jobs, pipes that meet after zstd ([`pieces`]).

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod address;
mod age;
pub mod authorities;
mod client;
mod definers;
mod detect;
mod dump;
pub mod engine;
mod file;
mod job;
mod manifest;
pub mod names;
mod pieces;
mod restore;
pub mod s3;
mod seal;
mod sidecar;
mod stall;
mod verify;

use std::env;
use std::io::Write as _;
use std::process::ExitCode;

use poniard_sdk::prelude::*;
use serde_json::Value;

pub use dump::{Counts, Done};
pub use job::{Found, Job, Options, Place};
pub use pieces::Piece;
pub use sidecar::sidecar;

/// First argument that asks for this role.
pub const ROLE: &str = "worker";

/// Environment variables with what must not be seen.
pub const URL: &str = "DATABASE_URL";
pub const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
pub const SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
pub const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";
pub const ENCRYPTION_KEY: &str = "BACKUP_ENCRYPTION_KEY";

/// Does the job, and prints `{"done": …}` or `{"error": "…"}`.
pub fn main() -> ExitCode {
    let answer = match run() {
        Ok(done) => serde_json::json!({ "done": done }),
        Err(error) => serde_json::json!({ "error": format!("{error:#}") }),
    };
    match writeln!(std::io::stdout(), "{answer}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn run() -> Result<Value> {
    let text = env::args().nth(2).unwrap_or_default();
    let job: Job = serde_json::from_str(&text).wrap_err("cannot read the job")?;
    job.run()
}

/// Whether a key can decrypt what it encrypts.
pub fn decrypts(key: &str) -> Result<bool> {
    Ok(matches!(seal::Key::parse(key)?, seal::Key::Identity(_)))
}

/// A variable that must be there.
pub fn need(name: &str) -> Result<String> {
    env::var(name).map_err(|_| eyre!("`{name}` is not set"))
}

/// A variable that may be there; empty is none.
pub fn may(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
