//! Commands that edit a module's `dagger.json` and the files made from it.

pub mod develop;
pub mod file;
mod git;
pub mod init;
pub mod install;
mod template;
