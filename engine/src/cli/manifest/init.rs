//! `init`: a new module.

use std::path::{Path, PathBuf};

use serde_json::{Map, json};

use crate::api::model::kebab;
use crate::client::Failure;

use super::super::args;
use super::change;
use super::entry;
use super::file::{self, ENGINE_VERSION, Entry, Manifest};
use super::sdk::Sdk;
use super::template::{self, File};

pub fn run(options: &args::Init) -> Result<(), Failure> {
    let workdir = std::env::current_dir()?;
    let dir = init(&workdir, options)?;
    eprintln!("made a module in `{}`", dir.display());
    Ok(())
}

fn init(workdir: &Path, options: &args::Init) -> Result<PathBuf, Failure> {
    let dir = crate::client::paths::normal(&workdir.join(&options.path));
    let name = name(options, &dir)?;
    if dir.join(file::NAME).exists() {
        let path = dir.join(file::NAME);
        return Err(Failure::new(format!(
            "`{}` is there already: a new module does not replace it",
            path.display()
        )));
    }
    if options.sdk.is_some() && options.blueprint.is_some() {
        return Err(Failure::new(
            "cannot specify both --sdk and --blueprint; use one or the other",
        ));
    }
    let mut fields = Map::new();
    fields.insert("name".into(), name.clone().into());
    fields.insert("engineVersion".into(), ENGINE_VERSION.into());
    let mut files = Vec::new();
    let mut include = options.include.clone();
    if let Some(sdk) = &options.sdk {
        let source = source(workdir, &dir, options.source.as_deref())?;
        let code = dir.join(&source);
        let sdk = Sdk::find(sdk, workdir, &dir, &code)?;
        fields.insert("sdk".into(), json!({ "source": sdk.source }));
        if source != "." {
            fields.insert("source".into(), source.clone().into());
        }
        // A crate that is there is one in another stage, not to be mended.
        if !code.join("Cargo.toml").exists() {
            crate_name(&name)?;
            files = crate_files(&sdk, &name, Path::new(&source))?;
            files.retain(|file| !dir.join(&file.path).exists());
        }
        include.extend(sdk.include);
    } else if options.source.is_some() {
        return Err(Failure::new(
            "`--source` is where an SDK finds its code: say which with `--sdk`",
        ));
    }
    if !include.is_empty() {
        fields.insert("include".into(), json!(include));
    }
    if let Some(blueprint) = &options.blueprint {
        let entry = self::blueprint(workdir, &dir, blueprint)?;
        fields.insert("blueprint".into(), entry.item().into());
    }
    let manifest = Manifest {
        dir: dir.clone(),
        fields,
    };
    files.push(File {
        path: file::NAME.into(),
        contents: manifest.text().into_bytes(),
    });
    write(&dir, &files)?;
    Ok(dir)
}

/// What `dagger.json` in `dir` says of a blueprint.
fn blueprint(workdir: &Path, dir: &Path, typed: &str) -> Result<Entry, Failure> {
    let is_new = !dir.exists();
    std::fs::create_dir_all(dir)?;
    let manifest = Manifest {
        dir: dir.to_owned(),
        fields: Map::new(),
    };
    let found = entry::find(&manifest, workdir, typed);
    if is_new && found.is_err() {
        // The first failure is the one to be told.
        let _ = std::fs::remove_dir(dir);
    }
    Ok(found?.entry)
}

/// The name that is asked for, or that of the directory.
fn name(options: &args::Init, dir: &Path) -> Result<String, Failure> {
    let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let name = match (&options.name, dir.file_name()) {
        (Some(name), _) => name.clone(),
        (None, Some(name)) => {
            let name = name.to_string_lossy();
            if name.chars().all(valid) {
                name.into_owned()
            } else {
                kebab(&name)
            }
        }
        (None, None) => {
            return Err(Failure::new(
                "the root directory gives no name: choose one with `--name`",
            ));
        }
    };
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(valid) {
        let message = format!("`{name}` cannot be the name of a module");
        return Err(Failure::new(format!(
            "{message}: expected small letters, digits and dashes; see `--name`"
        )));
    }
    Ok(name)
}

