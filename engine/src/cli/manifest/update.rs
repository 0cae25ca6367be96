//! `update`: what the versions of modules in git mean now.

use crate::client::Failure;
use crate::module::git::Reference;

use super::super::args;
use super::super::args::Global;
use super::change::{self, Change};
use super::file::{Entry, Manifest};
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

fn wanted(
    manifest: &Manifest,
    names: &[String],
    list: List,
) -> Result<Vec<(Entry, Reference)>, Failure> {
    let mut unknown: Vec<&String> = names.iter().collect();
    let mut wanted = Vec::new();
    for old in manifest.entries(list) {
        let reference = match old.pin {
            Some(_) => Some(Reference::parse(&old.source)?),
            None => Reference::read(&old.source, &manifest.dir)?,
        };
        let module = reference
            .as_ref()
            .map_or(old.source.clone(), Reference::module);
        let asked = |name: &&&String| version_after(name, &[&old.name, &module]).is_some();
        let by = names.iter().find(|name| asked(&name));
        unknown.retain(|name| !asked(&name));
        match (reference, by) {
            (Some(mut reference), by) if by.is_some() || names.is_empty() => {
                let version = by.and_then(|by| version_after(by, &[&old.name, &module])?);
                reference.version = version.map(str::to_owned).or(reference.version);
                wanted.push((old, reference));
            }
            (None, Some(_)) => {
                let (one, name) = (list.one(), &old.name);
                return Err(Failure::new(format!(
                    "{one} `{name}` is local: only those from git are updated"
                )));
            }
            _ => {}
        }
    }
    match unknown.first() {
        Some(name) => Err(Failure::new(format!(
            "there is no {} `{name}`{}",
            list.one(),
            manifest.hint(list, name)
        ))),
        None => Ok(wanted),
    }
}

/// The version in `name@version`, if `text` is one of the names; none without it.
#[allow(clippy::option_option, reason = "named or not, with a version or not")]
fn version_after<'a>(text: &'a str, names: &[&str]) -> Option<Option<&'a str>> {
    names
        .iter()
        .find_map(|name| match text.strip_prefix(*name)? {
            "" => Some(None),
            rest => rest.strip_prefix('@').map(Some),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"name": "a", "dependencies": [
        {"name": "lab", "source": "https://git.test/r.git/lab@v1", "pin": "abc"},
        {"name": "near", "source": "../near"}
    ]}"#;

    fn versions(names: &[&str]) -> Result<Vec<Option<String>>, Failure> {
        let manifest = Manifest::parse(std::path::Path::new("/m"), TEXT)?;
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let found = wanted(&manifest, &names, List::Dependencies)?;
        Ok(found
            .into_iter()
            .map(|(_, reference)| reference.version)
            .collect())
    }

    #[test]
    fn modules_are_asked_for_by_name_or_source_with_a_version_or_not() {
        for (names, version) in [
            (vec![], "v1"),
            (vec!["lab"], "v1"),
            (vec!["lab@v2"], "v2"),
            (vec!["https://git.test/r.git/lab@lab/v3"], "lab/v3"),
        ] {
            assert_eq!(
                versions(&names).expect("found"),
                [Some(version.to_owned())],
                "{names:?}"
            );
        }
    }

    #[test]
    fn what_is_local_or_not_there_is_told() {
        assert!(
            versions(&["near"])
                .expect_err("local")
                .message
                .contains("`near` is local")
        );
        assert!(
            versions(&["la"])
                .expect_err("unknown")
                .message
                .contains("no dependency `la`")
        );
    }
}
