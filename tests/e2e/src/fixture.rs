//! Modules and sites that tests work on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use test_support::repository;
use toml::{Table, Value};

use crate::place::Place;

/// The sink module of the conformance cases.
pub fn sink() -> PathBuf {
    repository().join("tests/conformance/sink")
}

/// A module of this repository.
pub fn module(name: &str) -> PathBuf {
    repository().join("modules").join(name)
}

/// A place with a module in Rust named `greeter` that has the given source, in a
/// workspace with a copy of the SDK.
pub fn greeter(source: &str) -> (Place, PathBuf) {
    greeter_with(source, &[])
}

/// The same with copies of modules of this repository, which it depends on.
pub fn greeter_with(source: &str, dependencies: &[&str]) -> (Place, PathBuf) {
    let place = Place::at_fixed_path("greeter");
    let root = repository();
    copy_tracked(&place, "sdk");
    for name in dependencies {
        copy_tracked(&place, &format!("modules/{name}"));
    }
    if !dependencies.is_empty() {
        copy_tracked(&place, "modules/readme.rs");
    }
    place.write(
        "Cargo.lock",
        fs::read(root.join("Cargo.lock")).expect("a lock file"),
    );
    let modules = dependencies.iter().map(|name| format!("modules/{name}"));
    let members: Vec<String> = ["greeter".to_owned()].into_iter().chain(modules).collect();
    place.write("Cargo.toml", workspace(&members));
    place.write(
        "greeter/Cargo.toml",
        "[package]\nname = \"greeter\"\nversion = \"0.1.0\"\nedition.workspace = true\n\n\
         [dependencies]\nponiard-sdk.workspace = true\n",
    );
    let context = [
        "Cargo.toml",
        "Cargo.lock",
        "sdk/poniard-macros",
        "sdk/poniard-sdk",
    ];
    let types = dependencies
        .iter()
        .map(|name| format!("modules/{name}/dagger.types.json"));
    let include: Vec<String> = context
        .map(str::to_owned)
        .into_iter()
        .chain(types)
        .map(|name| format!("\"../{name}\""))
        .collect();
    let include = include.join(", ");
    let needed: Vec<String> = dependencies
        .iter()
        .map(|name| format!("{{ \"name\": \"{name}\", \"source\": \"../modules/{name}\" }}"))
        .collect();
    let needed = needed.join(", ");
    place.write(
        "greeter/dagger.json",
        format!("{{ \"name\": \"greeter\", \"engineVersion\": \"v0.21.8\", \"sdk\": {{ \"source\": \"../sdk\" }}, \"include\": [{include}], \"dependencies\": [{needed}] }}\n"),
    );
    place.write(
        "greeter/src/main.rs",
        "poniard_sdk::main!(greeter::Greeter);\n",
    );
    place.write("greeter/src/lib.rs", source);
    let module = place.path("greeter");
    (place, module)
}

/// A source for [`greeter`] whose function `greet` has this body.
pub fn greet(body: &str) -> String {
    format!(
        "use poniard_sdk::prelude::*;\n\n/// Greets.\n#[object]\npub struct Greeter {{}}\n\n\
         #[functions]\nimpl Greeter {{\n    /// Greets.\n    pub fn greet(&self) -> String {{\n        {body}\n    }}\n}}\n"
    )
}

/// Copies files of this repository that git knows.
pub fn copy_tracked(place: &Place, path: &str) {
    let root = repository();
    let listed = Command::new("git")
        .args(["ls-files", path])
        .current_dir(&root)
        .output();
    for name in String::from_utf8_lossy(&listed.expect("a list").stdout).lines() {
        place.write(name, fs::read(root.join(name)).expect("a tracked file"));
        // Cargo goes by the time of a file.
        let time = |path: &Path| fs::metadata(path)?.modified();
        let copy = fs::File::options().append(true).open(place.path(name));
        let kept = time(&root.join(name)).and_then(|time| copy?.set_modified(time));
        kept.expect("the time of a file");
    }
}

/// The repository's workspace with these members, and the SDK.
pub fn workspace(members: &[String]) -> String {
    let text = fs::read_to_string(repository().join("Cargo.toml")).expect("a manifest");
    let mut manifest: Table = text.parse().expect("a manifest");
    let workspace = manifest.get_mut("workspace").and_then(Value::as_table_mut);
    let workspace = workspace.expect("a workspace");
    let sdk = ["sdk/poniard-macros", "sdk/poniard-sdk"].map(str::to_owned);
    let members: Vec<Value> = members
        .iter()
        .cloned()
        .chain(sdk)
        .map(Value::from)
        .collect();
    workspace.insert("members".into(), members.into());
    workspace.remove("default-members");
    manifest.to_string()
}

/// A site with a dependency, and this script as its build.
pub fn site(place: &Place, build: &str) {
    site_in(place, ".", build);
}

/// The same in a directory.
pub fn site_in(place: &Place, dir: &str, build: &str) {
    let package = format!(
        r#"{{ "name": "site", "private": true, "workspaces": ["part"], "dependencies": {{ "part": "workspace:*" }}, "scripts": {{ "build": "{build}" }} }}"#
    );
    place.write(&format!("{dir}/package.json"), package);
    place.write(
        &format!("{dir}/part/package.json"),
        r#"{ "name": "part", "version": "1.0.0" }"#,
    );
    place.write(
        &format!("{dir}/bun.lock"),
        r#"{
  "lockfileVersion": 1,
  "workspaces": {
    "": {
      "name": "site",
      "dependencies": {
        "part": "workspace:*",
      },
    },
    "part": {
      "name": "part",
      "version": "1.0.0",
    },
  },
  "packages": {
    "part": ["part@workspace:part"],
  }
}
"#,
    );
}
