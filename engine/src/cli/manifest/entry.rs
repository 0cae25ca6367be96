//! What `dagger.json` says of a module that was found.

use std::path::{Path, PathBuf};

use crate::client::Failure;
use crate::graph::engine::clean;
use crate::module::git::{Reference, commit, version};

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
        None => local(manifest, &workdir.join(typed), typed),
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
        .map_err(|e| e.within(format!("cannot read `{}`", paths[0])))?;
    let source = Reference {
        version: Some(version.name),
        ..reference.clone()
    };
    Ok(Found {
        entry: Entry {
            name: name(&manifest)?,
            source: source.to_string(),
            pin: Some(version.commit),
        },
        types,
    })
}

fn local(manifest: &Manifest, target: &Path, typed: &str) -> Result<Found, Failure> {
    let target: PathBuf = target
        .canonicalize()
        .map_err(|error| Failure::new(error.to_string()))?;
    let dir = manifest.dir.canonicalize()?;
    let (own, other) = (file::context(&dir), file::context(&target));
    if !target.starts_with(own) || own != other && !other.starts_with(own) {
        return Err(Failure::new(format!(
            "local module dependency context directory \"{}\" is not in parent context directory \"{}\"",
            other.display(),
            own.display()
        )));
    }
    if target == dir {
        return Err(Failure::new("a module cannot depend on itself"));
    }
    let Some(found) = Manifest::read_if_there(&target)? else {
        return Err(Failure::new(format!(
            "there is no {} in `{typed}`",
            file::NAME
        )));
    };
    Ok(Found {
        entry: Entry {
            name: name(&found)?,
            source: file::relative(&dir, &target),
            pin: None,
        },
        types: None,
    })
}

fn name(manifest: &Manifest) -> Result<String, Failure> {
    let name = manifest.name().map(str::to_owned);
    name.ok_or_else(|| Failure::new("the module has no name"))
}

/// A path in a repository.
pub fn join(dir: &str, name: &str) -> String {
    if dir.is_empty() {
        name.to_owned()
    } else {
        format!("{dir}/{name}")
    }
}

/// The module that an entry names, whatever its version: a directory or a place
/// in a repository. None for what cannot be read.
pub fn identity(entry: &Entry, dir: &Path) -> Option<String> {
    let reference = match entry.pin {
        Some(_) => Some(Reference::parse(&entry.source).ok()?),
        None => Reference::read(&entry.source, dir).ok()?,
    };
    Some(match reference {
        Some(reference) => reference.module(),
        None => clean(&dir.join(&entry.source))
            .to_string_lossy()
            .into_owned(),
    })
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

    #[test]
    fn a_module_outside_of_the_repository_is_refused() {
        let (root, other) = (
            tempfile::tempdir().expect("a"),
            tempfile::tempdir().expect("b"),
        );
        std::fs::create_dir(root.path().join(".git")).expect("made");
        module(root.path(), "a");
        module(other.path(), "b");
        let manifest = Manifest::find(root.path()).expect("found");
        let error = local(&manifest, other.path(), "b").expect_err("outside");
        assert!(
            error.message.contains("is not in parent context directory"),
            "{error}"
        );
    }

    #[test]
    fn versions_of_one_module_are_the_same_module() {
        let dir = Path::new("/m/a");
        let identity = |source: &str, pin: Option<&str>| {
            let pin = pin.map(str::to_owned);
            let (name, source) = ("x".into(), source.into());
            identity(&Entry { name, source, pin }, dir)
        };
        let git = "https://git.test/r.git/m";
        assert_eq!(
            identity(&format!("{git}@v1"), Some("abc")),
            Some(git.into())
        );
        assert_eq!(identity(&format!("{git}@v2"), None), Some(git.into()));
        assert_eq!(identity("../b/", None), Some("/m/b".into()));
        assert_eq!(identity("https://git.test/no", Some("abc")), None);
    }
}
