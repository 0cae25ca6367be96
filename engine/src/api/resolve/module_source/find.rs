//! How a module source is got: by a reference, or from a directory of the API.

use std::sync::Arc;

use eyre::{Result, WrapErr, bail};
use futures::FutureExt;
use serde_json::json;

use super::super::{callers_only, directory};
use super::related;
use crate::api::client::Client;
use crate::graph::directory::join;
use crate::graph::node::Answer;
use crate::graph::{Args, Call, Directory, Object};
use crate::module::config;
use crate::module::git::Reference;
use crate::module::git::version::is_commit;
use crate::module::origin::ModuleSource;
use crate::module::reference;
use crate::store::Hasher;

/// `Query.moduleSource`. The object is that of the `dagger.json` as it is now.
pub async fn of_query(client: &Arc<Client>, args: &Args) -> Result<Answer> {
    let (text, pin) = (args.str("refString")?, args.text("refPin")?);
    let find_up = !args.flag("disableFindUp")?;
    let reference = match pin.as_str() {
        "" => Reference::read(&text, &client.engine().workdir)?,
        _ => Some(Reference::parse(&text)?),
    };
    let kind = if reference.is_some() { "git" } else { "local" };
    if let Some(required) = args.opt::<String>("requireKind")? {
        let required = required.trim_end_matches("_SOURCE").to_lowercase();
        if required != kind {
            bail!("module source `{text}` is of the kind {kind}, and {required} is asked for");
        }
    }
    let source = match reference {
        Some(reference) => of_git(client, reference, &pin, find_up).await?,
        None => of_path(client, &text, find_up, args.flag("allowNotExists")?).await?,
    };
    let mut call = Call::root("moduleSource", args.json.clone());
    call.args.retain(|_, value| !value.is_null());
    let seen = Hasher::new("dagger.json")
        .with(source.directory().as_os_str().as_encoded_bytes())
        .with(source.manifest.text());
    call.args
        .insert("seen".to_owned(), json!(seen.digest().to_string()));
    let object = Object::ModuleSource(Arc::new(source));
    Ok(Answer::As("ModuleSource".to_owned(), object, Some(call)))
}

async fn of_path(
    client: &Arc<Client>,
    text: &str,
    find_up: bool,
    may_be_missing: bool,
) -> Result<ModuleSource> {
    callers_only(client, "Query.moduleSource of a local path")?;
    let engine = client.engine();
    let path = engine.host_path(if text.is_empty() { "." } else { text });
    if path.exists() {
        return ModuleSource::local(&path, find_up);
    }
    if find_up {
        match reference::of_dependency(text, &engine.workdir) {
            Ok((entry, dir)) => {
                let around = ModuleSource::local(&dir, false)?;
                return related::load(client, &around, &entry).await;
            }
            Err(_) if may_be_missing => {}
            Err(error) => return Err(error),
        }
    } else if !may_be_missing {
        bail!("there is no directory `{text}`");
    }
    ModuleSource::local(&path, find_up)
}

/// That of a git reference, at a commit or at what its version means now.
pub async fn of_git(
    client: &Arc<Client>,
    mut reference: Reference,
    pin: &str,
    find_up: bool,
) -> Result<ModuleSource> {
    if reference.repository.starts_with("file:") {
        callers_only(client, "Query.moduleSource of a local path")?;
    }
    let is_commit = is_commit(pin);
    if !is_commit && !pin.is_empty() && reference.version.is_none() {
        reference.version = Some(pin.to_owned());
    }
    let pin = if is_commit { pin } else { "" };
    let checkout = reference::checkout(client.engine(), &reference, pin).await?;
    let dir = if find_up {
        let shown = format!("`{reference}`");
        reference::around(&checkout.dir, &reference.subdir, &shown)?
    } else {
        checkout.dir.join(&reference.subdir)
    };
    let source = ModuleSource::git(&checkout, &dir)?;
    if !source.config_exists {
        bail!("there is no {} in `{reference}`", config::FILE);
    }
    Ok(source)
}

/// `Directory.asModuleSource`: the directory is written to the host, once, since
/// that is where modules are read and compiled.
pub async fn of_directory(
    client: &Arc<Client>,
    this: &Directory,
    path: &str,
) -> Result<ModuleSource> {
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
    client.shared.note_written(this, &place);
    let source = ModuleSource::dir(this.clone(), place, &join("", path))?;
    if !source.config_exists {
        bail!(
            "`{}` holds no module: there is no {} in it",
            path,
            config::FILE
        );
    }
    Ok(source)
}
