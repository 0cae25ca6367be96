//! Static files, split off for object storage.

use poniard_sdk::prelude::*;
use poniard_sdk::serde_json;

use crate::image::TIME;

const PROGRAM: &str = include_str!("artifacts.php");

/// Content types of files by their extension.
pub const TYPES: [(&str, &str); 25] = [
    ("avif", "image/avif"),
    ("css", "text/css"),
    ("gif", "image/gif"),
    ("html", "text/html"),
    ("ico", "image/x-icon"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript"),
    ("json", "application/json"),
    ("map", "application/json"),
    ("mjs", "text/javascript"),
    ("mp4", "video/mp4"),
    ("otf", "font/otf"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("ttf", "font/ttf"),
    ("txt", "text/plain"),
    ("wasm", "application/wasm"),
    ("webm", "video/webm"),
    ("webmanifest", "application/manifest+json"),
    ("webp", "image/webp"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("xml", "application/xml"),
];

/// `<fingerprint>/…` and `manifest.json` of the files in `directory`.
pub fn laid_out(php: &Container, directory: Directory) -> Result<Directory> {
    let types: serde_json::Map<_, _> = TYPES
        .iter()
        .map(|&(extension, of_type)| (extension.to_owned(), of_type.into()))
        .collect();
    let types = serde_json::to_string(&types)?;
    let laid = php
        .with_mounted_directory("/in", directory)
        .with_new_file("/artifacts.php", PROGRAM)
        .with_exec(vec!["php", "-n", "/artifacts.php", types.as_str()]);
    Ok(laid.directory("/out").with_timestamps(TIME))
}
