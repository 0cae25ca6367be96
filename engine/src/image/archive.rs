//! Writes image archives: an OCI layout in a tar, with docker's `manifest.json`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use eyre::{Result, WrapErr};
use serde_json::{Value, json};
use tar::{Builder, EntryType, Header};

use super::pack::Blob;
use super::{Compression, Form, ImageConfig, Images, MediaTypes, config};
use crate::store::{Digest, Snapshot};

impl Form {
    pub(super) fn manifest(self) -> &'static str {
        match self.media_types {
            MediaTypes::Oci => "application/vnd.oci.image.manifest.v1+json",
            MediaTypes::Docker => "application/vnd.docker.distribution.manifest.v2+json",
        }
    }

    pub(super) fn index(self) -> &'static str {
        match self.media_types {
            MediaTypes::Oci => "application/vnd.oci.image.index.v1+json",
            MediaTypes::Docker => "application/vnd.docker.distribution.manifest.list.v2+json",
        }
    }

    fn config(self) -> &'static str {
        match self.media_types {
            MediaTypes::Oci => "application/vnd.oci.image.config.v1+json",
            MediaTypes::Docker => "application/vnd.docker.container.image.v1+json",
        }
    }

    fn layer(self) -> &'static str {
        match (self.media_types, self.compression) {
            (MediaTypes::Oci, compression) => compression.media_type(),
            (_, Compression::Gzip) => "application/vnd.docker.image.rootfs.diff.tar.gzip",
            (_, Compression::Zstd) => "application/vnd.docker.image.rootfs.diff.tar.zstd",
            (_, Compression::Uncompressed) => "application/vnd.docker.image.rootfs.diff.tar",
        }
    }
}

/// An image in parts that have digests.
pub(super) struct Parts {
    pub config: Vec<u8>,
    pub manifest: Vec<u8>,
    pub layers: Vec<Blob>,
    pub platform: String,
    form: Form,
}

impl Parts {
    pub fn new(
        config: &ImageConfig,
        layers: Vec<Blob>,
        form: Form,
        annotations: &[(String, String)],
    ) -> Result<Self> {
        let diff_ids: Vec<Digest> = layers.iter().map(|layer| layer.diff_id).collect();
        let text = config::write(config, &diff_ids)?;
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": form.manifest(),
            "config": descriptor(form.config(), &text),
            "layers": layers.iter().map(|layer| json!({
                "mediaType": form.layer(),
                "digest": layer.digest,
                "size": layer.size,
            })).collect::<Vec<_>>(),
        });
        annotate(&mut manifest, form, annotations);
        Ok(Self {
            config: text,
            manifest: serde_json::to_vec(&manifest)?,
            layers,
            platform: config.platform.clone(),
            form,
        })
    }

    /// The manifest's entry in an index.
    pub fn entry(&self) -> Value {
        let mut entry = descriptor(self.form.manifest(), &self.manifest);
        entry["platform"] = config::platform_json(&self.platform);
        entry
    }
}

/// An index of images, for several platforms.
pub(super) fn index(
    parts: &[Parts],
    form: Form,
    annotations: &[(String, String)],
) -> Result<Vec<u8>> {
    let mut index = json!({
        "schemaVersion": 2,
        "mediaType": form.index(),
        "manifests": parts.iter().map(Parts::entry).collect::<Vec<_>>(),
    });
    annotate(&mut index, form, annotations);
    Ok(serde_json::to_vec(&index)?)
}

pub(super) fn descriptor(media_type: &str, blob: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": Digest::of(blob), "size": blob.len() })
}

/// Docker's have no place for annotations.
fn annotate(value: &mut Value, form: Form, annotations: &[(String, String)]) {
    if !annotations.is_empty() && form.media_types == MediaTypes::Oci {
        value["annotations"] = json!(annotations.iter().cloned().collect::<BTreeMap<_, _>>());
    }
}

