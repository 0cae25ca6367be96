//! The fields of `ModuleSource`: [`find`] makes them, [`related`] finds the
//! modules that they list, [`files`] tells what they are made of, [`edit`]
//! changes their `dagger.json`, and [`git`] says where a commit is seen.

mod edit;
mod files;
pub mod find;
mod git;
mod related;
mod version;

use std::sync::Arc;

use eyre::{Result, WrapErr, bail};
use serde_json::{Value as Json, json};

use super::{digest, directory, records};
use crate::api::client::Client;
use crate::graph::node::{Answer, Changeset};
use crate::graph::{Args, Object};
use crate::module::Module;
use crate::module::config::{self, Config};
use crate::module::manifest::List;
use crate::module::origin::{ModuleSource, Place};

fn answer(source: ModuleSource) -> Answer {
    Answer::Object("ModuleSource", Object::ModuleSource(Arc::new(source)))
}

pub async fn resolve(
    client: &Arc<Client>,
    this: &Arc<ModuleSource>,
    field: &str,
    args: &Args,
) -> Result<Answer> {
    let engine = client.engine();
    Ok(match field {
        "asModule" => module(client, this).await?,
        "asString" => as_string(this).into(),
        "blueprint" => match &this.config.blueprint {
            Some(entry) => answer(related::load(client, this, entry).await?),
            None => bail!("module source `{}` has no blueprint", this.name()),
        },
        "configClients" => clients(this),
        "configExists" => this.config_exists.into(),
        "contextDirectory" => Answer::Node(files::context(client, this).await?),
        "dependencies" => related::all(client, this, List::Dependencies).await?,
        "digest" => digest(related::digest(client, this).await?),
        "directory" => {
            let context = files::context(client, this).await?.directory()?;
            let base = this.source().unwrap_or_else(|| this.root.clone());
            let path = format!("{base}/{}", args.str("path")?);
            context.directory(engine, &path).into()
        }
        "engineVersion" if this.manifest.fields.is_empty() => "".into(),
        "engineVersion" => version::known(&this.config.engine_version).into(),
        "generatedContextChangeset" => {
            let (before, after) = files::generated(client, this).await?;
            let changes = Changeset { before, after };
            Answer::Object("Changeset", Object::Changeset(Box::new(changes)))
        }
        "generatedContextDirectory" => {
            let (before, after) = files::generated(client, this).await?;
            directory::diff(engine, &before, &after).into()
        }
        "kind" => this.place.kind().into(),
        "localContextDirectoryPath" => match &this.place {
            Place::Local => this.context.to_string_lossy().into_owned().into(),
            _ => bail!("module source `{}` is not local", this.name()),
        },
        "moduleName" => this.name().to_owned().into(),
        "moduleOriginalName" => this.config.name.clone().into(),
        "originalSubpath" => match this.place {
            Place::Local => dot(&this.asked).into(),
            _ => this.asked.clone().into(),
        },
        "sdk" => sdk(&this.config),
        "sourceRootSubpath" => dot(&this.root).into(),
        "sourceSubpath" => this.source().map_or_else(String::new, |at| dot(&at)).into(),
        "sync" => {
            related::digest(client, this).await?;
            Answer::This
        }
        "toolchains" => related::all(client, this, List::Toolchains).await?,
        "withUpdateBlueprint" => answer(edit::update_blueprint(client, this).await?),
        "withUpdateDependencies" => {
            let names = args.list("dependencies")?;
            answer(edit::update(client, this, List::Dependencies, &names).await?)
        }
        "withUpdateToolchains" => {
            let names = args.list("toolchains")?;
            answer(edit::update(client, this, List::Toolchains, &names).await?)
        }
        _ if field.starts_with("with") => answer(edit::resolve(client, this, field, args)?),
        _ => git::resolve(this, field)?,
    })
}

/// A path below the context, where `.` is that itself.
fn dot(path: &str) -> String {
    match path {
        "" => ".".to_owned(),
        path => path.to_owned(),
    }
}

/// The address by which another `dagger.json` may name it; empty for a directory
/// of the API, which has none.
fn as_string(this: &ModuleSource) -> String {
    match &this.place {
        Place::Local => this.directory().to_string_lossy().into_owned(),
        Place::Git(reference, found) => git::address(this, reference, found).to_string(),
        Place::Dir(..) => String::new(),
    }
}

async fn module(client: &Arc<Client>, this: &Arc<ModuleSource>) -> Result<Answer> {
    let dir = this.directory();
    if !this.config_exists && !this.edited {
        bail!("there is no {} in `{}`", config::FILE, dir.display());
    }
    let module = client.shared.module_as(dir, &this.role()).await?;
    let source = Some(this.clone());
    Ok(Answer::Object(
        "Module",
        Object::LoadedModule(module, source),
    ))
}

/// Where a loaded module comes from.
pub fn of_module(client: &Arc<Client>, module: &Module) -> Result<Answer> {
    let shared = &client.shared;
    let source = if let Some((directory, written)) = shared.written_of(&module.dir) {
        let root = module.dir.strip_prefix(written.path().canonicalize()?)?;
        let root = root.to_string_lossy();
        ModuleSource::dir(directory, written.clone(), &root)?
    } else if let Some(checkout) = client.engine().checkout_of(&module.dir) {
        ModuleSource::git(&checkout, &module.dir)?
    } else {
        ModuleSource::local(&module.dir, false)?
    };
    let source = source.in_role(&module.role);
    Ok(answer(source.wrap_err("cannot tell the module's source")?))
}

/// `SDKConfig`, as `dagger.json` has it; null without one.
pub fn sdk(config: &Config) -> Answer {
    let Some(sdk) = &config.sdk else {
        return Answer::Null;
    };
    let fields = json!({"source": sdk.source, "debug": sdk.debug});
    Answer::Object("SDKConfig", records::record(fields))
}

fn clients(this: &ModuleSource) -> Answer {
    let listed = this.manifest.fields.get("clients").and_then(Json::as_array);
    let records = listed.into_iter().flatten().map(|item| {
        let text = |key: &str| item.get(key).and_then(Json::as_str).unwrap_or_default();
        records::record(json!({"generator": text("generator"), "directory": text("directory")}))
    });
    Answer::Objects("ModuleConfigClient", records.collect())
}
