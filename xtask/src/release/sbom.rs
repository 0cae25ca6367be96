//! What each module's program is made of: a CycloneDX document, from what cargo
//! resolved.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use eyre::{Result, WrapErr, eyre};
use serde_json::{Value, json};
use xshell::{Shell, cmd};

use super::Plan;

pub fn write_all(sh: &Shell, plan: &Plan, dir: &Path) -> Result<()> {
    let text = cmd!(
        sh,
        "cargo metadata --locked --format-version 1 --filter-platform x86_64-unknown-linux-gnu"
    )
    .quiet()
    .ignore_stderr()
    .read()?;
    let metadata: Value = serde_json::from_str(&text).wrap_err("cannot read cargo's metadata")?;
    fs::create_dir_all(dir)?;
    for module in &plan.modules {
        let document = document(&metadata, &module.name)?;
        let path = dir.join(format!("{}.cdx.json", module.name));
        fs::write(path, serde_json::to_string_pretty(&document)? + "\n")?;
    }
    Ok(())
}

/// The document of the package `name` and all that is linked into its program.
pub fn document(metadata: &Value, name: &str) -> Result<Value> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let id = |value: &Value| value["id"].as_str().unwrap_or_default().to_owned();
    let packages: BTreeMap<String, Value> = list(&metadata["packages"])
        .into_iter()
        .map(|package| (id(&package), package))
        .collect();
    let uses: BTreeMap<String, Vec<String>> = list(&metadata["resolve"]["nodes"])
        .iter()
        .map(|node| {
            (
                id(node),
                list(&node["deps"]).iter().filter_map(linked).collect(),
            )
        })
        .collect();
    let root = packages
        .values()
        .find(|package| package["name"] == name && package["source"].is_null());
    let root = root.ok_or_else(|| eyre!("there is no package `{name}`"))?;
    let (mut found, mut open) = (BTreeSet::new(), vec![id(root)]);
    while let Some(next) = open.pop() {
        // A procedural macro works only while others are compiled.
        let is_macro = packages.get(&next).is_some_and(|package| {
            list(&package["targets"])
                .iter()
                .any(|target| target["kind"][0] == "proc-macro")
        });
        if !is_macro && found.insert(next.clone()) {
            open.extend(uses.get(&next).into_iter().flatten().cloned());
        }
    }
    let components: Vec<Value> = found
        .iter()
        .filter(|found| **found != id(root))
        .filter_map(|found| {
            packages
                .get(found)
                .map(|package| component(package, "library"))
        })
        .collect();
    let dependencies: Vec<Value> = found
        .iter()
        .filter_map(|found| {
            let on: BTreeSet<String> = uses
                .get(found)?
                .iter()
                .filter(|used| uses.contains_key(*used) && packages.contains_key(*used))
                .filter_map(|used| packages.get(used).map(reference))
                .collect();
            Some(json!({ "ref": reference(packages.get(found)?), "dependsOn": on }))
        })
        .collect();
    let known: BTreeSet<String> = found
        .iter()
        .filter_map(|found| packages.get(found).map(reference))
        .collect();
    let dependencies: Vec<Value> = dependencies
        .into_iter()
        .map(|mut entry| {
            let on: Vec<Value> = list(&entry["dependsOn"]);
            let on = on
                .into_iter()
                .filter(|on| on.as_str().is_some_and(|on| known.contains(on)));
            entry["dependsOn"] = on.collect();
            entry
        })
        .collect();
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": component(root, "application") },
        "components": components,
        "dependencies": dependencies,
    }))
}

/// The package that a dependency is, if it is needed at run time.
fn linked(dependency: &Value) -> Option<String> {
    let kinds = dependency["dep_kinds"].as_array()?;
    let is_normal = kinds.iter().any(|kind| kind["kind"].is_null());
    dependency["pkg"]
        .as_str()
        .filter(|_| is_normal)
        .map(str::to_owned)
}

fn component(package: &Value, kind: &str) -> Value {
    let mut component = json!({
        "type": kind,
        "bom-ref": reference(package),
        "name": package["name"],
        "version": package["version"],
        "purl": reference(package),
    });
    if let Some(licence) = package["license"].as_str() {
        // Cargo's old way to write a choice.
        let expression = licence.replace('/', " OR ");
        component["licenses"] = json!([{ "expression": expression }]);
    }
    component
}

fn reference(package: &Value) -> String {
    let text = |key: &str| package[key].as_str().unwrap_or_default();
    format!("pkg:cargo/{}@{}", text("name"), text("version"))
}
