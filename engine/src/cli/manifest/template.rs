//! What an SDK lays down for a new module: the files of its folder `template`,
//! with the module's names put in, in contents and in file names.
//!
//! `{{name}}` is the name in kebab-case, `{{crate_name}}` in snake_case and
//! `{{TypeName}}` in PascalCase; `{{sdk}}` is where cargo finds the SDK's crate. A suffix `.in` is taken off, so that a template
//! may hold a `Cargo.toml` that cargo does not see.

use std::path::{Path, PathBuf};

use crate::client::Failure;
use crate::module::types::pascal;

/// A file to be written, relative to the module.
#[derive(Debug, PartialEq)]
pub struct File {
    pub path: PathBuf,
    pub contents: Vec<u8>,
}

/// The files of a template; none if there is no such folder.
pub fn files(template: &Path, name: &str, dependency: &str) -> Result<Vec<File>, Failure> {
    let mut files = Vec::new();
    if !template.is_dir() {
        return Ok(files);
    }
    for entry in walkdir::WalkDir::new(template).sort_by_file_name() {
        let entry = entry.map_err(|e| Failure::new(format!("cannot read the template: {e}")))?;
        let Ok(inside) = entry.path().strip_prefix(template) else {
            continue;
        };
        if !entry.file_type().is_file() {
            continue;
        }
        let path = fill(&inside.to_string_lossy(), name, dependency);
        let path = path.strip_suffix(".in").unwrap_or(&path);
        let bytes = std::fs::read(entry.path())
            .map_err(|e| Failure::new(format!("cannot read `{}`: {e}", entry.path().display())))?;
        let contents = match String::from_utf8(bytes) {
            Ok(text) => fill(&text, name, dependency).into_bytes(),
            Err(binary) => binary.into_bytes(),
        };
        files.push(File {
            path: PathBuf::from(path),
            contents,
        });
    }
    Ok(files)
}

fn fill(text: &str, name: &str, dependency: &str) -> String {
    text.replace("{{name}}", name)
        .replace("{{crate_name}}", &name.replace('-', "_"))
        .replace("{{TypeName}}", &pascal(name))
        .replace("{{sdk}}", dependency)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_put_into_contents_and_file_names() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(dir.path().join("src")).expect("made");
        std::fs::write(
            dir.path().join("Cargo.toml.in"),
            "name = \"{{name}}\"\nsdk = {{sdk}}",
        )
        .expect("written");
        std::fs::write(
            dir.path().join("src/{{crate_name}}.rs"),
            "struct {{TypeName}};",
        )
        .expect("written");
        let files = files(dir.path(), "my-module", "\"1\"").expect("reads");
        let file = |path: &str, text: &str| File {
            path: path.into(),
            contents: text.into(),
        };
        assert_eq!(
            files,
            [
                file("Cargo.toml", "name = \"my-module\"\nsdk = \"1\""),
                file("src/my_module.rs", "struct MyModule;")
            ]
        );
    }
}
