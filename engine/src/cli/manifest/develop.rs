//! `develop`: the files that are made from a module's code and its dependencies.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::client::Failure;

use super::super::args;
use super::super::args::Global;
use super::file::{self, Manifest};
use super::{git, install};

const TYPES: &str = "dagger.types.json";

pub fn run(global: &Global, options: &args::Develop) -> Result<(), Failure> {
    let mut done: Vec<PathBuf> = Vec::new();
    let mut open = vec![install::own(global)?];
    while let Some(manifest) = open.pop() {
        if done.contains(&manifest.dir) {
            continue;
        }
        dependencies(&manifest)?;
        types(&manifest)?;
        if options.recursive {
            for entry in manifest
                .entries("dependencies")
                .into_iter()
                .filter(|e| e.pin.is_none())
            {
                let dir = manifest.dir.join(&entry.source);
                if let Some(dependency) = dir
                    .canonicalize()
                    .ok()
                    .map(|d| Manifest::read_if_there(&d))
                    .transpose()?
                    .flatten()
                {
                    open.push(dependency);
                }
            }
        }
        done.push(manifest.dir);
    }
    Ok(())
}

/// Asks the module's program for its types.
fn types(manifest: &Manifest) -> Result<(), Failure> {
    let (Some(name), true) = (manifest.name(), manifest.dir.join("Cargo.toml").exists()) else {
        return Ok(());
    };
    let mut command = Command::new("cargo");
    command
        .args(["run", "-q", "-p", name, "--", "types"])
        .current_dir(&manifest.dir);
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
    save(&manifest.dir.join(TYPES), &output.stdout)
}

/// Keeps the types of dependencies that are in git.
fn dependencies(manifest: &Manifest) -> Result<(), Failure> {
    for entry in manifest.entries("dependencies") {
        if entry.pin.is_none() && !git::is_git(&entry.source, &manifest.dir) {
            continue;
        }
        let reference = git::Reference::parse(&entry.source)?;
        let resolved = match &entry.pin {
            Some(pin) => git::Resolved {
                url: reference.url,
                subpath: reference.subpath,
                pin: pin.clone(),
            },
            None => git::resolve(&reference)?,
        };
        let path = install::join(&resolved.subpath, TYPES);
        let text = git::files(&resolved, std::slice::from_ref(&path))?
            .pop()
            .flatten();
        let Some(text) = text else {
            return Err(Failure::new(format!(
                "dependency `{}` has no `{path}`: its types are not known",
                entry.name
            )));
        };
        save(
            &manifest
                .dir
                .join(format!("src/deps/{}.types.json", entry.name)),
            text.as_bytes(),
        )?;
    }
    Ok(())
}

/// Writes a file if it changes.
fn save(path: &Path, contents: &[u8]) -> Result<(), Failure> {
    if std::fs::read(path).is_ok_and(|before| before == contents) {
        return Ok(());
    }
    file::replace(path, contents)?;
    eprintln!("wrote `{}`", path.display());
    Ok(())
}
