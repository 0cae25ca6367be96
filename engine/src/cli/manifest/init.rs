//! `init`: a new module.

use std::path::{Path, PathBuf};

use serde_json::{Map, json};

use crate::api::model::kebab;
use crate::client::Failure;
use crate::module::git::Reference;

use super::super::args;
use super::change;
use super::file::{self, ENGINE_VERSION, Manifest};
use super::template::{self, File};

pub fn run(options: &args::Init) -> Result<(), Failure> {
    let workdir = std::env::current_dir()?;
    let dir = init(&workdir, options)?;
    eprintln!("made a module in `{}`", dir.display());
    Ok(())
}

fn init(workdir: &Path, options: &args::Init) -> Result<PathBuf, Failure> {
    let dir = crate::client::paths::normal(&workdir.join(&options.path));
    let name = match (&options.name, dir.file_name()) {
        (Some(name), _) => name.clone(),
        (None, Some(name)) => kebab(&name.to_string_lossy()),
        (None, None) => {
            return Err(Failure::new(
                "the root directory gives no name: choose one with `--name`",
            ));
        }
    };
    let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(valid) {
        let message = format!("`{name}` cannot be the name of a module");
        return Err(Failure::new(format!(
            "{message}: expected small letters, digits and dashes; see `--name`"
        )));
    }
    let mut fields = Map::new();
    fields.insert("name".into(), name.clone().into());
    fields.insert("engineVersion".into(), ENGINE_VERSION.into());
    let mut files = Vec::new();
    if let Some(sdk) = &options.sdk {
        let source = match Reference::read(sdk, workdir)? {
            Some(reference) => reference.to_string(),
            None => local_sdk(workdir, &dir, sdk, &name, &mut files)?,
        };
        fields.insert("sdk".into(), json!({ "source": source }));
        if let Some(include) = cargo_workspace(&dir) {
            fields.insert("include".into(), json!(include));
        }
    }
    let manifest = Manifest {
        dir: dir.clone(),
        fields,
    };
    files.insert(
        0,
        File {
            path: file::NAME.into(),
            contents: manifest.text().into_bytes(),
        },
    );
    if let Some(there) = files.iter().find(|f| dir.join(&f.path).exists()) {
        let path = dir.join(&there.path);
        return Err(Failure::new(format!(
            "`{}` is there already: a new module does not replace it",
            path.display()
        )));
    }
    write(&dir, &files)?;
    Ok(dir)
}

/// Notes the files of the SDK's template; gives the way to the SDK.
fn local_sdk(
    workdir: &Path,
    dir: &Path,
    sdk: &str,
    name: &str,
    files: &mut Vec<File>,
) -> Result<String, Failure> {
    let path = workdir.join(sdk).canonicalize();
    let path = path.map_err(|e| Failure::new(format!("cannot use the SDK `{sdk}`: {e}")))?;
    if !path.join(file::NAME).exists() {
        return Err(Failure::new(format!(
            "cannot use the SDK `{sdk}`: there is no {} in it",
            file::NAME
        )));
    }
    files.extend(template::files(&path.join("template"), name)?);
    files.retain(|f| f.path != Path::new(file::NAME));
    Ok(file::relative(&real(dir), &path))
}

/// The directory without links, also while its last parts do not exist.
fn real(dir: &Path) -> PathBuf {
    for there in dir.ancestors() {
        if let (Ok(real), Ok(rest)) = (there.canonicalize(), dir.strip_prefix(there)) {
            return real.join(rest);
        }
    }
    dir.to_owned()
}

/// The files of the cargo workspace around a directory, up to its repository.
fn cargo_workspace(dir: &Path) -> Option<Vec<String>> {
    let dir = real(dir);
    let context = file::context(&dir).to_owned();
    let is_workspace = |d: &&Path| {
        let text = std::fs::read_to_string(d.join("Cargo.toml")).unwrap_or_default();
        text.parse::<toml::Table>()
            .is_ok_and(|table| table.contains_key("workspace"))
    };
    let root = dir
        .ancestors()
        .skip(1)
        .take_while(|d| d.starts_with(&context))
        .find(is_workspace)?;
    let up = file::relative(&dir, root);
    Some(
        ["Cargo.toml", "Cargo.lock"]
            .iter()
            .map(|name| format!("{up}/{name}"))
            .collect(),
    )
}

/// Writes the files; those that were written go when one cannot be.
fn write(dir: &Path, files: &[File]) -> Result<(), Failure> {
    for (i, file) in files.iter().enumerate() {
        if let Err(failure) = change::replace(&dir.join(&file.path), &file.contents) {
            for written in &files[..i] {
                // The first failure is the one to be told.
                let _ = std::fs::remove_file(dir.join(&written.path));
            }
            return Err(failure);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(path: &str, sdk: Option<&str>) -> args::Init {
        args::Init {
            name: None,
            sdk: sdk.map(str::to_owned),
            path: path.into(),
        }
    }

    #[test]
    fn a_module_gets_its_manifest_and_the_files_of_the_template() {
        let root = tempfile::tempdir().expect("a directory");
        let at = |path: &str| root.path().join(path);
        std::fs::create_dir_all(at("sdk/template/src")).expect("made");
        std::fs::create_dir(at(".git")).expect("made");
        std::fs::write(at("sdk/dagger.json"), "{}").expect("written");
        std::fs::write(at("sdk/template/src/lib.rs"), "struct {{TypeName}};").expect("written");
        std::fs::write(at("Cargo.toml"), "[workspace]\nmembers = []\n").expect("written");
        init(root.path(), &options("modules/my-mod", Some("sdk"))).expect("makes it");
        let text = std::fs::read_to_string(at("modules/my-mod/dagger.json")).expect("there");
        let want = json!({
            "name": "my-mod",
            "engineVersion": ENGINE_VERSION,
            "sdk": {"source": "../../sdk"},
            "include": ["../../Cargo.toml", "../../Cargo.lock"],
        });
        assert_eq!(
            text,
            serde_json::to_string_pretty(&want).expect("JSON") + "\n"
        );
        let code = std::fs::read_to_string(at("modules/my-mod/src/lib.rs")).expect("there");
        assert_eq!(code, "struct MyMod;");
    }

    #[test]
    fn a_module_that_is_there_is_left_alone() {
        let root = tempfile::tempdir().expect("a directory");
        init(root.path(), &options("m", None)).expect("makes it");
        let error = init(root.path(), &options("m", None)).expect_err("there already");
        assert!(error.message.contains("is there already"), "{error}");
    }
}