/// Words of Rust and names of its own crates, which no crate can have.
const NO_CRATES: &str = "abstract alloc as async await become box break const continue core crate \
    deps do dyn else enum extern false final fn for gen if impl in let loop macro match mod move mut \
    override poniard-macros poniard-sdk priv proc-macro pub ref return self static std struct super \
    test trait true try type typeof unsafe unsized use virtual where while yield";

fn crate_name(name: &str) -> Result<(), Failure> {
    if NO_CRATES.split_whitespace().any(|word| word == name) {
        return Err(Failure::new(format!(
            "`{name}` cannot be the name of a module in Rust, where it has a meaning: choose another with `--name`"
        )));
    }
    Ok(())
}

/// Where the code goes, relative to the module: beside files of another purpose
/// into a directory of its own, as with Dagger.
fn source(workdir: &Path, dir: &Path, asked: Option<&Path>) -> Result<String, Failure> {
    let Some(asked) = asked else {
        return Ok(inferred(dir)?.to_owned());
    };
    let path = crate::client::paths::normal(&workdir.join(asked));
    match path.strip_prefix(dir) {
        Ok(inside) if inside.as_os_str().is_empty() => Ok(".".to_owned()),
        Ok(inside) => Ok(inside.to_string_lossy().into_owned()),
        Err(_) => Err(Failure::new(format!(
            "cannot use the source `{}`: it is not inside of the module `{}`",
            asked.display(),
            dir.display()
        ))),
    }
}

fn inferred(dir: &Path) -> Result<&'static str, Failure> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok("."),
        Err(error) => {
            let dir = dir.display();
            return Err(Failure::new(format!("cannot read `{dir}`: {error}")));
        }
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    let counts = |name: &String| name == ".dagger" || !name.starts_with('.');
    Ok(if names.iter().any(counts) {
        ".dagger"
    } else {
        "."
    })
}

/// The files of the SDK's template, and the versions that it is tested with.
fn crate_files(sdk: &Sdk, name: &str, source: &Path) -> Result<Vec<File>, Failure> {
    let mut files = template::files(&sdk.template(), name, &sdk.dependency)?;
    if !files.is_empty()
        && let Some(contents) = sdk.lock_file()
    {
        files.push(File {
            path: "Cargo.lock".into(),
            contents,
        });
    }
    for file in &mut files {
        let path = source.join(&file.path);
        file.path = path.strip_prefix(".").map_or(path.clone(), Path::to_owned);
    }
    Ok(files)
}

