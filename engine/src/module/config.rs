//! `dagger.json`: what a module is called, needs and is made of.

use std::path::{Component, Path, PathBuf};

use eyre::{Result, WrapErr, bail};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value as Json};

use crate::graph::engine::clean;

/// The name of the file.
pub const FILE: &str = "dagger.json";

/// A `dagger.json`. Keys that do not concern us are passed over.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Config {
    pub name: String,
    pub engine_version: String,
    pub sdk: Option<Sdk>,
    /// Directory of the code, relative to the file.
    pub source: Option<String>,
    /// More files that the module is made from, relative to the file.
    pub include: Vec<String>,
    /// Becomes `!pattern` among these.
    exclude: Vec<String>,
    pub dependencies: Vec<Dependency>,
    pub toolchains: Vec<Dependency>,
    /// A module that stands for this one.
    pub blueprint: Option<Dependency>,
    pub disable_default_function_caching: bool,
}

/// What turns the code into a module.
#[derive(Clone, Debug, Default)]
pub struct Sdk {
    pub source: String,
    pub config: Map<String, Json>,
    /// Whether it opens a terminal before the module runs.
    pub debug: bool,
}

impl<'de> Deserialize<'de> for Sdk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Name(String),
            Full {
                source: String,
                #[serde(default)]
                config: Map<String, Json>,
                #[serde(default)]
                debug: bool,
            },
        }
        Ok(match Form::deserialize(deserializer)? {
            Form::Name(source) => Self {
                source,
                ..Self::default()
            },
            Form::Full {
                source,
                config,
                debug,
            } => Self {
                source,
                config,
                debug,
            },
        })
    }
}

/// Another module that this one uses.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Dependency {
    pub name: String,
    /// A path relative to the file, or a git reference.
    pub source: String,
    /// Commit that a git reference was resolved to.
    pub pin: String,
    /// Patterns of what `check`, `generate` and `up` pass over in a toolchain.
    pub ignore_checks: Vec<String>,
    pub ignore_generators: Vec<String>,
    pub ignore_services: Vec<String>,
    /// Ports of the host for services of a toolchain, as `3000:80`.
    pub port_mappings: std::collections::BTreeMap<String, Vec<String>>,
    /// Other defaults for arguments of a toolchain.
    pub customizations: Vec<Customization>,
}

/// Another default for an argument.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Customization {
    /// Functions on the way to it from the main object; none is the constructor.
    pub function: Vec<String>,
    pub argument: String,
    pub default: String,
    pub default_path: String,
    pub default_address: String,
    pub ignore: Vec<String>,
}

impl Config {
    /// Reads the file in a directory.
    pub fn read(dir: &Path) -> Result<Self> {
        let path = dir.join(FILE);
        let text = std::fs::read_to_string(&path)
            .wrap_err_with(|| format!("cannot read `{}`", path.display()))?;
        Self::parse(&text, &path)
    }

    /// Reads the text of one; `path` is for errors.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let mut config: Self = serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let cause = error.to_string();
            let cause = cause
                .split(" at line ")
                .next()
                .unwrap_or_default()
                .to_owned();
            eyre::eyre!("cannot read `{}:{line}:{column}`: {cause}", path.display())
        })?;
        config.take_in_excluded();
        config.check(path)?;
        Ok(config)
    }

    /// Reads the fields of one that may be unfinished.
    pub fn of_fields(fields: &Map<String, Json>) -> Result<Self> {
        let mut config: Self = serde_json::from_value(Json::Object(fields.clone()))?;
        config.take_in_excluded();
        Ok(config)
    }

    /// The older spelling.
    fn take_in_excluded(&mut self) {
        let excluded = std::mem::take(&mut self.exclude);
        let excluded = excluded.into_iter().map(|pattern| format!("!{pattern}"));
        self.include.extend(excluded);
    }

    /// Refuses what is no module; `path` is for errors.
    fn check(&self, path: &Path) -> Result<()> {
        let beside = [
            ("sdk", self.sdk.is_some()),
            ("dependencies", !self.dependencies.is_empty()),
            ("source", self.source.is_some()),
        ];
        if self.blueprint.is_some()
            && let Some((key, _)) = beside.iter().find(|(_, is_there)| *is_there)
        {
            bail!(
                "cannot use `{}`: `blueprint` and `{key}` can't both be set",
                path.display()
            );
        }
        // It is part of paths.
        if self.name.contains(['/', '\0']) || self.name.starts_with('.') {
            bail!(
                "cannot read `{}`: `{}` is no name of a module",
                path.display(),
                self.name
            );
        }
        let source = self.source.as_deref().unwrap_or_default();
        let is_outside =
            |part: Component| !matches!(part, Component::Normal(_) | Component::CurDir);
        if Path::new(source).components().any(is_outside) {
            bail!(
                "cannot read `{}`: `source` is `{source}`; expected a directory inside of the module",
                path.display()
            );
        }
        if self.name.is_empty() {
            bail!(
                "cannot read `{}`: `name` is missing; give the module a name",
                path.display()
            );
        }
        Ok(())
    }

    /// Where the code of the module in `dir` is.
    pub fn code(&self, dir: &Path) -> PathBuf {
        match self.source.as_deref() {
            None | Some("" | ".") => dir.to_owned(),
            Some(source) => clean(&dir.join(source)),
        }
    }

    /// The dependency of that name.
    pub fn dependency(&self, name: &str) -> Option<&Dependency> {
        self.dependencies.iter().find(|found| found.name == name)
    }

    /// The dependency or toolchain of that name.
    pub fn related(&self, name: &str) -> Option<&Dependency> {
        self.dependencies
            .iter()
            .chain(&self.toolchains)
            .find(|dependency| dependency.name == name)
    }
}

