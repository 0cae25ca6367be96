//! `update`: what the versions of modules in git mean now.

use crate::client::Failure;
use crate::module::manifest::wanted;

use super::super::args;
use super::super::args::Global;
use super::change::{self, Change};
use super::{List, entry, own, tell, types};

/// Updates the modules that `options` name (`name`, `source`, each with
/// `@version` or not), or all that are in git.
pub fn run(global: &Global, options: &args::Update, list: List) -> Result<(), Failure> {
    let mut manifest = own(global)?;
    let mut changes = Vec::new();
    for (old, reference) in wanted(&manifest, &options.names, list)? {
        let mut found = entry::in_git(&reference)
            .map_err(|error| error.within(format!("cannot update `{}`", old.name)))?;
        found.entry.name.clone_from(&old.name);
        if found.entry == old {
            continue;
        }
        manifest.put(list, &found.entry)?;
        if list == List::Dependencies && types::are_kept(&manifest) {
            changes.extend(types::keep(&mut manifest, &found));
        }
        let pin = found.entry.pin.as_deref().unwrap_or_default();
        let (one, name, source) = (list.one(), &old.name, &found.entry.source);
        tell(&format!("updated {one} `{name}` to {source} ({pin})"));
    }
    changes.push(Change::manifest(&manifest));
    change::apply(changes)
}
