//! Pushing by the engine, which sends only layers that are not there.

use std::time::{SystemTime, UNIX_EPOCH};

use poniard_sdk::prelude::*;

use super::reference::{check_tag, is_digest};
use super::registry::Registry;
use crate::aws::{Client, ecr};

/// What `php-build` and others write the commit into.
const REVISION: &str = "org.opencontainers.image.revision";

/// The tag that was asked for, or else the commit in the image's labels.
pub async fn tag(image: &Container, asked: Option<String>) -> Result<String> {
    let tag = match asked {
        Some(tag) => tag,
        None => image
            .label(REVISION)
            .await
            .nullable()?
            .filter(|label: &String| !label.is_empty())
            .ok_or_else(|| {
                eyre!("the image has no label `{REVISION}`: pass `--tag`, such as `$CI_COMMIT_SHA`")
            })?,
    };
    check_tag(&tag)?;
    Ok(tag)
}

/// Pushes without ever moving a tag. When the tag is there, the image gets one
/// beside it, and loses it again if both are the same image. Gives the digest.
pub async fn push(
    client: &Client,
    registry: &Registry,
    image: &Container,
    tag: &str,
) -> Result<String> {
    let there = registry.manifest(tag).await?.map(|stored| stored.digest);
    let name = match &there {
        None => tag.to_owned(),
        Some(_) => beside(tag),
    };
    let address = format!("{}/{}:{name}", registry.host, registry.path);
    let secret_name = format!("lambda-publish {}", registry.host);
    let password = dag().set_secret(secret_name, registry.password.as_str());
    let reference = image
        .with_registry_auth(registry.host.as_str(), registry.user.as_str(), password)
        .publish(address.as_str())
        .await?;
    let digest = reference.rsplit('@').next().unwrap_or_default().to_owned();
    ensure!(
        is_digest(&digest),
        "the engine pushed `{address}`, but calls it `{reference}`, without a digest"
    );
    if there.as_deref() == Some(&digest) {
        // One tag too many does no harm.
        let _ = ecr::untag(client, &registry.path, &name).await;
    }
    Ok(digest)
}

fn beside(tag: &str) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let short: String = tag.chars().take(100).collect();
    format!("{short}-{}", now.as_millis())
}
