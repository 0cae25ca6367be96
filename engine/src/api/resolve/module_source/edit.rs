//! Fields of `ModuleSource` that change its `dagger.json`. Nothing is written:
//! `generatedContextDirectory` has the result.

use std::sync::Arc;

use eyre::{Result, bail};
use serde_json::{Map, Value as Json, json};

use super::super::callers_only;
use super::{as_string, find, version};
use crate::api::client::Client;
use crate::graph::Args;
use crate::module::manifest::{Entry, List, Manifest, nearby, relative, wanted};
use crate::module::origin::{self, ModuleSource, inside};
use crate::module::reference::{self, Place};

pub fn resolve(
    client: &Client,
    this: &ModuleSource,
    field: &str,
    args: &Args,
) -> Result<ModuleSource> {
    if let "withIncludes" | "withSourceSubpath" = field
        && matches!(this.place, origin::Place::Local)
    {
        // They reach for more files of the machine.
        callers_only(client, &format!("ModuleSource.{field}"))?;
    }
    match field {
        "withName" => this.named(&args.str("name")?),
        "withEngineVersion" => {
            let version = version::known(&args.str("version")?);
            this.edit(|manifest| set(manifest, "engineVersion", version))
        }
        "withIncludes" => includes(this, &args.list("patterns")?),
        "withSDK" => this.edit(|manifest| sdk(manifest, args.str("source")?)),
        "withSourceSubpath" => source(this, &args.str("path")?),
        "withExperimentalFeatures" => features(this, &args.list("features")?, true),
        "withoutExperimentalFeatures" => features(this, &args.list("features")?, false),
        "withDependencies" => with(this, List::Dependencies, args),
        "withToolchains" => with(this, List::Toolchains, args),
        "withoutDependencies" => without(this, List::Dependencies, &args.list("dependencies")?),
        "withoutToolchains" => without(this, List::Toolchains, &args.list("toolchains")?),
        "withBlueprint" => blueprint(this, &*args.module_source("blueprint")?),
        "withoutBlueprint" => this.edit(|manifest| {
            manifest.fields.shift_remove("blueprint");
            Ok(())
        }),
        _ => bail!("`ModuleSource.{field}` is not supported by poniard"),
    }
}

#[allow(clippy::unnecessary_wraps, reason = "as all edits are")]
fn set(manifest: &mut Manifest, key: &str, value: impl Into<Json>) -> Result<()> {
    manifest.fields.insert(key.to_owned(), value.into());
    Ok(())
}

fn includes(this: &ModuleSource, patterns: &[String]) -> Result<ModuleSource> {
    for pattern in patterns {
        this.rebased(pattern)?;
    }
    this.edit(|manifest| {
        let list = manifest.fields.entry("include");
        if let Json::Array(list) = list.or_insert_with(|| json!([])) {
            list.extend(patterns.iter().map(|pattern| json!(pattern)));
        }
        Ok(())
    })
}

/// Other settings of the SDK stay; without a source there is none.
fn sdk(manifest: &mut Manifest, source: String) -> Result<()> {
    if source.is_empty() {
        manifest.fields.shift_remove("sdk");
        return Ok(());
    }
    match manifest.fields.get_mut("sdk") {
        Some(Json::Object(sdk)) => drop(sdk.insert("source".to_owned(), source.into())),
        _ => set(manifest, "sdk", json!({ "source": source }))?,
    }
    Ok(())
}

fn source(this: &ModuleSource, path: &str) -> Result<ModuleSource> {
    let Some(path) = inside("", path) else {
        bail!(
            "source `{path}` leads out of module `{}`: name a directory in it",
            this.name()
        );
    };
    this.edit(|manifest| {
        if path.is_empty() {
            manifest.fields.shift_remove("source");
            return Ok(());
        }
        set(manifest, "source", path)
    })
}

