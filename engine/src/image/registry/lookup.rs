//! What a name stands for now, without the image.

use std::collections::BTreeMap;

use eyre::Result;
use oci_client::Reference;

use crate::image::{Credentials, Images, reference};

impl Images {
    /// Whether a recipe makes the image of this name, so that no registry is asked.
    pub fn is_made(&self, address: &str) -> Result<bool> {
        let reference = reference::parse(address)?;
        Ok(self.settings.recipe(&reference).is_some())
    }

    /// Digest of what a registry has by this name for a platform, also where a
    /// recipe would make it. `auth`: as for [`Images::get`].
    pub async fn digest(
        &self,
        address: &str,
        platform: &str,
        auth: &BTreeMap<String, Credentials>,
    ) -> Result<String> {
        let reference = reference::parse(address)?;
        if let Some(mirror) = self.mirrored(&reference)
            && let Ok(digest) = self.digest_at(mirror, address, platform, auth).await
        {
            return Ok(digest);
        }
        self.digest_at(reference, address, platform, auth).await
    }

    async fn digest_at(
        &self,
        reference: Reference,
        address: &str,
        platform: &str,
        auth: &BTreeMap<String, Credentials>,
    ) -> Result<String> {
        let remote = self.remote(reference, auth).await?;
        let (text, digest) = remote.manifest(&remote.reference, address).await?;
        // It has to be there for the platform.
        remote.image_manifest(&text, address, platform).await?;
        Ok(digest)
    }
}
