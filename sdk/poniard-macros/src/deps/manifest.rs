//! `dagger.json` and the types of what it depends on.

use std::path::Path;

use serde::Deserialize;

use crate::types::ModuleTypes;

pub struct Found {
    pub dependencies: Vec<Dependency>,
    /// Files that the result depends on.
    pub files: Vec<String>,
    pub problems: Vec<String>,
}

pub struct Dependency {
    /// The name that this module knows it by.
    pub name: String,
    pub types: ModuleTypes,
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    dependencies: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    source: String,
}

/// Reads `dagger.json` in `folder`, which is relative to the crate `root`.
pub fn read(root: &Path, folder: &str) -> Result<Found, String> {
    let dir = &root.join(folder);
    let path = dir.join("dagger.json");
    let text = std::fs::read_to_string(&path).map_err(|cause| {
        format!(
            "cannot read `{}`: {cause}",
            Path::new(folder).join("dagger.json").display()
        )
    })?;
    let manifest: Manifest = serde_json::from_str(&text)
        .map_err(|cause| format!("cannot read `dagger.json`: {cause}"))?;
    let mut found = Found {
        dependencies: Vec::new(),
        files: vec![path.display().to_string()],
        problems: Vec::new(),
    };
    for entry in manifest.dependencies {
        match types(dir, &entry, &mut found.files) {
            Ok(types) => found.dependencies.push(Dependency {
                name: entry.name,
                types,
            }),
            Err(problem) => found.problems.push(problem),
        }
    }
    Ok(found)
}

fn types(dir: &Path, entry: &Entry, files: &mut Vec<String>) -> Result<ModuleTypes, String> {
    let Entry { name, source } = entry;
    let local = format!("{source}/dagger.types.json");
    let kept = format!("src/deps/{name}.types.json");
    // Of a git dependency there is only what `dagger develop` wrote.
    for file in [&local, &kept] {
        let path = dir.join(file);
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        files.push(path.display().to_string());
        return serde_json::from_str(&text)
            .map_err(|cause| format!("cannot read `{file}`: {cause}"));
    }
    if dir.join(source).is_dir() {
        Err(format!(
            "dependency `{name}` has no `{local}`: write it with `cargo run -p {name} -- types`, and name it in `include` of `dagger.json`"
        ))
    } else {
        Err(format!(
            "the types of dependency `{name}` are not in `{kept}`: run `dagger develop`"
        ))
    }
}
