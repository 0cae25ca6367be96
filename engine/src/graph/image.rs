//! Images by name: that which the lock has, or what the name stands for now.

use std::collections::BTreeMap;
use std::sync::Arc;

use eyre::Result;

use super::Engine;
use crate::image::{Credentials, Image, parse_reference};
use crate::lock::Lookup;

/// The image called `address`; `auth` as for [`crate::image::Images::get`].
pub async fn get(
    engine: &Arc<Engine>,
    address: &str,
    platform: &str,
    auth: &BTreeMap<String, Credentials>,
) -> Result<Image> {
    let (images, progress) = (&engine.images, &engine.progress);
    let unlocked = || images.get(address, platform, auth, progress);
    if !engine.lock.counts() {
        return unlocked().await;
    }
    let reference = parse_reference(address)?;
    if reference.digest().is_some() {
        return unlocked().await;
    }
    let lookup = Lookup::Image {
        name: reference.whole(),
        platform: platform.to_owned(),
    };
    if let Some(digest) = engine.lock.pin(&lookup)? {
        let pinned = format!("{}@{digest}", reference.whole());
        return images.get(&pinned, platform, auth, progress).await;
    }
    let image = unlocked().await?;
    // What a recipe makes has no digest that others would know.
    if let Some((_, digest)) = image.reference.split_once('@')
        && !images.is_made(address)?
    {
        engine.lock.record(&lookup, digest, lookup.policy())?;
    }
    Ok(image)
}
