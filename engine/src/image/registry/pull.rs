//! Pulling: the manifest for a platform, then the layers that are not there.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use eyre::{Result, WrapErr};
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt};
use oci_client::Reference;
use oci_client::manifest::OciDescriptor;
use oci_spec::image::{Descriptor, ImageIndex, ImageManifest};
use serde_json::Value;

use super::Remote;
use super::bounded::{Bounded, TooLong};
use super::failure::{Failure, wrong_digest};
use crate::image::layout::{layer_name, rootfs_id};
use crate::image::{Credentials, Image, Images, config, reference};
use crate::progress::{Progress, Span};
use crate::store::{Digest, Hasher, Snapshot};

const ACCEPTED: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// Layers on the way at a time.
const PARALLEL: usize = 4;

/// A configuration is read into memory.
const MAX_SMALL_BYTES: u64 = 32 << 20;

/// How often a layer is asked for before giving up.
const ATTEMPTS: u32 = 3;

impl Images {
    pub(in crate::image) async fn pull(
        &self,
        reference: &Reference,
        address: &str,
        platform: &str,
        auth: &BTreeMap<String, Credentials>,
        progress: &Progress,
    ) -> Result<Image> {
        let span = progress.start(format!("pull image {address}"));
        let result = self
            .pull_first(reference, address, platform, auth, &span)
            .await;
        match result {
            Ok((image, true)) => {
                span.finish_cached();
                Ok(image)
            }
            Ok((image, false)) => {
                span.finish();
                Ok(image)
            }
            Err(error) => {
                span.fail(format!("{error:#}"));
                Err(error)
            }
        }
    }

    /// From the mirror, else the registry itself. Tells whether all was there.
    async fn pull_first(
        &self,
        reference: &Reference,
        address: &str,
        platform: &str,
        auth: &BTreeMap<String, Credentials>,
        span: &Span,
    ) -> Result<(Image, bool)> {
        if let Some(mirror) = self.mirrored(reference) {
            let host = mirror.registry().to_owned();
            let remote = self.remote(mirror, auth).await?;
            match self
                .pull_from(&remote, reference, address, platform, span)
                .await
            {
                Ok(found) => return Ok(found),
                Err(error) => span.output(
                    true,
                    format!("mirror `{host}` is of no use: {error:#}; going on without it\n")
                        .as_bytes(),
                ),
            }
        }
        let remote = self.remote(reference.clone(), auth).await?;
        self.pull_from(&remote, reference, address, platform, span)
            .await
    }

    async fn pull_from(
        &self,
        remote: &Remote,
        reference: &Reference,
        address: &str,
        platform: &str,
        span: &Span,
    ) -> Result<(Image, bool)> {
        let memory = Hasher::new("tag-1")
            .with(reference.whole())
            .with(platform)
            .digest();
        let (text, digest) = match remote.manifest(&remote.reference, address).await {
            Ok(found) => found,
            // Without a network, what the name stood for last.
            Err(error @ Failure::Unreachable { .. }) => {
                let known = self.store.cached::<Image>("tag", &memory).ok_or(error)?;
                span.child().note(format!("image `{address}`: the registry cannot be reached; using the copy of an earlier run"));
                return Ok((known, true));
            }
            Err(error) => return Err(error.into()),
        };
        let key = Hasher::new("image-1").with(&digest).with(platform).digest();
        let pinned = reference::pinned(reference, &digest);
        if let Some(known) = self.store.cached::<Image>("image", &key) {
            let image = Image {
                reference: pinned,
                ..known
            };
            self.store.remember("tag", &memory, &image)?;
            return Ok((image, true));
        }
        let _lock = self.store.lock(&format!("image-{}", key.hex())).await?;
        let manifest = remote.image_manifest(&text, address, platform).await?;
        let config = remote.small_blob(manifest.config(), address).await?;
        let (config, diff_ids) = config::read(&config)?;
        if !is_for(&config.platform, platform) {
            eyre::bail!(
                "cannot use image `{address}`: it is for `{}`, not for `{platform}`",
                config.platform
            );
        }
        let layers = self
            .pull_layers(remote, &manifest, &diff_ids, address, span)
            .await?;
        let rootfs = Snapshot {
            id: rootfs_id(&diff_ids),
            layers,
        };
        let image = Image {
            config,
            rootfs,
            reference: pinned,
        };
        self.store.remember("image", &key, &image)?;
        self.store.remember("tag", &memory, &image)?;
        Ok((image, false))
    }

    async fn pull_layers(
        &self,
        remote: &Remote,
        manifest: &ImageManifest,
        diff_ids: &[Digest],
        address: &str,
        span: &Span,
    ) -> Result<Vec<String>> {
        let descriptors = manifest.layers();
        if descriptors.len() != diff_ids.len() {
            eyre::bail!(
                "cannot use image `{address}`: its configuration names {} layers, its manifest {}",
                diff_ids.len(),
                descriptors.len()
            );
        }
        let mut layers: Vec<BoxFuture<'_, Result<String>>> = Vec::new();
        for (index, (blob, diff_id)) in descriptors.iter().zip(diff_ids).enumerate() {
            let name = layer_name(diff_id, index == 0);
            layers.push(Box::pin(async move {
                if !self.store.keep_layer(&name) {
                    self.pull_layer(remote, blob, *diff_id, &name, index == 0, address, span)
                        .await?;
                }
                Ok(name)
            }));
        }
        futures::stream::iter(layers)
            .buffered(PARALLEL)
            .try_collect()
            .await
    }

