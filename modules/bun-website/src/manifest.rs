//! `package.json`, as far as a build needs it.

use std::collections::BTreeSet;

use poniard_sdk::prelude::*;
use poniard_sdk::serde_json::{self, Map, Value};

/// A package's manifest and what messages call it.
pub struct Manifest {
    pub file: String,
    json: Map<String, Value>,
}

/// Scripts that `bun ci` runs by itself.
const LIFECYCLE: [&str; 6] = [
    "preinstall",
    "install",
    "postinstall",
    "preprepare",
    "prepare",
    "postprepare",
];

impl Manifest {
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        match serde_json::from_str(text) {
            Ok(json) => Ok(Self {
                file: file.to_owned(),
                json,
            }),
            Err(error) => bail!("cannot read `{file}`: {error}"),
        }
    }

    /// Empty when it has none.
    pub fn name(&self) -> &str {
        self.json
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub fn has_script(&self, name: &str) -> bool {
        self.scripts().any(|script| script == name)
    }

    /// An error that lists the scripts there are, unless `name` is one.
    pub fn need_script(&self, name: &str) -> Result<()> {
        if self.has_script(name) {
            return Ok(());
        }
        let known: Vec<_> = self.scripts().map(|script| format!("`{script}`")).collect();
        let known = match known.is_empty() {
            true => "it has none".to_owned(),
            false => format!("it has {}", known.join(", ")),
        };
        bail!("no script `{name}` in `{}`: {known}", self.file)
    }

    fn scripts(&self) -> impl Iterator<Item = &str> {
        let scripts = self.json.get("scripts").and_then(Value::as_object);
        scripts.into_iter().flat_map(Map::keys).map(String::as_str)
    }

    /// Whether installing runs scripts of the package, which may need any of
    /// its files.
    pub fn has_lifecycle(&self) -> bool {
        LIFECYCLE.iter().any(|name| self.has_script(name))
    }

    pub fn has_workspaces(&self) -> bool {
        self.json.get("workspaces").is_some()
    }

    /// Files beside the manifest that installing reads: patches, and packages
    /// that are folders or archives.
    pub fn local_files(&self) -> BTreeSet<String> {
        let patches = texts(self.json.get("patchedDependencies")).map(str::to_owned);
        let groups = ["dependencies", "devDependencies", "optionalDependencies"];
        let versions = groups.iter().flat_map(|group| texts(self.json.get(*group)));
        let folders = versions.filter_map(|version| {
            let path = version
                .strip_prefix("file:")
                .or_else(|| version.starts_with('.').then_some(version))?;
            let path = path.trim_start_matches("./").trim_end_matches('/');
            let archive = [".tgz", ".tar.gz"].iter().any(|end| path.ends_with(end));
            Some(if archive {
                path.to_owned()
            } else {
                format!("{path}/**")
            })
        });
        patches.chain(folders).collect()
    }
}

/// The texts of an object's values.
fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let object = value.and_then(Value::as_object);
    object
        .into_iter()
        .flat_map(Map::values)
        .filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(text: &str) -> Manifest {
        Manifest::parse("site/package.json", text).unwrap()
    }

    #[test]
    fn a_missing_script_is_an_error_that_lists_the_others() {
        let site = manifest(r#"{ "scripts": { "dev": "astro dev", "site": "astro build" } }"#);
        assert!(site.need_script("dev").is_ok());
        let error = site.need_script("build").unwrap_err().to_string();
        assert_eq!(
            error,
            "no script `build` in `site/package.json`: it has `dev`, `site`"
        );
        let error = manifest("{}").need_script("build").unwrap_err().to_string();
        assert!(error.ends_with("it has none"), "{error}");
    }

    #[test]
    fn broken_json_is_an_error_with_its_place() {
        let error = Manifest::parse("package.json", "{\n  \"name\" 1 }")
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains("`package.json`") && error.contains("line 2"),
            "{error}"
        );
    }

    #[test]
    fn scripts_of_installing_are_noticed() {
        assert!(manifest(r#"{ "scripts": { "postinstall": "node x.js" } }"#).has_lifecycle());
        assert!(!manifest(r#"{ "scripts": { "build": "x" } }"#).has_lifecycle());
    }

    #[test]
    fn patches_and_local_packages_are_read_by_installing() {
        let site = manifest(
            r#"{
              "patchedDependencies": { "a@1.0.0": "patches/a@1.0.0.patch" },
              "dependencies": { "b": "file:./vendor/b", "c": "^1", "d": "file:d.tgz" },
              "devDependencies": { "e": "./e/" }
            }"#,
        );
        let files: Vec<_> = site.local_files().into_iter().collect();
        assert_eq!(
            files,
            ["d.tgz", "e/**", "patches/a@1.0.0.patch", "vendor/b/**"]
        );
    }
}
