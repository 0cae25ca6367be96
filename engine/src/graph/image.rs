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
    let pin = engine.lock.pin(&lookup)?;
    // What a recipe makes has no digest that others would know.
    if pin.is_none() && images.is_made(address)? {
        return unlocked().await;
    }
    let digest = match &pin {
        Some(digest) => digest.clone(),
        // Of now, or none: a copy of an earlier run is nothing to write down.
        None => images.digest(address, platform, auth).await?,
    };
    let pinned = format!("{}@{digest}", reference.whole());
    let image = images.get(&pinned, platform, auth, progress).await?;
    if pin.is_none() {
        engine.lock.record(&lookup, &digest, lookup.policy())?;
    }
    Ok(image)
}
