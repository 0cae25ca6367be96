//! `uninstall`: one module less in `dagger.json`.

use crate::client::Failure;

use super::super::args;
use super::super::args::Global;
use super::change::{self, Change};
use super::file;
use super::{List, own, tell, types};

/// Removes a module by its name or source. As in Dagger, one that is not there
/// is no error.
pub fn run(global: &Global, options: &args::Named, list: List) -> Result<(), Failure> {
    let mut manifest = own(global)?;
    let removed = manifest.remove(list, &options.name)?;
    if removed.is_empty() {
        let path = manifest.dir.join(file::NAME);
        let (one, name) = (list.one(), &options.name);
        tell(&format!(
            "warning: nothing is uninstalled: there is no {one} `{name}` in `{}`{}",
            path.display(),
            manifest.hint(list, name)
        ));
        return Ok(());
    }
    let mut changes = Vec::new();
    for entry in &removed {
        if list == List::Dependencies && types::are_kept(&manifest) {
            changes.push(Change::remove(types::path(&manifest, &entry.name)));
            types::exclude(&mut manifest, &entry.source);
        }
        tell(&format!("uninstalled {} `{}`", list.one(), entry.name));
    }
    changes.push(Change::manifest(&manifest));
    change::apply(changes)
}
