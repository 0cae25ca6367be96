//! A module's `dagger.json` with the image that has its program.

use eyre::{Result, eyre};
use serde_json::{Value, json};

/// `text` with `sdk.config.prebuilt`.
pub fn pinned(text: &str, image: &str) -> Result<String> {
    let mut config: Value = serde_json::from_str(text)?;
    let sdk = config
        .get_mut("sdk")
        .filter(|sdk| sdk.is_object())
        .ok_or_else(|| eyre!("`sdk` is no object with a `source`"))?;
    if !sdk["config"].is_object() {
        sdk["config"] = json!({});
    }
    sdk["config"]["prebuilt"] = image.into();
    Ok(serde_json::to_string_pretty(&config)? + "\n")
}