impl Images {
    /// Writes an OCI image archive (also readable by `docker load`) with one
    /// image per platform. The same input gives the same bytes.
    pub async fn archive(
        &self,
        images: &[(ImageConfig, Snapshot)],
        form: impl Into<Form>,
        annotations: &[(String, String)],
        dest: &Path,
    ) -> Result<()> {
        let form = form.into();
        let (own, images) = (self.clone(), images.to_vec());
        let (annotations, dest) = (annotations.to_vec(), dest.to_owned());
        tokio::task::spawn_blocking(move || {
            own.archive_blocking(&images, form, &annotations, &dest)
                .wrap_err_with(|| format!("cannot write the image archive `{}`", dest.display()))
        })
        .await
        .wrap_err("the work was cut short")?
    }

    fn archive_blocking(
        &self,
        images: &[(ImageConfig, Snapshot)],
        form: Form,
        annotations: &[(String, String)],
        dest: &Path,
    ) -> Result<()> {
        let temp = self.store.temp_dir()?;
        let mut blobs: BTreeMap<String, Content> = BTreeMap::new();
        let mut all = Vec::new();
        for (config, snapshot) in images {
            let mut layers = Vec::new();
            for name in &snapshot.layers {
                let path = temp.path().join(name);
                let mut file = File::create(&path)?;
                let blob = self
                    .pack(name, form.compression, &mut file)
                    .map_err(|error| self.store.explain(error))?;
                blobs.insert(blob.digest.hex(), Content::File(path));
                layers.push(blob);
            }
            let parts = Parts::new(config, layers, form, annotations)?;
            for text in [&parts.config, &parts.manifest] {
                blobs.insert(Digest::of(text).hex(), Content::Text(text.clone()));
            }
            all.push(parts);
        }
        let docker: Vec<Value> = all.iter().map(docker_entry).collect();
        let mut out = self.store.exports().beside(dest)?;
        let mut builder = Builder::new(io::BufWriter::new(out.as_file_mut()));
        for dir in ["blobs/", "blobs/sha256/"] {
            append(&mut builder, EntryType::Directory, dir, 0, io::empty())?;
        }
        for (hex, content) in blobs {
            content.append(&mut builder, &format!("blobs/sha256/{hex}"))?;
        }
        let layout = serde_json::to_vec(&json!({ "imageLayoutVersion": "1.0.0" }))?;
        // The entry point of a layout is OCI's, whatever it leads to.
        let entry = Form::from(form.compression);
        Content::Text(index(&all, entry, annotations)?).append(&mut builder, "index.json")?;
        Content::Text(serde_json::to_vec(&docker)?).append(&mut builder, "manifest.json")?;
        Content::Text(layout).append(&mut builder, "oci-layout")?;
        builder.into_inner()?.flush()?;
        std::fs::set_permissions(
            out.path(),
            std::os::unix::fs::PermissionsExt::from_mode(0o644),
        )?;
        out.persist(dest)?;
        Ok(())
    }
}

/// What `docker load` goes by.
fn docker_entry(parts: &Parts) -> Value {
    let path = |digest: &Digest| format!("blobs/sha256/{}", digest.hex());
    json!({
        "Config": path(&Digest::of(&parts.config)),
        "RepoTags": null,
        "Layers": parts.layers.iter().map(|layer| path(&layer.digest)).collect::<Vec<_>>(),
    })
}

enum Content {
    File(PathBuf),
    Text(Vec<u8>),
}

impl Content {
    fn append(&self, builder: &mut Builder<impl Write>, path: &str) -> Result<()> {
        match self {
            Self::Text(text) => append(
                builder,
                EntryType::Regular,
                path,
                text.len() as u64,
                text.as_slice(),
            ),
            Self::File(file) => {
                let file = File::open(file)?;
                append(
                    builder,
                    EntryType::Regular,
                    path,
                    file.metadata()?.len(),
                    file,
                )
            }
        }
    }
}

/// Entries say nothing of when and by whom they were made.
fn append(
    builder: &mut Builder<impl Write>,
    kind: EntryType,
    path: &str,
    size: u64,
    content: impl io::Read,
) -> Result<()> {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(if kind == EntryType::Directory {
        0o755
    } else {
        0o644
    });
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(size);
    Ok(builder.append_data(&mut header, path, content)?)
}
