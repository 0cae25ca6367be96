//! The image: an OCI layout with a manifest for each platform.
//!
//! `/modules/<name>/<key of the sources>/module`, a layer for each module, and
//! `/etc/ssl/certs/ca-certificates.crt`: the authorities that a program trusts in
//! a container with nothing else. No times, so that the same programs give the
//! same digest.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eyre::{Result, WrapErr};
use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};

use super::checksums::hex;
use super::{PLATFORMS, Plan, Platform};

pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// Writes the layout; gives the digest of the image, which is its inner index.
pub fn write(plan: &Plan, programs: &Path, layout: &Path) -> Result<String> {
    let layout = Layout { dir: layout };
    fs::create_dir_all(layout.dir.join("blobs/sha256"))?;
    let mut manifests = Vec::new();
    for platform in &PLATFORMS {
        manifests.push(layout.manifest(plan, platform, &programs.join(platform.architecture))?);
    }
    let image = layout.json(
        INDEX,
        &json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests }),
    )?;
    let digest = image["digest"].as_str().unwrap_or_default().to_owned();
    let mut named = image;
    named["annotations"] = json!({ "org.opencontainers.image.ref.name": plan.version });
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [named] });
    layout.index(&index)?;
    Ok(digest)
}

/// A directory in the form of an OCI layout.
pub struct Layout<'a> {
    pub dir: &'a Path,
}

impl Layout<'_> {
    /// The descriptor of a platform's image.
    fn manifest(&self, plan: &Plan, platform: &Platform, programs: &Path) -> Result<Value> {
        let mut files = vec![(
            "etc/ssl/certs/ca-certificates.crt".to_owned(),
            authorities().into_bytes(),
            0o644,
        )];
        for module in &plan.modules {
            let program = programs.join(&module.name);
            let contents = fs::read(&program)
                .wrap_err_with(|| format!("cannot read `{}`", program.display()))?;
            let path = module_source::program_path(&module.name, &module.key);
            files.push((path, contents, 0o755));
        }
        let (mut layers, mut diff_ids) = (Vec::new(), Vec::new());
        for (path, contents, mode) in &files {
            let tar = archive(path, contents, *mode)?;
            diff_ids.push(format!("sha256:{}", hex(&tar)));
            let mut packed = GzBuilder::new().write(Vec::new(), Compression::best());
            std::io::Write::write_all(&mut packed, &tar)?;
            layers.push(self.blob(LAYER, &packed.finish()?)?);
        }
        let platform = json!({ "architecture": platform.architecture, "os": "linux" });
        let mut config = platform.clone();
        config["config"] =
            json!({ "Labels": { "org.opencontainers.image.version": plan.version } });
        config["rootfs"] = json!({ "type": "layers", "diff_ids": diff_ids });
        let config = self.json(CONFIG, &config)?;
        let mut manifest = self.json(
            MANIFEST,
            &json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers }),
        )?;
        manifest["platform"] = platform;
        Ok(manifest)
    }

    /// What makes a directory a layout, and says what is in it.
    pub fn index(&self, index: &Value) -> Result<()> {
        fs::write(self.dir.join("index.json"), serde_json::to_vec(index)?)?;
        let version = r#"{"imageLayoutVersion":"1.0.0"}"#;
        Ok(fs::write(self.dir.join("oci-layout"), version)?)
    }

    pub fn json(&self, kind: &str, value: &Value) -> Result<Value> {
        self.blob(kind, &serde_json::to_vec(value)?)
    }

    /// Keeps a blob; gives its descriptor.
    pub fn blob(&self, kind: &str, contents: &[u8]) -> Result<Value> {
        let hex = hex(contents);
        fs::write(self.dir.join("blobs/sha256").join(&hex), contents)?;
        let digest = format!("sha256:{hex}");
        Ok(json!({ "mediaType": kind, "digest": digest, "size": contents.len() }))
    }
}

/// A tar of one file and the directories above it.
fn archive(path: &str, contents: &[u8], mode: u32) -> Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    let header = |kind, size, mode| {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_mode(mode);
        header
    };
    let above: Vec<&Path> = Path::new(path).ancestors().skip(1).collect();
    for dir in above.iter().rev().filter(|dir| !dir.as_os_str().is_empty()) {
        let mut header = header(tar::EntryType::Directory, 0, 0o755);
        tar.append_data(&mut header, dir.join(""), std::io::empty())?;
    }
    let mut header = header(tar::EntryType::Regular, contents.len() as u64, mode);
    tar.append_data(&mut header, path, contents)?;
    Ok(tar.into_inner()?)
}

/// Mozilla's, in PEM: not those of this machine, which may be its own.
fn authorities() -> String {
    let mut text = String::new();
    for certificate in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        text += "-----BEGIN CERTIFICATE-----\n";
        let encoded = STANDARD.encode(certificate);
        for line in encoded.as_bytes().chunks(64) {
            text += &String::from_utf8_lossy(line);
            text.push('\n');
        }
        text += "-----END CERTIFICATE-----\n";
    }
    text
}
