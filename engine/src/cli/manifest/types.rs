//! Types of dependencies, as a module in Rust needs them to be compiled: those
//! from git are kept in the module, of those nearby `include` names the file.
//! The SDK's `codegen` keeps the same files on a Dagger Engine.

use std::path::PathBuf;

use serde_json::Value as Json;

use crate::module::TYPES_FILE;

use super::change::Change;
use super::entry::Found;
use super::file::Manifest;
use super::tell;

pub const NAME: &str = TYPES_FILE;

/// What a Dagger Engine says of its API with the module's dependencies, kept when
/// one of them is written in another language.
pub const SCHEMA: &str = "src/deps/introspection.json";

/// Whether the module is one in Rust.
pub fn are_kept(manifest: &Manifest) -> bool {
    manifest.fields.contains_key("sdk") && manifest.code().join("Cargo.toml").exists()
}

/// Where the types of a dependency from git are.
pub fn path(manifest: &Manifest, dependency: &str) -> PathBuf {
    manifest
        .code()
        .join(format!("src/deps/{dependency}.types.json"))
}

/// What there is to write for a dependency.
pub fn keep(manifest: &mut Manifest, found: &Found) -> Option<Change> {
    let Found { entry, types } = found;
    if entry.pin.is_none() {
        include(manifest, &entry.source);
        return Some(Change::remove(path(manifest, &entry.name)));
    }
    let Some(types) = types else {
        let source = &entry.source;
        tell(&format!(
            "`{source}` has no {NAME}: there will be no client of it"
        ));
        return None;
    };
    Some(Change::write(
        path(manifest, &entry.name),
        types.clone().into_bytes(),
    ))
}

/// Without it a Dagger Engine does not load the file.
fn include(manifest: &mut Manifest, source: &str) {
    let Some(file) = beside(manifest, source) else {
        return;
    };
    if !source.starts_with("..") {
        return;
    }
    let list = manifest.fields.entry("include");
    if let Json::Array(list) = list.or_insert_with(|| Json::Array(Vec::new()))
        && !list.iter().any(|known| known == &file)
    {
        list.push(file.into());
    }
}

/// Takes it out again.
pub fn exclude(manifest: &mut Manifest, source: &str) {
    let files = PLACES.map(|place| format!("{source}/{place}"));
    if let Some(Json::Array(list)) = manifest.fields.get_mut("include") {
        list.retain(|known| !files.iter().any(|file| known == file));
    }
}

/// Where the types of a module nearby may be, relative to it: its code is in its
/// own directory, or where `dagger init` puts it if there are other files.
pub const PLACES: [&str; 2] = [NAME, ".dagger/dagger.types.json"];

/// The types of a module nearby, relative to this one.
pub fn beside(manifest: &Manifest, source: &str) -> Option<String> {
    let mut files = PLACES.iter().map(|place| format!("{source}/{place}"));
    files.find(|file| manifest.dir.join(file).exists())
}
