//! What `dagger.json` says of a module that was found.

use std::path::Path;

use eyre::WrapErr;

use crate::client::Failure;
use crate::module::git::{Reference, commit, version};
use crate::module::manifest::nearby;

use super::file::{self, Entry, Manifest};
use super::{types, wait};

/// A module that may be listed, and its types if they are written down.
#[derive(Debug)]
pub struct Found {
    pub entry: Entry,
    pub types: Option<String>,
}

/// The module at a path or in git, as typed in `workdir`.
pub fn find(manifest: &Manifest, workdir: &Path, typed: &str) -> Result<Found, Failure> {
    match Reference::read(typed, workdir)? {
        Some(reference) => in_git(&reference),
        None => local(manifest, &workdir.join(typed)),
    }
    .map_err(|error| error.within(format!("cannot install `{typed}`")))
}

/// What the version of a reference means now.
pub fn in_git(reference: &Reference) -> Result<Found, Failure> {
    let [types, types_below] = types::PLACES;
    let paths = [file::NAME, types, types_below].map(|name| join(&reference.subdir, name));
    let (version, mut files) = wait(async {
        let version = version::find(reference).await?;
        let files = commit::read(reference, &version.commit, &paths).await?;
        Ok((version, files))
    })?;
    let types_below = files.pop().flatten();
    let types = files.pop().flatten().or(types_below);
    let Some(text) = files.pop().flatten() else {
        let missing = &paths[0];
        return Err(Failure::new(format!(
            "there is no `{missing}` in `{reference}`"
        )));
    };
    let manifest = Manifest::parse(Path::new(""), &text)
        .wrap_err_with(|| format!("cannot read `{}`", paths[0]))?;
    let source = Reference {
        version: Some(version.name),
        ..reference.clone()
    };
    Ok(Found {
        entry: Entry {
            name: manifest.own_name()?.to_owned(),
            source: source.to_string(),
            pin: Some(version.commit),
        },
        types,
    })
}

fn local(manifest: &Manifest, target: &Path) -> Result<Found, Failure> {
    Ok(Found {
        entry: nearby(&manifest.dir, target)?,
        types: None,
    })
}

/// A path in a repository.
pub fn join(dir: &str, name: &str) -> String {
    if dir.is_empty() {
        name.to_owned()
    } else {
        format!("{dir}/{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(dir: &Path, name: &str) {
        std::fs::create_dir_all(dir).expect("made");
        std::fs::write(dir.join(file::NAME), format!(r#"{{"name":"{name}"}}"#)).expect("written");
    }

    #[test]
    fn a_module_of_the_same_repository_is_named_by_its_relative_path() {
        let root = tempfile::tempdir().expect("a directory");
        let root = root.path().canonicalize().expect("there");
        std::fs::create_dir(root.join(".git")).expect("made");
        module(&root.join("modules/a"), "a");
        module(&root.join("modules/lab"), "the-lab");
        let manifest = Manifest::find(&root.join("modules/a")).expect("found");
        let found = find(&manifest, &root, "modules/lab").expect("installs");
        let want = Entry {
            name: "the-lab".into(),
            source: "../lab".into(),
            pin: None,
        };
        assert_eq!(found.entry, want);
    }
}
