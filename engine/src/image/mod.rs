//! Images: from registries, layouts and archives, and by recipe.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use eyre::Result;
use serde::{Deserialize, Serialize};

use crate::progress::Progress;
use crate::store::{Digest, Snapshot, Store};

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

/// How an image is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    #[default]
    Gzip,
    Zstd,
    Uncompressed,
}

/// Finds and writes images.
pub struct Images {
    _store: Arc<Store>,
}

impl Images {
    /// `config` is `poniard.toml` (image recipes, mirrors), if there is one.
    pub fn new(
        store: Arc<Store>,
        config: Option<&Path>,
        runner: Arc<dyn RecipeRunner>,
    ) -> Result<Self> {
        let _ = (store, config, runner);
        todo!()
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
        let _ = (address, platform, auth, progress);
        todo!()
    }

    /// Reads an OCI or docker archive, or an OCI layout directory.
    pub async fn import(&self, path: &Path, tag: &str) -> Result<Image> {
        let _ = (path, tag);
        todo!()
    }

    /// Writes an OCI image archive (also readable by `docker load`) with one
    /// image per platform. The same input gives the same bytes.
    pub async fn archive(
        &self,
        images: &[(ImageConfig, Snapshot)],
        compression: Compression,
        annotations: &[(String, String)],
        dest: &Path,
    ) -> Result<()> {
        let _ = (images, compression, annotations, dest);
        todo!()
    }

    /// Pushes to a registry; gives the reference with the digest.
    pub async fn push(
        &self,
        address: &str,
        images: &[(ImageConfig, Snapshot)],
        compression: Compression,
        annotations: &[(String, String)],
        auth: &BTreeMap<String, Credentials>,
        progress: &Progress,
    ) -> Result<String> {
        let _ = (address, images, compression, annotations, auth, progress);
        todo!()
    }
}

/// Runs the steps of a recipe; given from above because it needs containers.
#[async_trait::async_trait]
pub trait RecipeRunner: Send + Sync {
    /// Runs `sh -eu <script> <args>` as root in `base` with network and with
    /// the directory `inputs` mounted read-only at `/recipe`; the cache volume
    /// directories `caches` are mounted at their paths.
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
