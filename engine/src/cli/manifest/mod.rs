//! Commands that edit a module's `dagger.json` and the files made from it.

pub mod change;
pub mod develop;
mod entry;
pub mod init;
pub mod install;
mod sdk;
mod template;
pub mod toolchain;
mod types;
pub mod uninstall;
pub mod update;

use crate::client::Failure;
use crate::credentials;

use super::args::Global;
use crate::module::manifest as file;
pub use file::List;
use file::Manifest;

/// The `dagger.json` that is edited.
fn own(global: &Global) -> Result<Manifest, Failure> {
    let workdir = std::env::current_dir()?;
    let Some(path) = &global.module else {
        return Ok(Manifest::find(&workdir)?);
    };
    let dir = workdir.join(path).canonicalize();
    let dir = dir.map_err(|e| Failure::new(format!("cannot edit module `{path}`: {e}")))?;
    Manifest::read_if_there(&dir)?
        .ok_or_else(|| Failure::new(format!("there is no {} in `{path}`", file::NAME)))
}

/// Tells what was done.
fn tell(text: &str) {
    eprintln!("{}", credentials::hidden(text));
}

/// Does what needs no engine, only `git`.
fn wait<T>(work: impl Future<Output = eyre::Result<T>>) -> Result<T, Failure> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    Ok(runtime.enable_all().build()?.block_on(work)?)
}
