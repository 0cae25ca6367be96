//! Reads images: OCI layouts (a directory or a tar) and docker archives.

use std::io::Read;
use std::path::Path;

use eyre::{Result, WrapErr};
use oci_spec::image::{Descriptor, ImageIndex, ImageManifest};
use serde::Deserialize;

use super::files::Files;
use super::unpack::{Whiteouts, unpack_layer};
use super::{Image, ImageConfig, Images, config, host_platform};
use crate::store::{Digest, Hashed, Hasher, Snapshot};

/// Names of the image in a layout's index.
const NAMES: [&str; 2] = [
    "org.opencontainers.image.ref.name",
    "io.containerd.image.name",
];

/// An image in a docker archive.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerImage {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

/// A layer of an image that is read.
struct Layer {
    path: String,
    /// That of its blob, where known.
    digest: Option<Digest>,
}

impl Images {
    /// Reads an OCI or docker archive, or an OCI layout directory. `tag` chooses
    /// among several images; without it the first for this machine's platform.
    pub async fn import(&self, path: &Path, tag: &str) -> Result<Image> {
        let images = self.clone();
        let (path, tag) = (path.to_owned(), tag.to_owned());
        tokio::task::spawn_blocking(move || {
            images
                .import_blocking(&path, &tag)
                .wrap_err_with(|| format!("cannot import an image from `{}`", path.display()))
        })
        .await
        .wrap_err("the work was cut short")?
    }

    fn import_blocking(&self, path: &Path, tag: &str) -> Result<Image> {
        let files = Files::open(path, || self.store.temp_dir())?;
        if files.has("index.json")? {
            let index = serde_json::from_slice(&files.read("index.json")?)?;
            return self.import_index(&files, &index, tag);
        }
        if files.has("manifest.json")? {
            return self.import_docker(&files, tag);
        }
        eyre::bail!("expected `index.json` (OCI) or `manifest.json` (docker) in it")
    }

    fn import_index(&self, files: &Files, index: &ImageIndex, tag: &str) -> Result<Image> {
        let descriptor = choose(index, tag)?;
        let text = blob(files, descriptor)?;
        if is_index(descriptor) {
            // Inside, platforms are told apart, not names.
            return self.import_index(files, &serde_json::from_slice(&text)?, "");
        }
        let manifest: ImageManifest = serde_json::from_slice(&text)?;
        let (config, diff_ids) = config::read(&blob(files, manifest.config())?)?;
        let layers = manifest.layers().iter().map(|layer| {
            Ok(Layer {
                path: blob_path(layer)?,
                digest: Some(layer.digest().to_string().parse()?),
            })
        });
        let layers = layers.collect::<Result<Vec<_>>>()?;
        self.assemble(
            files,
            config,
            &diff_ids,
            &layers,
            descriptor.digest().as_ref(),
        )
    }

    fn import_docker(&self, files: &Files, tag: &str) -> Result<Image> {
        let images: Vec<DockerImage> = serde_json::from_slice(&files.read("manifest.json")?)?;
        let tagged = |image: &&DockerImage| {
            let tags = image.repo_tags.iter().flatten();
            tags.into_iter()
                .any(|known| known == tag || known.rsplit(':').next() == Some(tag))
        };
        let image = if tag.is_empty() {
            images.first()
        } else {
            images.iter().find(tagged)
        };
        let Some(image) = image else {
            eyre::bail!("there is no image `{tag}` in it");
        };
        let text = files.read(&image.config)?;
        let (config, diff_ids) = config::read(&text)?;
        let layers = image.layers.iter().map(|path| Layer {
            path: path.clone(),
            digest: None,
        });
        let layers = layers.collect::<Vec<_>>();
        let reference = Digest::of(&text).to_string();
        self.assemble(files, config, &diff_ids, &layers, &reference)
    }

    /// Unpacks what is not there yet.
    fn assemble(
        &self,
        files: &Files,
        config: ImageConfig,
        diff_ids: &[Digest],
        layers: &[Layer],
        reference: &str,
    ) -> Result<Image> {
        if diff_ids.len() != layers.len() {
            eyre::bail!(
                "its configuration names {} layers, its manifest {}",
                diff_ids.len(),
                layers.len()
            );
        }
        let mut names = Vec::new();
        for (index, (diff_id, layer)) in diff_ids.iter().zip(layers).enumerate() {
            let name = layer_name(diff_id, index == 0);
            if !self.store.keep_layer(&name) {
                self.unpack_into_store(
                    || files.stream(&layer.path),
                    layer.digest.as_ref(),
                    diff_id,
                    &name,
                    index == 0,
                )?;
            }
            names.push(name);
        }
        let rootfs = Snapshot {
            id: rootfs_id(diff_ids),
            layers: names,
        };
        Ok(Image {
            config,
            rootfs,
            reference: reference.to_owned(),
        })
    }