    #[expect(clippy::too_many_arguments, reason = "a layer has that many sides")]
    async fn pull_layer(
        &self,
        remote: &Remote,
        blob: &Descriptor,
        diff_id: Digest,
        name: &str,
        lowest: bool,
        address: &str,
        span: &Span,
    ) -> Result<()> {
        // Another process, or another image of this one, may be at it.
        let _lock = self.store.lock(&format!("layer-{name}")).await?;
        if self.store.keep_layer(name) {
            return Ok(());
        }
        let digest = blob.digest().to_string();
        let part = span
            .child()
            .start(format!("layer {digest} ({})", megabytes(blob.size())));
        let temp = self.store.temp_dir()?;
        let path = temp.path().join("layer");
        remote
            .download(blob, &path, address)
            .await
            .map_err(|error| self.store.explain(error))?;
        let (images, name) = (self.clone(), name.to_owned());
        let unpack = move || {
            let _temp = temp;
            // Whose digest was compared on the way.
            let blob = || Ok(std::fs::File::open(&path)?);
            images.unpack_into_store(blob, None, &diff_id, &name, lowest)
        };
        tokio::task::spawn_blocking(unpack)
            .await
            .wrap_err("the work was cut short")?
            .wrap_err_with(|| format!("cannot use image `{address}`"))?;
        part.finish();
        Ok(())
    }
}

impl Remote {
    /// The manifest or index and its digest.
    pub(super) async fn manifest(
        &self,
        reference: &Reference,
        image: &str,
    ) -> Result<(Vec<u8>, String), Failure> {
        let found = self
            .client
            .pull_manifest_raw(reference, &self.auth, &ACCEPTED)
            .await;
        let (text, _) = found.map_err(|error| self.failure(image, &error))?;
        let digest = Digest::of(&text).to_string();
        match reference.digest() {
            Some(wanted) if wanted != digest => Err(Failure::Damaged {
                action: "pull",
                image: image.to_owned(),
                host: self.reference.registry().to_owned(),
                cause: wrong_digest(wanted, &digest),
            }),
            _ => Ok((text.to_vec(), digest)),
        }
    }

    /// The image's manifest for a platform, given what its name led to.
    pub(super) async fn image_manifest(
        &self,
        text: &[u8],
        image: &str,
        platform: &str,
    ) -> Result<ImageManifest> {
        let unreadable = || format!("cannot read the manifest of image `{image}`");
        let value: Value = serde_json::from_slice(text).wrap_err_with(unreadable)?;
        if value.get("schemaVersion") != Some(&Value::from(2)) {
            eyre::bail!("cannot use image `{image}`: its manifest is of an old kind; push it anew");
        }
        if value.get("manifests").is_none() {
            return serde_json::from_value(value).wrap_err_with(unreadable);
        }
        let index: ImageIndex = serde_json::from_value(value).wrap_err_with(unreadable)?;
        let fits = |entry: &&Descriptor| {
            entry
                .platform()
                .as_ref()
                .is_some_and(|own| config::fits(own, platform))
        };
        let Some(entry) = index.manifests().iter().find(fits) else {
            let all = index
                .manifests()
                .iter()
                .filter_map(|entry| entry.platform().as_ref());
            let all: Vec<String> = all
                .map(|own| format!("`{}/{}`", own.os(), own.architecture()))
                .collect();
            eyre::bail!(
                "image `{image}` is not for `{platform}`: there is {}",
                all.join(", ")
            );
        };
        let reference = self.reference.clone_with_digest(entry.digest().to_string());
        let (text, _) = self.manifest(&reference, image).await?;
        let value: Value = serde_json::from_slice(&text).wrap_err_with(unreadable)?;
        if value.get("manifests").is_some() {
            eyre::bail!(
                "cannot use image `{image}`: what its index has for `{platform}` is an index again; push it anew"
            );
        }
        serde_json::from_value(value).wrap_err_with(unreadable)
    }

    /// The content of a blob; the client compares the digest.
    async fn small_blob(&self, blob: &Descriptor, image: &str) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        let out = Bounded::new(&mut text, blob.size().min(MAX_SMALL_BYTES));
        let pulled = self
            .client
            .pull_blob(&self.reference, &descriptor(blob), out)
            .await;
        pulled.map_err(|error| self.failure(image, &error))?;
        Ok(text)
    }

    async fn download(&self, blob: &Descriptor, path: &Path, image: &str) -> Result<()> {
        let descriptor = descriptor(blob);
        for attempt in 1.. {
            let file = tokio::fs::File::create(path).await?;
            let out = Bounded::new(file, blob.size());
            match self
                .client
                .pull_blob(&self.reference, &descriptor, out)
                .await
            {
                Ok(()) => break,
                Err(oci_client::errors::OciDistributionError::IoError(error))
                    if !TooLong::is_cause_of(&error) =>
                {
                    return Err(error.into());
                }
                Err(error) => match self.failure(image, &error) {
                    Failure::Unreachable { .. }
                    | Failure::Damaged { .. }
                    | Failure::Other { .. }
                        if attempt < ATTEMPTS =>
                    {
                        tokio::time::sleep(Duration::from_millis(300 * u64::from(attempt))).await;
                    }
                    failure => return Err(failure.into()),
                },
            }
        }
        Ok(())
    }

    fn failure(&self, image: &str, error: &oci_client::errors::OciDistributionError) -> Failure {
        Failure::new("pull", image, self.reference.registry(), error)
    }
}

fn descriptor(blob: &Descriptor) -> OciDescriptor {
    OciDescriptor {
        media_type: blob.media_type().to_string(),
        digest: blob.digest().to_string(),
        size: i64::try_from(blob.size()).unwrap_or(i64::MAX),
        ..OciDescriptor::default()
    }
}

/// `linux/arm64` and `linux/arm64/v8` are for each other.
fn is_for(own: &str, wanted: &str) -> bool {
    own == wanted
        || own.starts_with(&format!("{wanted}/"))
        || wanted.starts_with(&format!("{own}/"))
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
