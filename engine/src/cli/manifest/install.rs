//! `install`, `uninstall`, `update`: the lists of dependencies in `dagger.json`.

use std::path::{Path, PathBuf};

use crate::client::Failure;

use super::super::args;
use super::super::args::Global;
use super::file::{self, Entry, Manifest};
use super::git;

const LISTS: [&str; 2] = ["dependencies", "toolchains"];

/// Adds a module, or brings it to another version.
pub fn install(global: &Global, options: &args::Install) -> Result<(), Failure> {
    let mut manifest = own(global)?;
    let workdir = std::env::current_dir()?;
    let mut entry = match git::is_git(&options.reference, &workdir) {
        true => remote(&options.reference)?,
        false => local(
            &manifest,
            &workdir.join(&options.reference),
            &options.reference,
        )?,
    };
    if let Some(name) = &options.name {
        entry.name.clone_from(name);
    }
    manifest.put(
        if options.toolchain {
            LISTS[1]
        } else {
            LISTS[0]
        },
        &entry,
    );
    manifest.write()?;
    eprintln!("installed `{}` from {}", entry.name, entry.source);
    Ok(())
}

pub fn uninstall(global: &Global, options: &args::Named) -> Result<(), Failure> {
    let mut manifest = own(global)?;
    let removed: usize = LISTS
        .iter()
        .map(|list| manifest.remove(list, &options.name))
        .sum();
    if removed == 0 {
        let path = manifest.dir.join(file::NAME);
        return Err(Failure::new(format!(
            "`{}` has no dependency `{}`",
            path.display(),
            options.name
        )));
    }
    manifest.write()
}

/// Looks up again what the versions of git dependencies mean.
pub fn update(global: &Global, options: &args::Update) -> Result<(), Failure> {
    let mut manifest = own(global)?;
    let mut unknown: Vec<&String> = options.names.iter().collect();
    let mut changed = Vec::new();
    for list in LISTS {
        for entry in manifest.entries(list) {
            let wanted = |name: &String| *name == entry.name || *name == entry.source;
            if !options.names.is_empty() && !options.names.iter().any(wanted) {
                continue;
            }
            unknown.retain(|name| !wanted(name));
            if entry.pin.is_none() && !git::is_git(&entry.source, &manifest.dir) {
                continue;
            }
            let pin = git::resolve(&git::Reference::parse(&entry.source)?)?.pin;
            if entry.pin.as_deref() != Some(&pin) {
                changed.push((
                    list,
                    Entry {
                        pin: Some(pin),
                        ..entry
                    },
                ));
            }
        }
    }
    if let Some(name) = unknown.first() {
        return Err(Failure::new(format!("there is no dependency `{name}`")));
    }
    for (list, entry) in &changed {
        manifest.put(list, entry);
        eprintln!(
            "updated `{}` to {}",
            entry.name,
            entry.pin.as_deref().unwrap_or_default()
        );
    }
    if changed.is_empty() {
        Ok(())
    } else {
        manifest.write()
    }
}

/// The `dagger.json` that is edited.
pub fn own(global: &Global) -> Result<Manifest, Failure> {
    let workdir = std::env::current_dir()?;
    let Some(path) = &global.module else {
        return Manifest::find(&workdir);
    };
    let dir = workdir.join(path).canonicalize();
    let dir = dir.map_err(|e| Failure::new(format!("cannot edit module `{path}`: {e}")))?;
    Manifest::read_if_there(&dir)?
        .ok_or_else(|| Failure::new(format!("there is no {} in `{path}`", file::NAME)))
}

fn local(manifest: &Manifest, target: &Path, typed: &str) -> Result<Entry, Failure> {
    let target: PathBuf = target
        .canonicalize()
        .map_err(|e| Failure::new(format!("cannot install `{typed}`: {e}")))?;
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
            "cannot install `{typed}`: there is no {} in it",
            file::NAME
        )));
    };
    let name = found
        .name()
        .ok_or_else(|| Failure::new(format!("the module in `{typed}` has no name")))?;
    Ok(Entry {
        name: name.to_owned(),
        source: file::relative(&dir, &target),
        pin: None,
    })
}

fn remote(typed: &str) -> Result<Entry, Failure> {
    let resolved = git::resolve(&git::Reference::parse(typed)?)?;
    let path = join(&resolved.subpath, file::NAME);
    let text = git::files(&resolved, std::slice::from_ref(&path))?
        .pop()
        .flatten();
    let text = text.ok_or_else(|| {
        Failure::new(format!(
            "cannot install `{typed}`: there is no `{path}` in it"
        ))
    })?;
    let found = Manifest::parse(Path::new(""), &text)
        .map_err(|e| e.within(format!("`{path}` of `{typed}`")))?;
    let name = found
        .name()
        .ok_or_else(|| Failure::new(format!("the module in `{typed}` has no name")))?;
    Ok(Entry {
        name: name.to_owned(),
        source: typed.to_owned(),
        pin: Some(resolved.pin),
    })
}

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
    fn a_module_of_the_same_repository_is_installed_by_its_relative_path() {
        let root = tempfile::tempdir().expect("a directory");
        let root = root.path().canonicalize().expect("there");
        std::fs::create_dir(root.join(".git")).expect("made");
        module(&root.join("modules/a"), "a");
        module(&root.join("modules/lab"), "the-lab");
        let manifest = Manifest::find(&root.join("modules/a")).expect("found");
        let entry = local(&manifest, &root.join("modules/lab"), "../lab").expect("installs");
        assert_eq!(
            entry,
            Entry {
                name: "the-lab".into(),
                source: "../lab".into(),
                pin: None
            }
        );
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
    fn a_module_from_git_is_installed_with_the_commit_of_its_tag() {
        let repository = tempfile::tempdir().expect("a directory");
        module(&repository.path().join("sub"), "from-git");
        let git = |args: &[&str]| {
            let mut command = std::process::Command::new("git");
            command.args([
                "-c",
                "user.name=n",
                "-c",
                "user.email=a@b",
                "-c",
                "init.defaultBranch=main",
            ]);
            let output = command
                .args(args)
                .current_dir(repository.path())
                .output()
                .expect("git runs");
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        };
        git(&["init", "-q", "."]);
        git(&["add", "."]);
        git(&["commit", "-q", "-m", "one"]);
        git(&["tag", "sub/v1"]);
        let commit = git(&["rev-parse", "HEAD"]);
        let link = repository.path().join("r.git");
        std::os::unix::fs::symlink(repository.path().join(".git"), &link).expect("linked");
        let typed = format!("file://{}/sub@v1", link.display());
        let entry = remote(&typed).expect("installs");
        assert_eq!(
            entry,
            Entry {
                name: "from-git".into(),
                source: typed,
                pin: Some(commit)
            }
        );
    }
}
