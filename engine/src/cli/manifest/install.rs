//! `install`: one more module in `dagger.json`, or another version of one.

use crate::client::Failure;

use super::super::args;
use super::super::args::Global;
use super::change::{self, Change};
use super::{List, entry, own, tell, types};

pub fn run(global: &Global, options: &args::Install, list: List) -> Result<(), Failure> {
    let mut manifest = own(global)?;
    let workdir = std::env::current_dir()?;
    let mut found = entry::find(&manifest, &workdir, &options.reference)?;
    if let Some(name) = &options.name {
        found.entry.name.clone_from(name);
    }
    let before = manifest.put(list, &found.entry);
    let before = before.map_err(|error| Failure::new(format!("{error} with `--name`")))?;
    let mut changes = Vec::new();
    if list == List::Dependencies && types::are_kept(&manifest) {
        if let Some(before) = before.filter(|before| *before != found.entry.name) {
            changes.push(Change::remove(types::path(&manifest, &before)));
        }
        changes.extend(types::keep(&mut manifest, &found));
    }
    changes.push(Change::manifest(&manifest));
    change::apply(changes)?;
    let entry::Found { entry, .. } = found;
    let (one, name, source) = (list.one(), &entry.name, &entry.source);
    tell(&format!("installed {one} `{name}` from {source}"));
    Ok(())
}
