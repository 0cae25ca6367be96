//! `poniard.toml`: image recipes, and how registries are reached. Its own
//! comments say what it may hold.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use eyre::{Result, WrapErr};
use oci_client::Reference;
use serde::Deserialize;

use crate::store::pattern::Pattern;

#[derive(Debug, Default)]
pub(super) struct Settings {
    recipes: Vec<(Name, Recipe)>,
    pub registry: Registry,
    /// The file, for messages.
    pub path: PathBuf,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    image: Vec<Recipe>,
    #[serde(default)]
    registry: Registry,
}

/// How to make an image.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recipe {
    pub name: String,
    pub script: PathBuf,
    #[serde(default)]
    pub args: Vec<String>,
    pub from: Option<String>,
    pub builder: Option<String>,
    pub inputs: Option<PathBuf>,
    #[serde(default)]
    pub caches: Vec<PathBuf>,
    #[serde(default)]
    pub env: Vec<String>,
    pub entrypoint: Option<Vec<String>>,
    pub cmd: Option<Vec<String>>,
    pub workdir: Option<String>,
    pub user: Option<String>,
    #[serde(default)]
    pub exposed_ports: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Registry {
    /// By registry host: the host (and path) to ask first.
    #[serde(default)]
    pub mirrors: BTreeMap<String, String>,
    /// Hosts that are spoken to without TLS.
    #[serde(default)]
    pub insecure: Vec<String>,
}

/// A name of an image, whose tag may be a pattern.
#[derive(Debug)]
struct Name {
    repository: String,
    tag: Pattern,
}

impl Settings {
    /// Reads the file. Paths in it are relative to its directory.
    pub fn read(path: &Path) -> Result<Self> {
        let problem = || format!("cannot read `{}`", path.display());
        let text = std::fs::read_to_string(path).wrap_err_with(problem)?;
        let file: File = toml::from_str(&text).wrap_err_with(problem)?;
        let dir = path
            .parent()
            .unwrap_or(Path::new(""))
            .canonicalize()
            .wrap_err_with(problem)?;
        let mut recipes = Vec::new();
        for mut recipe in file.image {
            let name = Name::parse(&recipe.name).wrap_err_with(problem)?;
            recipe.script = dir.join(&recipe.script);
            recipe.inputs = recipe.inputs.map(|inputs| dir.join(inputs));
            recipe.check().wrap_err_with(problem)?;
            recipes.push((name, recipe));
        }
        Ok(Self {
            recipes,
            registry: file.registry,
            path: path.to_owned(),
        })
    }

    /// The recipe for a name; an exact one before the first pattern that matches.
    pub fn recipe(&self, reference: &Reference) -> Option<Recipe> {
        // With a digest, one particular image is meant.
        let (tag, None) = (reference.tag()?, reference.digest()) else {
            return None;
        };
        let repository = format!("{}/{}", reference.registry(), reference.repository());
        let of_it = |(name, _): &&(Name, Recipe)| name.repository == repository;
        let mut recipes = self.recipes.iter().filter(of_it);
        let exact = recipes
            .clone()
            .find(|(name, _)| name.tag.literal() == Some(tag));
        let found = exact.or_else(|| recipes.find(|(name, _)| name.tag.matches(tag)));
        found.map(|(_, recipe)| recipe.clone())
    }
}

impl Name {
    fn parse(text: &str) -> Result<Self> {
        let (name, tag) = match text.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (text, "latest"),
        };
        let reference = super::reference::parse(name)?;
        let Some(tag) = Pattern::parse(tag)? else {
            eyre::bail!("cannot use `{text}` as the name of an image: the tag is empty");
        };
        let repository = format!("{}/{}", reference.registry(), reference.repository());
        Ok(Self { repository, tag })
    }
}

impl Recipe {
    fn check(&self) -> Result<()> {
        let name = &self.name;
        if !self.script.is_file() {
            eyre::bail!(
                "image `{name}`: there is no script `{}`",
                self.script.display()
            );
        }
        if let Some(inputs) = &self.inputs
            && !self.script.starts_with(inputs)
        {
            eyre::bail!("image `{name}`: `script` is not inside of `inputs`");
        }
        if self.builder.is_some() && self.from.is_none() {
            eyre::bail!(
                "image `{name}`: `builder` needs `from`, the image that the result is laid on"
            );
        }
        if let Some(variable) = self.env.iter().find(|variable| !variable.contains('=')) {
            eyre::bail!("image `{name}`: expected `NAME=value` in `env`, not `{variable}`");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings> {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join("make.sh"), "").expect("writes");
        let path = dir.path().join("poniard.toml");
        std::fs::write(&path, text).expect("writes");
        Settings::read(&path)
    }

    #[test]
    fn an_exact_name_comes_before_a_pattern_and_spelling_does_not_matter() {
        let recipe = |name: &str, arg: &str| {
            format!("[[image]]\nname = \"{name}\"\nscript = \"make.sh\"\nargs = [\"{arg}\"]\n")
        };
        let text = [
            recipe("oven/bun:1*", "pattern"),
            recipe("docker.io/oven/bun:1.2", "exact"),
            recipe("oven/bun", "latest"),
            recipe("localhost:5000/x", "local"),
        ];
        let settings = read(&text.concat()).expect("reads");
        for (name, expected) in [
            ("oven/bun:1.3", Some("pattern")),
            ("oven/bun:1.2", Some("exact")),
            ("docker.io/oven/bun:1", Some("pattern")),
            ("oven/bun", Some("latest")),
            ("oven/bun:2", None),
            ("localhost:5000/x:latest", Some("local")),
            ("other/bun:1", None),
            (&format!("oven/bun@sha256:{}", "0".repeat(64)), None),
        ] {
            let reference = super::super::reference::parse(name).expect(name);
            let found = settings
                .recipe(&reference)
                .map(|recipe| recipe.args.concat());
            assert_eq!(found.as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn what_it_does_not_know_is_refused_with_the_line() {
        for (text, expected) in [
            (
                "[registry]\n[[image]]\nname = \"a\"\nscirpt = \"make.sh\"",
                "line 4",
            ),
            ("[registy]", "registy"),
            ("[[image]]\nname = \"a b\"\nscript = \"make.sh\"", "`a b`"),
            ("[[image]]\nname = \"a\"\nscript = \"none.sh\"", "none.sh"),
            (
                "[[image]]\nname = \"a\"\nscript = \"make.sh\"\nenv = [\"X\"]",
                "`X`",
            ),
            (
                "[[image]]\nname = \"a\"\nscript = \"make.sh\"\nbuilder = \"b\"",
                "`from`",
            ),
        ] {
            let error = format!("{:#}", read(text).expect_err(expected));
            assert!(
                error.contains(expected) && error.contains("poniard.toml"),
                "{error}"
            );
        }
    }
}
