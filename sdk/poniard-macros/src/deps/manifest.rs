//! `dagger.json` and the types of what it depends on.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::introspection::Introspection;
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
    /// Where its code is.
    #[serde(default)]
    source: PathBuf,
    #[serde(default)]
    dependencies: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    source: String,
    /// Commit of what comes from git.
    #[serde(default)]
    pin: String,
}

/// Reads `dagger.json` in `folder`, which is relative to the crate `root`; by
/// default that whose code the crate is: beside it, or above, with it as `source`.
pub fn read(root: &Path, folder: &str) -> Result<Found, String> {
    let code = &root.join(folder);
    let mut above = root.ancestors().filter(|_| folder.is_empty());
    let dir = above.find(|dir| is_code(dir, root)).unwrap_or(code);
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
        match types(dir, code, &entry, &mut found.files) {
            Ok(types) => found.dependencies.push(Dependency {
                name: entry.name,
                types,
            }),
            Err(problem) => found.problems.push(problem),
        }
    }
    Ok(found)
}

/// Whether the code of the module in `dir` is in `root`.
fn is_code(dir: &Path, root: &Path) -> bool {
    let text = std::fs::read_to_string(dir.join("dagger.json")).unwrap_or_default();
    let manifest = serde_json::from_str::<Manifest>(&text);
    manifest.is_ok_and(|manifest| dir.join(manifest.source) == root)
}

/// What an engine said of its API with the dependencies, where it was kept.
const SCHEMA: &str = "src/deps/introspection.json";

fn types(
    dir: &Path,
    code: &Path,
    entry: &Entry,
    files: &mut Vec<String>,
) -> Result<ModuleTypes, String> {
    let Entry { name, source, pin } = entry;
    let local = format!("{source}/dagger.types.json");
    let below = format!("{source}/.dagger/dagger.types.json");
    let kept = format!("src/deps/{name}.types.json");
    // Of a git dependency there is only what `dagger develop` wrote.
    for (dir, file) in [(dir, &local), (dir, &below), (code, &kept)] {
        if let Some(text) = read_if_there(&dir.join(file), files) {
            return serde_json::from_str(&text)
                .map_err(|cause| format!("cannot read `{file}`: {cause}"));
        }
    }
    if let Some(text) = read_if_there(&code.join(SCHEMA), files) {
        let schema: Introspection = serde_json::from_str(&text)
            .map_err(|cause| format!("cannot read `{SCHEMA}`: {cause}"))?;
        if let Some(types) = schema.types_of(name) {
            return Ok(types);
        }
    }
    let is_local = pin.is_empty() && source.starts_with('.') || dir.join(source).is_dir();
    if is_local {
        Err(format!(
            "dependency `{name}` has no `{local}`: write it with `cargo run -p {name} -- types`, and name it in `include` of `dagger.json`; if it is not in Rust, run `dagger develop`"
        ))
    } else {
        Err(format!(
            "the types of dependency `{name}` are not in `{kept}`: run `dagger develop`"
        ))
    }
}

/// Notes the file as one that the result depends on.
fn read_if_there(path: &Path, files: &mut Vec<String>) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    files.push(path.display().to_string());
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a `dagger.json` with one dependency, beside types in `files`.
    fn read_with(name: &str, source: &str, files: &[&str]) -> Result<Found, String> {
        let root = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        let write = |file: &str, text: &str| -> std::io::Result<()> {
            let path = root.join(file);
            std::fs::create_dir_all(path.parent().unwrap_or(&root))?;
            std::fs::write(path, text)
        };
        let manifest =
            format!(r#"{{ "dependencies": [{{ "name": "lab", "source": "{source}" }}] }}"#);
        write("dagger.json", &manifest).map_err(|cause| cause.to_string())?;
        for file in files {
            write(file, r#"{ "objects": [{ "name": "Lab" }] }"#)
                .map_err(|cause| cause.to_string())?;
        }
        let found = read(&root, "");
        std::fs::remove_dir_all(&root).map_err(|cause| cause.to_string())?;
        found
    }

    #[test]
    fn types_of_a_local_dependency_are_beside_it() -> Result<(), String> {
        let found = read_with("local", "deps/lab", &["deps/lab/dagger.types.json"])?;
        assert_eq!(found.dependencies[0].types.objects[0].name, "Lab");
        assert_eq!(found.problems, [""; 0]);
        // `dagger.json` and the types: what the crate is compiled again for.
        assert_eq!(found.files.len(), 2);
        Ok(())
    }

    #[test]
    fn types_of_a_git_dependency_are_kept_in_the_module() -> Result<(), String> {
        let source = "github.com/someone/lab@v1";
        let found = read_with("git", source, &["src/deps/lab.types.json"])?;
        assert_eq!(found.dependencies[0].name, "lab");
        Ok(())
    }

    #[test]
    fn a_crate_in_the_source_directory_of_a_module_uses_its_manifest() -> Result<(), String> {
        let root = std::env::temp_dir().join(format!("source-{}", std::process::id()));
        let code = root.join(".dagger");
        let manifest = |source: &str| {
            let text = format!(r#"{{ "source": "{source}", "dependencies": [] }}"#);
            std::fs::create_dir_all(&code)?;
            std::fs::write(root.join("dagger.json"), text)
        };
        manifest(".dagger").map_err(|cause| cause.to_string())?;
        let found = read(&code, "");
        manifest("other").map_err(|cause| cause.to_string())?;
        let other = read(&code, "");
        std::fs::remove_dir_all(&root).map_err(|cause| cause.to_string())?;
        assert_eq!(
            found?.files,
            [root.join("dagger.json").display().to_string()]
        );
        assert!(other.is_err(), "code of another module");
        Ok(())
    }

    #[test]
    fn missing_types_are_a_problem_with_a_next_step() -> Result<(), String> {
        let found = read_with("absent", "github.com/someone/lab@v1", &[])?;
        assert_eq!(
            found.problems,
            [
                "the types of dependency `lab` are not in `src/deps/lab.types.json`: run `dagger develop`"
            ]
        );
        // An engine loads nothing of a neighbour but what `include` names.
        let found = read_with("neighbour", "../lab", &[])?;
        assert_eq!(
            found.problems,
            [
                "dependency `lab` has no `../lab/dagger.types.json`: write it with `cargo run -p lab -- types`, and name it in `include` of `dagger.json`; if it is not in Rust, run `dagger develop`"
            ]
        );
        let found = read_with("untyped", "deps/lab", &["deps/lab/other.json"])?;
        assert_eq!(
            found.problems,
            [
                "dependency `lab` has no `deps/lab/dagger.types.json`: write it with `cargo run -p lab -- types`, and name it in `include` of `dagger.json`; if it is not in Rust, run `dagger develop`"
            ]
        );
        Ok(())
    }
}
