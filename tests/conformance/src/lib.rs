//! Runs the recordings in `cases/`, and cases of our own in `own/`, against a
//! CLI and compares.
//!
//! Data flows one way: [`Case`] is read from its folder → [`run`] copies its
//! inputs to a fresh working directory, runs its steps there and notes what
//! they print and leave → [`compare`] tells the differences from the recording.
//! [`Pending`] lists the cases that are not expected to pass yet, [`inventory`]
//! guards the recordings themselves, [`warm`] fills the caches beforehand.
//!
//! # A case
//!
//! A folder that holds
//!
//! | file | |
//! |---|---|
//! | `script` | a shell script, fed to `CLI ARGS` on standard input, or |
//! | `argv` | arguments of the CLI, one a line |
//! | `script.2`, `argv.2`, … | further commands, run afterwards in the same place |
//! | `args` | arguments before the script, one line |
//! | `files/` | copied to the fresh working directory |
//! | `cwd` | run there instead: `{sink}`, or a path below the working directory |
//! | `env` | `KEY=VALUE` lines added to the environment |
//! | `stdout`, `exit` | what is printed by all commands together, and the last exit code |
//! | `stderr.contains`, `stderr.lacks` | lines that must, and must not, occur in stderr |
//! | `tree` | what is left in the working directory apart from unchanged inputs: `f MODE SHA256 NAME`, `l TARGET NAME`, `d NAME`, `- NAME` (removed) |
//! | `ignore` | names among `stdout`, `exit` and `tree` that are not compared |
//! | `about` | what the case pins, in one line |
//!
//! In scripts, arguments, environment and inputs named `*.in` (copied without
//! the suffix), `{sink}` is the path of the sink module, `{work}` the working
//! directory and `{nonce}` a word that is new in every run; in the output they
//! are written back, and object digests as `Directory@{digest}`.

mod case;
pub mod compare;
pub mod inventory;
mod listing;
mod pending;
pub mod run;
pub mod warm;
mod words;

use std::path::{Path, PathBuf};

pub use case::Case;
pub use pending::Pending;

/// The folder of this package.
pub fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The sink module: `PONIARD_TEST_SINK`, by default the port in this folder.
pub fn sink() -> PathBuf {
    std::env::var_os("PONIARD_TEST_SINK").map_or_else(|| home().join("sink"), PathBuf::from)
}
