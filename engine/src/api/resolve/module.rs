//! The fields of `Module`, and modules in directories of the API.

use std::sync::Arc;

use eyre::Result;

use super::{checks, module_source, type_def, unsupported};
use crate::api::client::Client;
use crate::graph::node::Answer;
use crate::graph::{Args, Container, Directory, Engine, Fs, Object};
use crate::image::host_platform;
use crate::module::origin::ModuleSource;
use crate::module::{Module, build, reference};

pub async fn resolve(
    client: &Arc<Client>,
    this: &Arc<Module>,
    source: Option<&Arc<ModuleSource>>,
    field: &str,
    args: &Args,
) -> Result<Answer> {
    Ok(match field {
        "dependencies" => dependencies(client, this).await?,
        "enums" | "interfaces" | "objects" => type_def::of_module(client, this, field)?,
        "name" => this.name.clone().into(),
        "description" => this.types.description.clone().into(),
        "checks" | "generators" | "services" => checks::of_module(this, field, args)?,
        "check" | "generator" => checks::named(this, field, &args.str("name")?)?,
        "runtime" if this.config.sdk.is_none() => Answer::Null,
        "runtime" => runtime(client.engine(), this).await?.into(),
        "sdk" => module_source::sdk(&this.config),
        "source" => match source {
            Some(source) => Answer::Object("ModuleSource", Object::ModuleSource(source.clone())),
            None => module_source::of_module(client, this)?,
        },
        "sync" => Answer::This,
        _ => unsupported("Module", field)?,
    })
}

/// `Directory.asModule`.
pub async fn of_directory(client: &Arc<Client>, this: &Directory, path: &str) -> Result<Answer> {
    let source = module_source::find::of_directory(client, this, path).await?;
    let module = client.shared.module(source.directory(), None).await?;
    let source = Some(Arc::new(source));
    Ok(Answer::Object(
        "Module",
        Object::LoadedModule(module, source),
    ))
}

/// The modules that it depends on.
async fn dependencies(client: &Arc<Client>, this: &Module) -> Result<Answer> {
    let mut found = Vec::new();
    for entry in &this.config.dependencies {
        let dir = reference::dependency_dir(client.engine(), entry, &this.dir).await?;
        let module = client.shared.module(&dir, Some(&entry.name)).await?;
        found.push(Object::LoadedModule(module, None));
    }
    Ok(Answer::Objects("Module", found))
}

/// The program in an otherwise empty container, as the SDK makes it on a Dagger
/// Engine.
async fn runtime(engine: &Arc<Engine>, module: &Module) -> Result<Container> {
    let binary = build::binary(engine, module).await?;
    let snapshot = engine.store.import_file(&binary, "runtime").await?;
    let mut container = Container::scratch(host_platform().to_owned());
    container.rootfs = Fs::ready(snapshot);
    container.config.entrypoint = vec!["/runtime".to_owned()];
    Ok(container)
}