/// The nearest directory from `start` upward that holds `name`.
pub fn find_up(start: &Path, name: &str) -> Option<PathBuf> {
    start
        .ancestors()
        .find(|dir| dir.join(name).exists())
        .map(Path::to_owned)
}

/// The root of what may belong to a module or workspace in `dir`: the root of
/// the git repository, or the directory itself.
pub fn context(dir: &Path) -> PathBuf {
    find_up(dir, ".git").unwrap_or_else(|| dir.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), text).unwrap();
        Config::read(dir.path())
    }

    #[test]
    fn an_sdk_is_a_name_or_an_object() {
        let config = read(r#"{"name": "a", "sdk": "dang"}"#).unwrap();
        assert_eq!(config.sdk.unwrap().source, "dang");
        let config =
            read(r#"{"name": "a", "sdk": {"source": "../sdk", "config": {"prebuilt": "x"}}}"#)
                .unwrap();
        assert_eq!(config.sdk.unwrap().config["prebuilt"], "x");
    }

    #[test]
    fn code_is_in_the_directory_that_source_names_and_never_outside() {
        let code = |text: &str| read(text).map(|config| config.code(Path::new("/m")));
        let sdk = |source: &str| format!(r#"{{"name": "a", "sdk": "x", "source": "{source}"}}"#);
        assert_eq!(code(&sdk(".dagger")).unwrap(), Path::new("/m/.dagger"));
        assert_eq!(code(&sdk(".")).unwrap(), Path::new("/m"));
        assert_eq!(code(r#"{"name": "a"}"#).unwrap(), Path::new("/m"));
        for outside in ["..", "a/../..", "/etc"] {
            let error = code(&sdk(outside)).unwrap_err().to_string();
            assert!(error.contains("`source`"), "{error}");
        }
    }

    #[test]
    fn what_is_excluded_is_no_part_of_the_module() {
        let config = read(r#"{"name": "a", "include": ["../lib"], "exclude": ["docs/**"]}"#);
        assert_eq!(config.unwrap().include, ["../lib", "!docs/**"]);
    }

    #[test]
    fn a_blueprint_leaves_no_room_for_code_of_its_own() {
        let with = |more: &str| {
            let blueprint = r#""blueprint": {"name": "b", "source": "../b"}"#;
            read(&format!(r#"{{"name": "a", {blueprint}{more}}}"#))
        };
        let config = with(r#", "toolchains": [{"name": "c", "source": "../c"}]"#).unwrap();
        assert_eq!(config.blueprint.unwrap().source, "../b");
        for (key, more) in [
            ("sdk", r#", "sdk": {"source": "../sdk"}"#),
            ("dependencies", r#", "dependencies": [{"name": "c"}]"#),
            ("source", r#", "source": "src""#),
        ] {
            let error = with(more).unwrap_err().to_string();
            assert!(
                error.contains(&format!("`blueprint` and `{key}` can't both be set")),
                "{error}"
            );
        }
    }

    #[test]
    fn a_broken_file_is_named_with_the_place() {
        let error = read(r#"{"name": "../a"}"#).unwrap_err().to_string();
        assert!(error.contains("no name"), "{error}");
        let error = read("{\n  \"name\": \"a\",\n  \"include\": 3\n}")
            .unwrap_err()
            .to_string();
        assert!(error.contains("dagger.json:3:"), "{error}");
    }
}
