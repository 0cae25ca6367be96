//! Programs that a release has compiled, in the image that `sdk.config.prebuilt`
//! of a module's `dagger.json` names. What `sdk/main.dang` does on a Dagger Engine.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use eyre::{Result, bail};

use super::{Module, build};
use crate::graph::{Engine, image};
use crate::image::host_platform;

/// Keeps the program that a release has for just these sources, in `dir`. When
/// there is none, the user learns why it is going to be compiled.
pub async fn keep(engine: &Arc<Engine>, module: &Module, dir: &Path) -> Result<bool> {
    let Some(address) = address(module)? else {
        return Ok(false);
    };
    let _lock = engine
        .store
        .lock(&format!("prebuilt-{}", module.config.name))
        .await?;
    if dir.join("module").exists() {
        return Ok(true);
    }
    let why = match engine.gate.pass(found(engine, module, address, dir)).await {
        Ok(true) => return Ok(true),
        Ok(false) => format!("`{address}` was made from other sources"),
        Err(error) if engine.gate.is_over() => return Err(error),
        Err(error) => format!("{error:#}"),
    };
    engine.progress.note(format!(
        "module `{}` is not prebuilt and is compiled: {why}",
        module.config.name
    ));
    Ok(false)
}

/// The image with the programs of a release.
fn address(module: &Module) -> Result<Option<&str>> {
    let config = module.config.sdk.as_ref().map(|sdk| &sdk.config);
    match config.and_then(|config| config.get("prebuilt")) {
        None => Ok(None),
        Some(serde_json::Value::String(address)) if address.is_empty() => Ok(None),
        Some(serde_json::Value::String(address)) => Ok(Some(address)),
        Some(other) => bail!(
            "`sdk.config.prebuilt` of module `{}` is `{other}`: expected the name of an image",
            module.config.name
        ),
    }
}

async fn found(engine: &Arc<Engine>, module: &Module, address: &str, dir: &Path) -> Result<bool> {
    let files = module_source::files(&module.dir, &module.config.include)?;
    let key = module_source::key(&module.context, &files)?;
    let image = image::get(engine, address, host_platform(), &BTreeMap::new()).await?;
    let mount = engine.store.mount(&image.rootfs)?;
    let path = module_source::program_path(&module.config.name, &key);
    let tree = mount.tree();
    if tree.stat(&path, true)?.is_none() {
        return Ok(false);
    }
    tree.require_file(&path)?;
    build::keep(engine, &tree.host_path(&path)?, dir)?;
    Ok(true)
}
