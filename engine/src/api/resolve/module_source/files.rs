//! The files of a module source, as they are and with its edited `dagger.json`.

use std::sync::Arc;

use eyre::Result;

use super::super::{content, directory, host};
use crate::api::client::Client;
use crate::graph::directory::join;
use crate::graph::{Directory, Node};
use crate::module::config;
use crate::module::origin::{ModuleSource, Place};
use crate::store::{Filter, Hasher};

/// The files that the module is made from, each at its path below the context.
pub async fn context(client: &Arc<Client>, this: &ModuleSource) -> Result<Arc<Node>> {
    let filter = |exclude: &[&str], gitignore| -> Result<Filter> {
        Ok(Filter {
            include: this.patterns()?,
            exclude: exclude.iter().map(|text| (*text).to_owned()).collect(),
            gitignore,
        })
    };
    match &this.place {
        Place::Dir(directory, _) => {
            let snapshot = directory.fs.snapshot().await?;
            Ok(content(client, snapshot, &directory.path, false))
        }
        // The history differs with how the commit was got.
        Place::Git(..) => {
            host::directory_node(client, &this.context, &filter(&[".git"], false)?).await
        }
        Place::Local if this.context.is_dir() && (this.config_exists || this.edited) => {
            host::directory_node(client, &this.context, &filter(&[], true)?).await
        }
        Place::Local => {
            let snapshot = empty(client, this).fs.snapshot().await?;
            Ok(content(client, snapshot, "", false))
        }
    }
}

/// Nothing but the directory of a module that is yet to be made.
fn empty(client: &Arc<Client>, this: &ModuleSource) -> Directory {
    let root = this.root.clone();
    let describe = Hasher::new("mkdir-1")
        .with(&root)
        .with(0o755u32.to_le_bytes());
    Directory::scratch().edit(client.engine(), describe, Vec::new(), move |tree, _| {
        if root.is_empty() {
            return Ok(());
        }
        tree.make_dir(&root, 0o755, None)
    })
}

/// The context, and the same with the edited `dagger.json`.
pub async fn generated(
    client: &Arc<Client>,
    this: &ModuleSource,
) -> Result<(Directory, Directory)> {
    let before = context(client, this).await?.directory()?;
    if !this.edited {
        return Ok((before.clone(), before));
    }
    let path = join(&this.root, config::FILE);
    let text = this.manifest.text().into_bytes();
    let after = directory::with_new_file(client.engine(), &before, &path, text, 0o644, None);
    Ok((before, after))
}
