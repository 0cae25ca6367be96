//! The fields of `Module`, and modules in directories of the API.

use std::sync::Arc;

use eyre::{Result, WrapErr, bail};
use futures::FutureExt;

use super::{checks, directory, unsupported};
use crate::api::client::Client;
use crate::graph::directory::join;
use crate::graph::node::Answer;
use crate::graph::{Args, Container, Directory, Engine, Fs, Object};
use crate::image::host_platform;
use crate::module::{Module, build, config};

pub async fn resolve(
    client: &Arc<Client>,
    this: &Arc<Module>,
    field: &str,
    args: &Args,
) -> Result<Answer> {
    Ok(match field {
        "name" => this.name.clone().into(),
        "description" => this.types.description.clone().into(),
        "checks" | "generators" | "services" => checks::of_module(this, field, args)?,
        "check" | "generator" => checks::named(this, field, &args.str("name")?)?,
        "runtime" if this.config.sdk.is_none() => Answer::Null,
        "runtime" => runtime(client.engine(), this).await?.into(),
        _ => unsupported("Module", field)?,
    })
}

/// `Directory.asModule`: the directory is written to the host, once, since that
/// is where modules are compiled.
pub async fn of_directory(client: &Arc<Client>, this: &Directory, path: &str) -> Result<Answer> {
    let engine = client.engine();
    let key = this.digest(engine).await?;
    let (owned, source) = (engine.clone(), this.clone());
    let work = client.shared.written.once(key, || {
        async move {
            let place = owned.store.temp_dir()?;
            directory::export(&owned, &source, place.path(), false).await?;
            // Nothing above belongs to the module.
            let root = place.path().join(".git");
            std::fs::create_dir_all(&root)
                .wrap_err_with(|| format!("cannot make `{}`", root.display()))?;
            Ok(Arc::new(place))
        }
        .boxed()
    });
    let place = work.await?;
    let below = join("", path);
    let dir = place.path().join(&below);
    if !dir.join(config::FILE).is_file() {
        bail!(
            "`{}` holds no module: there is no {} in it",
            path,
            config::FILE
        );
    }
    let module = client.shared.module(&dir, None).await?;
    Ok(Answer::Object("Module", Object::LoadedModule(module)))
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
