//! Pushing: blobs that are not there yet, then manifests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use eyre::Result;
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt};
use oci_client::Reference;
use oci_client::errors::OciDistributionError;
use tokio::io::AsyncReadExt;

use super::Remote;
use super::failure::Failure;
use crate::image::archive::{Parts, index};
use crate::image::pack::Blob;
use crate::image::{Compression, Credentials, Form, ImageConfig, Images, reference};
use crate::progress::{Progress, Span};
use crate::store::{Digest, Snapshot, blocking};

/// Layers on the way at a time.
const PARALLEL: usize = 3;

const CHUNK_BYTES: usize = 256 << 10;

impl Images {
    /// Pushes to a registry; gives the reference with the digest.
    pub async fn push(
        &self,
        address: &str,
        images: &[(ImageConfig, Snapshot)],
        form: impl Into<Form>,
        annotations: &[(String, String)],
        auth: &BTreeMap<String, Credentials>,
        progress: &Progress,
    ) -> Result<String> {
        let target = reference::parse(address)?;
        if images.is_empty() {
            eyre::bail!("cannot push image `{address}`: there is no image to push");
        }
        if target.digest().is_some() {
            eyre::bail!("cannot push image `{address}`: expected a name without digest");
        }
        let span = progress.start(format!("push image {address}"));
        let remote = self.remote(target.clone(), auth).await?;
        let result = self
            .push_all(&remote, address, images, form.into(), annotations, &span)
            .await;
        match result {
            Ok(digest) => {
                span.finish();
                Ok(reference::pinned(&target, &digest.to_string()))
            }
            Err(error) => {
                span.fail(format!("{error:#}"));
                Err(error)
            }
        }
    }

    async fn push_all(
        &self,
        remote: &Remote,
        address: &str,
        images: &[(ImageConfig, Snapshot)],
        form: Form,
        annotations: &[(String, String)],
        span: &Span,
    ) -> Result<Digest> {
        let mut all = Vec::new();
        for (config, snapshot) in images {
            let mut layers: Vec<BoxFuture<'_, Result<Blob>>> = Vec::new();
            for layer in &snapshot.layers {
                let layer = layer.clone();
                layers.push(Box::pin(self.push_layer(
                    remote,
                    address,
                    layer,
                    form.compression,
                    span,
                )));
            }
            let layers: Vec<Blob> = futures::stream::iter(layers)
                .buffered(PARALLEL)
                .try_collect()
                .await?;
            let parts = Parts::new(config, layers, form, annotations)?;
            remote.put_text(&parts.config, address).await?;
            all.push(parts);
        }
        let tag = remote.reference.tag().unwrap_or("latest");
        if let [parts] = all.as_slice() {
            return remote
                .put_manifest(tag, &parts.manifest, form.manifest(), address)
                .await;
        }
        for parts in &all {
            let digest = Digest::of(&parts.manifest).to_string();
            remote
                .put_manifest(&digest, &parts.manifest, form.manifest(), address)
                .await?;
        }
        remote
            .put_manifest(tag, &index(&all, form, annotations)?, form.index(), address)
            .await
    }

    async fn push_layer(
        &self,
        remote: &Remote,
        address: &str,
        layer: String,
        compression: Compression,
        span: &Span,
    ) -> Result<Blob> {
        let (images, name) = (self.clone(), layer.clone());
        let blob = blocking(move || images.blob(&name, compression)).await?;
        if remote.has(&blob.digest, address).await? {
            return Ok(blob);
        }
        let part = span.child().start(format!("layer {}", blob.digest));
        let temp = self.store.temp_dir()?;
        let path = temp.path().join("layer");
        let (images, file) = (self.clone(), path.clone());
        let packed = blocking(move || {
            let packed = images.pack(&layer, compression, &mut std::fs::File::create(&file)?);
            packed.map_err(|error| images.store.explain(error))
        })
        .await?;
        remote.put_file(&path, &packed, address).await?;
        part.finish();
        Ok(packed)
    }
}

impl Remote {
    async fn has(&self, digest: &Digest, image: &str) -> Result<bool> {
        let there = self
            .client
            .blob_exists(&self.reference, &digest.to_string())
            .await;
        match there.map_err(|error| self.push_failure(image, &error)) {
            // Some registries let nobody look who may push.
            Err(Failure::Refused { .. } | Failure::Missing { .. }) => Ok(false),
            there => Ok(there?),
        }
    }

    async fn put_text(&self, text: &[u8], image: &str) -> Result<()> {
        let digest = Digest::of(text);
        if self.has(&digest, image).await? {
            return Ok(());
        }
        let put = self
            .client
            .push_blob(&self.reference, text.to_vec(), &digest.to_string())
            .await;
        put.map_err(|error| self.push_failure(image, &error))?;
        Ok(())
    }

    async fn put_file(&self, path: &Path, blob: &Blob, image: &str) -> Result<()> {
        let stream = chunks(path.to_owned());
        let (digest, size) = (blob.digest.to_string(), Some(blob.size));
        let put = self
            .client
            .push_blob_stream(&self.reference, stream, &digest, size)
            .await;
        put.map_err(|error| self.push_failure(image, &error))?;
        Ok(())
    }

    /// `name`: a tag or a digest.
    async fn put_manifest(
        &self,
        name: &str,
        text: &[u8],
        kind: &str,
        image: &str,
    ) -> Result<Digest> {
        let (host, repository) = (self.reference.registry(), self.reference.repository());
        // With a digest as the tag: the client relies on one when the registry
        // sends no location.
        let target = Reference::with_tag(host.to_owned(), repository.to_owned(), name.to_owned());
        let put = self
            .client
            .push_manifest_raw(&target, text.to_vec(), kind.parse()?)
            .await;
        put.map_err(|error| self.push_failure(image, &error))?;
        Ok(Digest::of(text))
    }

    fn push_failure(&self, image: &str, error: &OciDistributionError) -> Failure {
        Failure::new("push", image, self.reference.registry(), error)
    }
}

/// A file's content, piece by piece.
fn chunks(path: PathBuf) -> impl futures::Stream<Item = Result<Bytes, OciDistributionError>> {
    let open = async move {
        tokio::fs::File::open(path)
            .await
            .map_err(OciDistributionError::from)
    };
    futures::stream::once(open)
        .map_ok(|file| {
            futures::stream::try_unfold(file, |mut file| async move {
                let mut chunk = vec![0; CHUNK_BYTES];
                let length = file.read(&mut chunk).await?;
                chunk.truncate(length);
                Ok((length > 0).then(|| (Bytes::from(chunk), file)))
            })
        })
        .try_flatten()
}
