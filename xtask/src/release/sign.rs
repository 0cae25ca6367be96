//! A signature of the image as cosign keeps it: beside the image, a tag
//! `sha256-<digest>.sig` of an image whose one layer is what was signed.
//! <https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md>

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eyre::{Result, WrapErr};
use serde_json::json;
use xshell::{Shell, cmd};

use super::checksums::hex;
use super::image::{CONFIG, INDEX, Layout, MANIFEST};

const PAYLOAD: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

/// The name of the signature of a digest in the image's repository.
pub fn tag(digest: &str) -> String {
    format!("{}.sig", digest.replace(':', "-"))
}

/// Writes the layout of the signature, by a key of P-256 in PEM; the password of
/// the key, if it has one, is in `RELEASE_KEY_PASSWORD`.
pub fn write(sh: &Shell, repository: &str, digest: &str, key: &Path, layout: &Path) -> Result<()> {
    fs::create_dir_all(layout.join("blobs/sha256"))?;
    let payload = json!({
        "critical": {
            "identity": { "docker-reference": repository },
            "image": { "docker-manifest-digest": digest },
            "type": "cosign container image signature",
        },
        "optional": null,
    });
    let payload = serde_json::to_vec(&payload)?;
    // By the environment, since others can read a command line.
    let password = match std::env::var_os("RELEASE_KEY_PASSWORD") {
        Some(_) => vec!["-passin", "env:RELEASE_KEY_PASSWORD"],
        None => Vec::new(),
    };
    let signed = cmd!(sh, "openssl dgst -sha256 -sign {key} {password...}")
        .quiet()
        .stdin(&payload)
        .output()
        .wrap_err_with(|| format!("cannot sign with `{}`", key.display()))?;

    let layout = Layout { dir: layout };
    let mut layer = layout.blob(PAYLOAD, &payload)?;
    let signature = STANDARD.encode(signed.stdout);
    layer["annotations"] = json!({ "dev.cosignproject.cosign/signature": signature });
    let config = json!({
        "architecture": "",
        "os": "",
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{}", hex(&payload))] },
    });
    let config = layout.json(CONFIG, &config)?;
    let manifest =
        json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer] });
    let mut named = layout.json(MANIFEST, &manifest)?;
    named["annotations"] = json!({ "org.opencontainers.image.ref.name": "signature" });
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [named] });
    layout.index(&index)
}