fn features(this: &ModuleSource, names: &[String], enable: bool) -> Result<ModuleSource> {
    this.edit(|manifest| {
        let sdk = manifest.fields.get_mut("sdk");
        let Some(sdk) = sdk.filter(|sdk| sdk.get("source").is_some() || sdk.is_string()) else {
            bail!("the module has no SDK whose features could be chosen: see `withSDK`");
        };
        if let Json::String(source) = sdk {
            *sdk = json!({ "source": source });
        }
        let known = sdk.get("experimental").and_then(Json::as_object).cloned();
        let mut known = known.unwrap_or_default();
        if names.is_empty() && !enable {
            known = Map::new();
        }
        known.extend(names.iter().map(|name| (name.clone(), enable.into())));
        sdk["experimental"] = known.into();
        Ok(())
    })
}

fn with(this: &ModuleSource, list: List, args: &Args) -> Result<ModuleSource> {
    let mut entries = Vec::new();
    for node in args.nodes(list.key())? {
        entries.push(entry(this, &*node.module_source()?, list.one())?);
    }
    this.edit(|manifest| {
        for entry in &entries {
            manifest.put(list, entry)?;
        }
        Ok(())
    })
}

/// With what versions of modules in git mean now.
pub async fn update(
    client: &Arc<Client>,
    this: &ModuleSource,
    list: List,
    names: &[String],
) -> Result<ModuleSource> {
    let mut entries = Vec::new();
    for (old, reference) in wanted(&this.manifest, names, list)? {
        let found = find::of_git(client, reference, "", false).await?;
        entries.push(entry(this, &found.named(&old.name)?, list.one())?);
    }
    this.edit(|manifest| {
        for entry in &entries {
            manifest.put(list, entry)?;
        }
        Ok(())
    })
}

/// One that is not from git stays as it is.
pub async fn update_blueprint(client: &Arc<Client>, this: &ModuleSource) -> Result<ModuleSource> {
    let Some(old) = &this.config.blueprint else {
        return Ok(this.clone());
    };
    let Place::Git(reference) = reference::place(old, this.directory())? else {
        return Ok(this.clone());
    };
    let found = find::of_git(client, reference, "", false).await?;
    let found = match old.name.as_str() {
        "" => found,
        name => found.named(name)?,
    };
    blueprint(this, &found)
}

fn without(this: &ModuleSource, list: List, names: &[String]) -> Result<ModuleSource> {
    this.edit(|manifest| {
        for name in names {
            manifest.remove(list, name)?;
        }
        Ok(())
    })
}

fn blueprint(this: &ModuleSource, other: &ModuleSource) -> Result<ModuleSource> {
    let config = &this.config;
    for (is_there, what) in [
        (config.sdk.is_some(), "an SDK"),
        (!config.dependencies.is_empty(), "dependencies"),
    ] {
        if is_there {
            bail!(
                "module `{}` has {what}, and a blueprint leaves no room for them: remove one",
                this.name()
            );
        }
    }
    let entry = entry(this, other, "blueprint")?;
    this.edit(|manifest| set(manifest, "blueprint", entry.item()))
}

/// What `dagger.json` says of another module.
fn entry(this: &ModuleSource, other: &ModuleSource, one: &str) -> Result<Entry> {
    let name = match other.name() {
        "" => bail!("a {one} needs a name: give it one with `withName`"),
        name => name.to_owned(),
    };
    let (source, pin) = match (&this.place, &other.place) {
        (origin::Place::Local, origin::Place::Local) => {
            (nearby(this.directory(), other.directory())?.source, None)
        }
        (origin::Place::Git(own, at), origin::Place::Git(reference, found))
            if own.repository == reference.repository && at.commit == found.commit =>
        {
            (relative(this.directory(), other.directory()), None)
        }
        (_, origin::Place::Git(_, found)) => (as_string(other), Some(found.commit.clone())),
        (_, origin::Place::Local) => bail!(
            "`{name}` is a directory of this machine: it can be a {one} of modules in the same repository only"
        ),
        (_, origin::Place::Dir(..)) => bail!(
            "`{name}` is a directory without an address, so it cannot be a {one}: name a path or a git reference"
        ),
    };
    Ok(Entry { name, source, pin })
}