    /// Makes a layer of the store, if it has the content that it should have:
    /// nothing is there before that is known. The stream is asked for again
    /// when it cannot be unpacked, to tell whether that is its own fault.
    pub(super) fn unpack_into_store<R: Read>(
        &self,
        stream: impl Fn() -> Result<R>,
        digest: Option<&Digest>,
        diff_id: &Digest,
        name: &str,
        lowest: bool,
    ) -> Result<()> {
        let dir = self.store.new_layer_dir()?;
        let whiteouts = if lowest {
            Whiteouts::Ignore
        } else {
            Whiteouts::Keep
        };
        let found = unpack_layer(stream()?, digest.is_some(), dir.path(), whiteouts);
        if let Some(digest) = digest {
            let blob = match found.as_ref().ok().and_then(|found| found.blob) {
                Some(blob) => blob,
                None => Hashed::new(stream()?).sum()?,
            };
            check_blob(digest, &blob)?;
        }
        let found = found
            .wrap_err_with(|| format!("cannot unpack layer `{diff_id}`"))
            .map_err(|error| self.store.explain(error))?
            .diff_id;
        if found != *diff_id {
            eyre::bail!("layer `{diff_id}` is damaged: its content has the digest `{found}`");
        }
        self.store.adopt_layer(&dir.keep(), Some(name.to_owned()))?;
        Ok(())
    }
}

/// Name of an image's layer in the store. In the lowest one marks that hide
/// files mean nothing, so it is another layer when it lies elsewhere.
pub(super) fn layer_name(diff_id: &Digest, lowest: bool) -> String {
    format!("{}{}", &diff_id.hex()[..32], if lowest { "-0" } else { "" })
}

/// Identity of the file system of these layers, lowest first.
pub(super) fn rootfs_id(diff_ids: &[Digest]) -> Digest {
    if diff_ids.is_empty() {
        return crate::store::Store::scratch().id;
    }
    Hasher::new("image-rootfs-1")
        .with_all(diff_ids.iter())
        .digest()
}

pub(super) fn is_index(descriptor: &Descriptor) -> bool {
    let kind = descriptor.media_type().to_string();
    kind.contains("image.index") || kind.contains("manifest.list")
}

/// Reads what an archive says about its images, whatever it is: the way to the
/// layers, as far as it goes without files.
#[cfg(any(test, feature = "fuzz"))]
pub(crate) fn read_texts(text: &[u8]) -> Result<()> {
    if let Ok(index) = serde_json::from_slice::<ImageIndex>(text) {
        for tag in ["", "latest"] {
            if let Ok(descriptor) = choose(&index, tag) {
                is_index(descriptor);
                let path = blob_path(descriptor)?;
                eyre::ensure!(!path.contains(".."), "`{path}` leads out");
            }
        }
    }
    if let Ok(manifest) = serde_json::from_slice::<ImageManifest>(text) {
        for blob in manifest.layers().iter().chain([manifest.config()]) {
            blob_path(blob)?;
        }
    }
    serde_json::from_slice::<Vec<DockerImage>>(text)?;
    Ok(())
}

/// The entry of that name, or the first for this machine, or the only one.
fn choose<'a>(index: &'a ImageIndex, tag: &str) -> Result<&'a Descriptor> {
    let named = |entry: &&Descriptor| {
        let notes = entry.annotations().iter().flatten();
        notes.into_iter().any(|(key, value)| {
            NAMES.contains(&key.as_str()) && (value == tag || value.rsplit(':').next() == Some(tag))
        })
    };
    if !tag.is_empty() {
        return index
            .manifests()
            .iter()
            .find(named)
            .ok_or_else(|| eyre::eyre!("there is no image `{tag}` in it"));
    }
    let own = |entry: &&Descriptor| {
        entry
            .platform()
            .as_ref()
            .is_some_and(|platform| config::fits(platform, host_platform()))
    };
    let found = index
        .manifests()
        .iter()
        .find(own)
        .or_else(|| index.manifests().first());
    found.ok_or_else(|| eyre::eyre!("there is no image in it"))
}

fn blob_path(descriptor: &Descriptor) -> Result<String> {
    let digest: Digest = descriptor.digest().to_string().parse()?;
    Ok(format!("blobs/sha256/{}", digest.hex()))
}

/// The content of a blob, if it is what it should be.
fn blob(files: &Files, descriptor: &Descriptor) -> Result<Vec<u8>> {
    let text = files.read(&blob_path(descriptor)?)?;
    check_blob(
        &descriptor.digest().to_string().parse()?,
        &Digest::of(&text),
    )?;
    Ok(text)
}

fn check_blob(digest: &Digest, found: &Digest) -> Result<()> {
    if found != digest {
        eyre::bail!("blob `{digest}` is damaged: its content has the digest `{found}`");
    }
    Ok(())
}
