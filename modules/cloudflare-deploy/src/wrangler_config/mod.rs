//! Wrangler's configuration: a file in JSON, JSONC or TOML becomes a tree that
//! knows its places ([`document`]), of which deploying needs a few settings
//! ([`settings`]). All the rest is Wrangler's own business.

mod document;
mod settings;

pub use settings::{Named, Settings};
