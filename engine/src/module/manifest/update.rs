//! Which modules of a list are to be brought up to date.

use eyre::{Result, bail};

use super::{Entry, List, Manifest};
use crate::module::git::Reference;

/// The entries that are named (`name`, `source`, each with `@version` or not), or
/// all that are in git, each with what is to be looked up for it.
///
/// # Errors
/// When one is not there, or is local.
pub fn wanted(
    manifest: &Manifest,
    names: &[String],
    list: List,
) -> Result<Vec<(Entry, Reference)>> {
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
                bail!("{one} `{name}` is local: only those from git are updated");
            }
            _ => {}
        }
    }
    match unknown.first() {
        Some(name) => bail!(
            "there is no {} `{name}`{}",
            list.one(),
            manifest.hint(list, name)
        ),
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

    fn versions(names: &[&str]) -> Result<Vec<Option<String>>> {
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
                .to_string()
                .contains("`near` is local")
        );
        assert!(
            versions(&["la"])
                .expect_err("unknown")
                .to_string()
                .contains("no dependency `la`")
        );
    }
}
