//! Whether Lambda runs an image: one manifest of one platform, which is the
//! function's.

use poniard_sdk::prelude::*;
use serde::Deserialize;

use super::registry::{Registry, Stored};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    #[serde(default)]
    media_type: String,
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
    /// Of an index.
    manifests: Option<Vec<Descriptor>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    platform: Option<Platform>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Platform {
    os: String,
    architecture: String,
}

/// `linux/arm64` for `arm64`, as images call it.
pub fn platform_of(architecture: &str) -> &'static str {
    match architecture {
        "arm64" => "linux/arm64",
        _ => "linux/amd64",
    }
}

/// Fails unless a function of this architecture runs the image.
pub async fn check(registry: &Registry, stored: &Stored, architecture: &str) -> Result<()> {
    let image = format!("{}@{}", registry.uri, stored.digest);
    let config = single(&registry.uri, stored, architecture)?;
    let config = registry.blob(&config).await?;
    let platform: Platform = serde_json::from_str(&config)
        .wrap_err_with(|| format!("the configuration of image `{image}` is none"))?;
    let (is, wanted) = (
        format!("{}/{}", platform.os, platform.architecture),
        platform_of(architecture),
    );
    ensure!(
        is == wanted,
        "image `{image}` is for {is}, but the function is {architecture}: build it with `--platform {wanted}`"
    );
    Ok(())
}

/// The digest of the configuration of the only image.
fn single(uri: &str, stored: &Stored, architecture: &str) -> Result<String> {
    let image = format!("{uri}@{}", stored.digest);
    let manifest: Manifest = serde_json::from_str(&stored.text)
        .wrap_err_with(|| format!("the manifest of image `{image}` is none"))?;
    if let Some(manifests) = &manifest.manifests {
        bail!(index(uri, &image, manifests, architecture));
    }
    let attestation = manifest
        .layers
        .iter()
        .any(|layer| layer.media_type.contains("in-toto"));
    let config = manifest.config.filter(|config| {
        !attestation && (config.media_type.is_empty() || config.media_type.contains("image"))
    });
    let config = config.ok_or_else(|| {
        eyre!(
            "`{image}` is no image but an attestation or another artifact ({}): name the image that it belongs to",
            manifest.media_type
        )
    })?;
    Ok(config.digest)
}

/// What to do with an index, which Lambda refuses.
fn index(uri: &str, image: &str, manifests: &[Descriptor], architecture: &str) -> String {
    let wanted = platform_of(architecture);
    let shown: Vec<String> = manifests
        .iter()
        .map(|one| match &one.platform {
            Some(platform) if platform.os != "unknown" => {
                format!("{}/{}", platform.os, platform.architecture)
            }
            _ => "an attestation".to_owned(),
        })
        .collect();
    let fitting = manifests
        .iter()
        .zip(&shown)
        .find(|(_, shown)| *shown == wanted);
    let way_out = match fitting {
        Some((one, _)) => format!("publish the one of {wanted}, `{uri}@{}`", one.digest),
        None => format!("build it for {wanted}"),
    };
    format!(
        "image `{image}` is an index ({}), which Lambda does not run: {way_out}, \
         or build a single image (`docker buildx build --provenance=false --sbom=false --platform {wanted}`)",
        shown.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use poniard_sdk::serde_json::{Value, json};

    use super::*;

    fn stored(manifest: &Value) -> Stored {
        Stored {
            digest: "sha256:1".into(),
            text: manifest.to_string(),
        }
    }

    #[test]
    fn a_single_image_is_taken() -> Result<()> {
        let manifest = json!({
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:c" },
            "layers": [{ "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": "sha256:l" }],
        });
        assert_eq!(single("repo", &stored(&manifest), "arm64")?, "sha256:c");
        Ok(())
    }

    #[test]
    fn an_index_is_refused_with_the_image_that_fits() {
        let manifest = json!({ "manifests": [
            { "digest": "sha256:a", "platform": { "os": "linux", "architecture": "amd64" } },
            { "digest": "sha256:b", "platform": { "os": "linux", "architecture": "arm64" } },
            { "digest": "sha256:x", "platform": { "os": "unknown", "architecture": "unknown" } },
        ] });
        let error = single("repo", &stored(&manifest), "arm64")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("linux/amd64, linux/arm64, an attestation"),
            "{error}"
        );
        assert!(
            error.contains("`repo@sha256:b`") && error.contains("--provenance=false"),
            "{error}"
        );
        let error = single("repo", &stored(&json!({ "manifests": [] })), "x86_64").unwrap_err();
        assert!(error.to_string().contains("build it for linux/amd64"));
    }

    #[test]
    fn an_attestation_is_refused() {
        let manifest = json!({
            "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:c" },
            "layers": [{ "mediaType": "application/vnd.in-toto+json", "digest": "sha256:l" }],
        });
        let error = single("repo", &stored(&manifest), "arm64")
            .unwrap_err()
            .to_string();
        assert!(error.contains("attestation"), "{error}");
    }
}