/// Writes the files; those that were written go when one cannot be.
fn write(dir: &Path, files: &[File]) -> Result<(), Failure> {
    for (i, file) in files.iter().enumerate() {
        if let Err(failure) = change::write(&dir.join(&file.path), &file.contents) {
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
            blueprint: None,
            source: None,
            include: Vec::new(),
            path: path.into(),
        }
    }

    /// A repository with an SDK in a cargo workspace.
    fn repository() -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a directory");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(path, text).expect("written");
        };
        std::fs::create_dir(root.path().join(".git")).expect("made");
        write("sdk/dagger.json", "{}");
        write("sdk/template/Cargo.toml.in", "poniard-sdk = {{sdk}}");
        write("sdk/template/src/lib.rs", "struct {{TypeName}};");
        write("Cargo.toml", "[workspace]\nmembers = []\n");
        write("Cargo.lock", "version = 4\n");
        root
    }

    fn read(root: &tempfile::TempDir, path: &str) -> String {
        std::fs::read_to_string(root.path().join(path)).expect(path)
    }

    #[test]
    fn a_module_gets_its_manifest_and_the_files_of_the_template() {
        let root = repository();
        let made = options("modules/my-2nd", Some("../../sdk"));
        init(root.path(), &made).expect("makes it");
        let want = json!({
            "name": "my-2nd",
            "engineVersion": ENGINE_VERSION,
            "sdk": {"source": "../../sdk"},
            "include": [
                "../../Cargo.toml", "../../Cargo.lock",
                "../../sdk/poniard-macros/Cargo.toml", "../../sdk/poniard-macros/src",
                "../../sdk/poniard-sdk/Cargo.toml", "../../sdk/poniard-sdk/src",
            ],
        });
        let text = read(&root, "modules/my-2nd/dagger.json");
        assert_eq!(
            text,
            serde_json::to_string_pretty(&want).expect("JSON") + "\n"
        );
        let code = read(&root, "modules/my-2nd/src/lib.rs");
        assert_eq!(code, "struct My2Nd;");
        let manifest = read(&root, "modules/my-2nd/Cargo.toml");
        assert_eq!(
            manifest,
            r#"poniard-sdk = { path = "../../sdk/poniard-sdk" }"#
        );
        assert_eq!(read(&root, "modules/my-2nd/Cargo.lock"), "version = 4\n");
    }

    #[test]
    fn beside_other_files_the_code_has_a_directory_of_its_own() {
        let root = repository();
        let at = |path: &str| root.path().join(path);
        std::fs::create_dir_all(at("site/.dagger")).expect("made");
        std::fs::write(at("site/README.md"), "mine").expect("written");
        std::fs::create_dir_all(at("site/.dagger/src")).expect("made");
        std::fs::write(at("site/.dagger/src/lib.rs"), "mine").expect("written");
        init(root.path(), &options("site", Some("../sdk"))).expect("makes it");
        let json: serde_json::Value =
            serde_json::from_str(&read(&root, "site/dagger.json")).expect("JSON");
        assert_eq!(json["source"], ".dagger");
        let manifest = read(&root, "site/.dagger/Cargo.toml");
        assert_eq!(
            manifest,
            r#"poniard-sdk = { path = "../../sdk/poniard-sdk" }"#
        );
        assert_eq!(read(&root, "site/README.md"), "mine");
        assert_eq!(read(&root, "site/.dagger/src/lib.rs"), "mine");

        let mut made = options("shop", Some("../sdk"));
        made.source = Some("shop/ci".into());
        init(root.path(), &made).expect("makes it");
        assert_eq!(read(&root, "shop/ci/src/lib.rs"), "struct Shop;");
        made.path = "other".into();
        let error = init(root.path(), &made).expect_err("outside").message;
        assert!(error.contains("not inside of the module"), "{error}");
    }

    #[test]
    fn a_path_to_an_sdk_counts_from_the_module() {
        let root = repository();
        let error = init(root.path(), &options("a/b", Some("sdk"))).expect_err("not there");
        assert!(error.message.contains("`../../sdk`"), "{error}");
        assert!(!root.path().join("a").exists());
    }

    #[test]
    fn a_module_that_is_there_is_left_alone() {
        let root = tempfile::tempdir().expect("a directory");
        init(root.path(), &options("m", None)).expect("makes it");
        let error = init(root.path(), &options("m", None)).expect_err("there already");
        assert!(error.message.contains("is there already"), "{error}");
    }

    #[test]
    fn a_blueprint_is_listed_in_the_place_of_an_sdk() {
        let root = repository();
        std::fs::create_dir_all(root.path().join("modules/lab")).expect("made");
        let lab = r#"{"name": "the-lab"}"#;
        std::fs::write(root.path().join("modules/lab/dagger.json"), lab).expect("written");
        let made = |blueprint: &str, sdk| args::Init {
            blueprint: Some(blueprint.to_owned()),
            ..options("apps/shop", sdk)
        };
        let error = init(root.path(), &made("modules/lab", Some("../sdk"))).expect_err("both");
        assert!(
            error.message.contains("both --sdk and --blueprint"),
            "{error}"
        );
        init(root.path(), &made("modules/none", None)).expect_err("not there");
        assert!(!root.path().join("apps/shop").exists());
        init(root.path(), &made("modules/lab", None)).expect("makes it");
        let json: serde_json::Value =
            serde_json::from_str(&read(&root, "apps/shop/dagger.json")).expect("JSON");
        let want = json!({"name": "the-lab", "source": "../../modules/lab"});
        assert_eq!(json["blueprint"], want);
    }

    #[test]
    fn a_word_of_rust_is_no_name() {
        let root = repository();
        let error = init(root.path(), &options("match", Some("../sdk"))).expect_err("a word");
        assert!(error.message.contains("--name"), "{error}");
    }
}
