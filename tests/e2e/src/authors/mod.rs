//! Those who write modules: what `init` lays down, what `develop` keeps current,
//! and the guide in `docs/sdk.md`.

mod commands;
mod foreign;
mod guide;
mod new;
mod pages;
mod script;
