//! What is released, and why it must not be.

use std::fs;
use std::path::{Path, PathBuf};

use eyre::{Result, WrapErr, bail, eyre};
use serde_json::Value;
use xshell::{Shell, cmd};

use super::{Module, Plan, changelog};

/// Refuses before anything is made.
pub fn all(sh: &Shell, plan: &Plan, version: Option<&str>, remote: Option<&str>) -> Result<()> {
    let wanted = version.map(|version| version.trim_start_matches('v'));
    if let Some(wanted) = wanted.filter(|wanted| *wanted != plan.version) {
        bail!(
            "version `{wanted}` is not that of Cargo.toml, `{}`: change `workspace.package.version` first",
            plan.version
        );
    }
    let dirty = cmd!(sh, "git status --porcelain").quiet().read()?;
    if !dirty.is_empty() {
        bail!("the checkout has changes that are not committed:\n{dirty}");
    }
    for tag in plan.tags() {
        if !cmd!(sh, "git tag --list {tag}").quiet().read()?.is_empty() {
            bail!(
                "tag `{tag}` exists: version {} is released already",
                plan.version
            );
        }
    }
    if let Some(remote) = remote {
        let tags = plan.tags();
        let found = cmd!(sh, "git ls-remote --tags {remote} {tags...}")
            .quiet()
            .read()?;
        if let Some((_, tag)) = found.lines().next().and_then(|line| line.split_once('\t')) {
            bail!(
                "`{remote}` has {tag}: version {} is released already",
                plan.version
            );
        }
    }
    let text = sh
        .read_file("CHANGELOG.md")
        .wrap_err("cannot read `CHANGELOG.md`")?;
    changelog::released(&text, &plan.version, "0000-00-00")?;
    Ok(())
}

/// The version in the workspace's manifest.
pub fn version(root: &Path) -> Result<String> {
    let path = root.join("Cargo.toml");
    let text =
        fs::read_to_string(&path).wrap_err_with(|| format!("cannot read `{}`", path.display()))?;
    let manifest: toml::Table = text
        .parse()
        .wrap_err_with(|| format!("cannot read `{}`", path.display()))?;
    let version = manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("package")?.get("version")?.as_str());
    let version =
        version.ok_or_else(|| eyre!("`{}` has no `workspace.package.version`", path.display()))?;
    Ok(version.to_owned())
}

/// The modules that the root's dagger.json lists, with the keys of their sources.
pub fn modules(sh: &Shell, root: &Path) -> Result<Vec<Module>> {
    let tracked = cmd!(sh, "git ls-files -z").quiet().read()?;
    let tracked: Vec<&str> = tracked.split_terminator('\0').collect();
    let listed = json(&root.join("dagger.json"))?;
    let listed = listed["dependencies"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let mut modules = Vec::new();
    for dir in listed.iter().filter_map(|entry| entry["source"].as_str()) {
        let path = root.join(dir);
        let config = json(&path.join("dagger.json"))?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let include: Vec<String> = config["include"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(text)
            .collect();
        // What git ignores is there on no other machine.
        let is_tracked = |file: &PathBuf| {
            let name = file.strip_prefix(root).ok().and_then(Path::to_str);
            name.is_some_and(|name| tracked.binary_search(&name).is_ok())
        };
        let files: Vec<_> = module_source::files(&path, &include)?
            .into_iter()
            .filter(is_tracked)
            .collect();
        modules.push(Module {
            name: text(&config["name"])
                .ok_or_else(|| eyre!("`{dir}/dagger.json` has no `name`"))?,
            dir: dir.to_owned(),
            key: module_source::key(root, &files)?,
        });
    }
    if modules.is_empty() {
        bail!("`dagger.json` lists no dependencies: there is nothing to release");
    }
    Ok(modules)
}

pub fn json(path: &Path) -> Result<Value> {
    let text =
        fs::read_to_string(path).wrap_err_with(|| format!("cannot read `{}`", path.display()))?;
    serde_json::from_str(&text).wrap_err_with(|| format!("cannot read `{}`", path.display()))
}
