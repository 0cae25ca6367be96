//! The modules that a module lists, as sources, and the digest of all of them.

use std::path::PathBuf;
use std::sync::Arc;

use eyre::{Result, WrapErr, bail};
use futures::FutureExt;
use futures::future::BoxFuture;

use super::{files, find};
use crate::api::client::Client;
use crate::graph::Object;
use crate::graph::node::Answer;
use crate::module::config::{self, Dependency};
use crate::module::manifest::List;
use crate::module::origin::ModuleSource;
use crate::module::reference::{self, Place};
use crate::store::{Digest, Hasher};

/// The source of a module that another lists, by the name that it has there.
pub async fn load(
    client: &Arc<Client>,
    this: &ModuleSource,
    entry: &Dependency,
) -> Result<ModuleSource> {
    let listed = || {
        let file = this.directory().join(config::FILE);
        format!("`{}` of `{}`", entry.name, file.display())
    };
    let found = match reference::place(entry, this.directory())? {
        Place::Git(reference) => find::of_git(client, reference, &entry.pin, false).await,
        Place::Near(dir) => this.beside(&dir).and_then(|found| {
            if !found.config_exists {
                bail!("there is no {} in `{}`", config::FILE, dir.display());
            }
            Ok(found)
        }),
    };
    let found = found.wrap_err_with(listed)?;
    match entry.name.as_str() {
        "" => Ok(found),
        name => found.named(name),
    }
}

/// All of a list.
pub async fn all(client: &Arc<Client>, this: &ModuleSource, list: List) -> Result<Answer> {
    let entries = match list {
        List::Dependencies => &this.config.dependencies,
        List::Toolchains => &this.config.toolchains,
    };
    let mut found = Vec::new();
    for entry in entries {
        let source = load(client, this, entry).await?;
        found.push(Object::ModuleSource(Arc::new(source)));
    }
    Ok(Answer::Objects("ModuleSource", found))
}

/// Digest of all that the module is made from: files, `dagger.json`, and the
/// modules that it lists.
///
/// # Errors
/// When one of them is not there, or uses itself.
pub async fn digest(client: &Arc<Client>, this: &ModuleSource) -> Result<Digest> {
    below(client, this, Vec::new()).await
}

fn below<'a>(
    client: &'a Arc<Client>,
    this: &'a ModuleSource,
    mut above: Vec<PathBuf>,
) -> BoxFuture<'a, Result<Digest>> {
    async move {
        let dir = this.directory().to_owned();
        if above.contains(&dir) {
            bail!(
                "module `{}` uses itself: one of its dependencies lists it",
                this.name()
            );
        }
        above.push(dir);
        let context = files::context(client, this).await?.directory()?;
        let mut hasher = Hasher::new("module-source-1")
            .with(this.manifest.text())
            .with(&this.root)
            .with(context.digest(client.engine()).await?);
        let config = &this.config;
        let listed = config.dependencies.iter().chain(&config.toolchains);
        for entry in listed.chain(&config.blueprint) {
            let found = load(client, this, entry).await?;
            hasher.add(below(client, &found, above.clone()).await?);
        }
        Ok(hasher.digest())
    }
    .boxed()
}
