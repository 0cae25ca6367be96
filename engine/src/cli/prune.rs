//! `prune`: gives back the space that the engine's caches take.

use crate::client::Failure;
use crate::store::{Prune, Store};

use super::args;
use super::args::Global;
use super::runtime::state_dir;

pub fn run(global: &Global, options: args::Prune) -> Result<(), Failure> {
    let store = Store::open(&state_dir()?)?;
    let pruned = store.prune(&Prune { volumes: options.volumes, ..Prune::default() })?;
    if !global.silent {
        eprintln!(
            "removed {} results, {} layers and {} cache volumes: {:.1} MB",
            pruned.entries,
            pruned.layers,
            pruned.volumes,
            pruned.bytes as f64 / 1e6
        );
    }
    Ok(())
}
