//! `prune`: gives back the space that the engine's caches take.

use crate::client::Failure;

use super::args;
use super::args::Global;

pub fn run(global: &Global, options: args::Prune) -> Result<(), Failure> {
    let _ = (global, options);
    Err(Failure::new("`prune` is not supported yet"))
}
