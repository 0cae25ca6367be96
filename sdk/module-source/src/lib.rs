//! What a module is compiled from ([`files`]), and the [`key`] by which a release
//! finds its program again.

mod files;
mod key;

pub use files::{clean, files};
pub use key::key;

/// What the user adds to a module: no part of it, and it may hold secrets.
pub const USER_DEFAULTS: &str = ".env";

/// Where an image of a release has the program of the module `name`.
pub fn program_path(name: &str, key: &str) -> String {
    format!("modules/{name}/{key}/module")
}
