//! Images: from registries, layouts and archives, and by recipe.
//!
//! [`reference`] reads names. [`settings`] reads `poniard.toml`, after which
//! [`recipe`] makes images from packages and [`registry`] pulls and pushes.
//! [`layout`] reads archives ([`files`] is what is in them), [`archive`] writes them. In between, [`unpack`]
//! makes store layers of layer tars and [`pack`] the reverse; [`config`] maps
//! the OCI image configuration. [`host_store`] is where other container engines of
//! this machine keep theirs.

mod archive;
pub(crate) mod config;
mod files;
mod host_store;
pub(crate) mod layout;
mod pack;
mod recipe;
mod reference;
mod registry;
mod settings;
#[cfg(test)]
mod tests;
pub(crate) mod unpack;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use eyre::Result;
use serde::{Deserialize, Serialize};

use crate::progress::Progress;
use crate::store::{Digest, Snapshot, Store};
use settings::Settings;

pub use config::host_platform;
pub use host_store::HostStore;
pub use reference::parse as parse_reference;

/// The parts of an OCI image configuration that containers use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// `os/arch` or `os/arch/variant`.
    pub platform: String,
    /// In order, each once.
    pub env: Vec<(String, String)>,
    pub entrypoint: Vec<String>,
    pub cmd: Vec<String>,
    pub workdir: String,
    pub user: String,
    pub labels: Vec<(String, String)>,
    /// `80/tcp` and the like.
    pub exposed_ports: Vec<String>,
    /// As in the image's configuration (Docker's extension), unparsed.
    pub healthcheck: Option<serde_json::Value>,
    pub stop_signal: Option<String>,
    pub volumes: Vec<String>,
}

/// An image, unpacked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    pub config: ImageConfig,
    pub rootfs: Snapshot,
    /// Fully qualified, with the digest: `docker.io/library/debian:bookworm-slim@sha256:…`.
    pub reference: String,
}

/// User name and password for a registry host.
#[derive(Clone)]
pub struct Credentials {
    pub username: String,
    pub password: String,
}

/// How layers are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compression {
    #[default]
    Gzip,
    Zstd,
    Uncompressed,
}

/// Whose words an image is described in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MediaTypes {
    #[default]
    Oci,
    Docker,
}

/// How an image is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Form {
    pub compression: Compression,
    pub media_types: MediaTypes,
}

impl From<Compression> for Form {
    fn from(compression: Compression) -> Self {
        Self {
            compression,
            ..Self::default()
        }
    }
}

/// Finds and writes images.
#[derive(Clone)]
pub struct Images {
    store: Arc<Store>,
    settings: Arc<Settings>,
    runner: Arc<dyn RecipeRunner>,
    /// Images whose recipe was announced in this run.
    announced: Arc<Mutex<HashSet<String>>>,
}

impl Images {
    /// `config` is `poniard.toml` (image recipes, mirrors), if there is one.
    pub fn new(
        store: Arc<Store>,
        config: Option<&Path>,
        runner: Arc<dyn RecipeRunner>,
    ) -> Result<Self> {
        let settings = config.map_or_else(|| Ok(Settings::default()), Settings::read)?;
        Ok(Self {
            store,
            settings: Arc::new(settings),
            runner,
            announced: Arc::default(),
        })
    }

    /// The image called `address`, by recipe when `poniard.toml` maps the name,
    /// else from its registry. `auth`: credentials by registry host, before
    /// those of the docker configuration.
    pub async fn get(
        &self,
        address: &str,
        platform: &str,
        auth: &BTreeMap<String, Credentials>,
        progress: &Progress,
    ) -> Result<Image> {
        self.get_for(address, platform, auth, progress, &[]).await
    }

    /// As [`Images::get`]; `makers` are the images whose recipes need this one.
    fn get_for<'a>(
        &'a self,
        address: &'a str,
        platform: &'a str,
        auth: &'a BTreeMap<String, Credentials>,
        progress: &'a Progress,
        makers: &'a [String],
    ) -> futures::future::BoxFuture<'a, Result<Image>> {
        Box::pin(async move {
            let reference = reference::parse(address)?;
            match self.settings.recipe(&reference) {
                Some(found) => {
                    let wanted = recipe::Wanted {
                        address,
                        reference: &reference,
                        platform,
                        makers,
                    };
                    self.make(&found, &wanted, auth, progress).await
                }
                None => {
                    self.pull(&reference, address, platform, auth, progress)
                        .await
                }
            }
        })
    }
}

/// Runs the steps of a recipe; given from above because it needs containers.
#[async_trait::async_trait]
pub trait RecipeRunner: Send + Sync {
    /// Runs `sh -eu /recipe/<script> <args>` as root in `base` with network and
    /// with the directory `inputs`, which holds the script, mounted read-only at
    /// `/recipe`; the cache volume directories `caches` are mounted at their
    /// paths. The result's identity is `id`.
    #[expect(
        clippy::too_many_arguments,
        reason = "one call, with everything that counts"
    )]
    async fn run(
        &self,
        base: &Image,
        script: &Path,
        args: &[String],
        inputs: &Path,
        caches: &[(PathBuf, PathBuf)],
        id: Digest,
        progress: &Progress,
    ) -> Result<Snapshot>;
}
