//! `develop`: the files that are made from a module's code and its dependencies.

use std::path::PathBuf;
use std::process::Command;

use crate::client::Failure;
use crate::module::build;
use crate::module::git::{Reference, commit, version};

use super::super::args;
use super::super::args::Global;
use super::super::runtime::state_dir;
use super::change::{self, Change};
use super::file::Manifest;
use super::{List, entry, own, types, wait};

pub fn run(global: &Global, options: &args::Develop) -> Result<(), Failure> {
    let mut done: Vec<PathBuf> = Vec::new();
    let mut open = vec![own(global)?];
    while let Some(manifest) = open.pop() {
        if done.contains(&manifest.dir) {
            continue;
        }
        if types::are_kept(&manifest) {
            dependencies(&manifest)?;
            of_program(&manifest)?;
        }
        if options.recursive {
            for entry in manifest.entries(List::Dependencies) {
                let Ok(dir) = manifest.dir.join(&entry.source).canonicalize() else {
                    continue;
                };
                open.extend(Manifest::read_if_there(&dir)?);
            }
        }
        done.push(manifest.dir);
    }
    Ok(())
}

/// Asks the module's program for its types.
fn of_program(manifest: &Manifest) -> Result<(), Failure> {
    let Some(name) = manifest.name() else {
        return Ok(());
    };
    let mut command = Command::new("cargo");
    command
        .args(["run", "-q"])
        .args(build::FLAGS)
        .args(["-p", name, "--", "types"])
        .envs(build::environment(&state_dir()?))
        .current_dir(manifest.code());
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|e| Failure::new(format!("cannot run `cargo` for the types of `{name}`: {e}")))?;
    if !output.status.success() {
        return Err(Failure::new(format!(
            "`cargo run -p {name} -- types` failed: its own words are above"
        )));
    }
    if let Err(error) = serde_json::from_slice::<serde_json::Value>(&output.stdout) {
        return Err(Failure::new(format!(
            "`cargo run -p {name} -- types` printed no JSON: {error}"
        )));
    }
    save(Change::write(
        manifest.code().join(types::NAME),
        output.stdout,
    ))
}

/// Keeps the types of dependencies that are in git.
fn dependencies(manifest: &Manifest) -> Result<(), Failure> {
    for entry in manifest.entries(List::Dependencies) {
        let reference = match entry.pin {
            Some(_) => Some(Reference::parse(&entry.source)?),
            None => Reference::read(&entry.source, &manifest.dir)?,
        };
        let Some(reference) = reference else {
            continue;
        };
        let paths = types::PLACES.map(|name| entry::join(&reference.subdir, name));
        let files = wait(async {
            let commit = match &entry.pin {
                Some(pin) => pin.clone(),
                None => version::find(&reference).await?.commit,
            };
            commit::read(&reference, &commit, &paths).await
        })?;
        let kept = types::path(manifest, &entry.name);
        let Some(text) = files.into_iter().flatten().next() else {
            // One in another language: an engine that runs it knows its types.
            if kept.exists() || manifest.code().join(types::SCHEMA).exists() {
                continue;
            }
            return Err(Failure::new(format!(
                "dependency `{}` has no `{}`, so its types are only known to an engine that runs it: run `dagger develop` with a Dagger Engine",
                entry.name, paths[0]
            )));
        };
        save(Change::write(kept, text.into_bytes()))?;
    }
    Ok(())
}

/// Writes a file if it changes.
fn save(change: Change) -> Result<(), Failure> {
    if change.is_done() {
        return Ok(());
    }
    let path = change.path.clone();
    change::apply(vec![change])?;
    eprintln!("wrote `{}`", path.display());
    Ok(())
}
