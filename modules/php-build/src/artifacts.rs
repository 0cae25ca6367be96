//! Static files, split off for object storage.

use futures::try_join;
use poniard_sdk::api::DirectoryFilterOptsBuilder;
use poniard_sdk::prelude::*;
use poniard_sdk::serde_json::{self, Value, json};

use crate::deps::{ConfigCraftCloudOpts, Dependencies as _};
use crate::image::TIME;
use crate::plan::Plan;
use crate::project::{Project, join};

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

/// Those that no page reads on the server, as it does manifests, styles and drawings.
const FOR_BROWSERS: [&str; 18] = [
    "avif", "gif", "ico", "jpeg", "jpg", "js", "map", "mjs", "mp4", "otf", "pdf", "png", "ttf",
    "wasm", "webm", "webp", "woff", "woff2",
];

/// What is for object storage, and the rules for what stands before Lambda.
/// `assets` is what the Node.js step built.
pub async fn with_rules(plan: &Plan, assets: Option<Directory>) -> Result<Directory> {
    let path = plan.settings.artifact_path.as_str();
    let mut files = plan.project.source.clone();
    if let Some(assets) = assets {
        files = files.with_directory(path, assets);
    }
    let (laid, rules) = try_join!(laid_out(plan, &files), rules(&plan.project))?;
    Ok(match rules {
        Some(rules) => {
            laid.with_new_file("rules.json", serde_json::to_string_pretty(&rules)? + "\n")
        }
        None => laid,
    })
}

/// `<fingerprint>/…` and `manifest.json` of the project's static files, which
/// are in `files`.
pub async fn laid_out(plan: &Plan, files: &Directory) -> Result<Directory> {
    let path = plan.settings.artifact_path.as_str();
    let there = path.is_empty() || files.exists(path).await?;
    ensure!(
        there,
        "no `{}{path}`: correct `artifact-path` in `craft-cloud.yaml`",
        plan.project.shown
    );
    let types: serde_json::Map<_, _> = TYPES
        .iter()
        .map(|&(extension, of_type)| (extension.to_owned(), of_type.into()))
        .collect();
    let types = serde_json::to_string(&types)?;
    let laid = plan
        .base
        .with_mounted_directory("/in", files.directory(path))
        .with_new_file("/artifacts.php", PROGRAM)
        .with_exec(vec!["php", "-n", "/artifacts.php", types.as_str()]);
    Ok(laid.directory("/out").with_timestamps(TIME))
}

/// Name of the directory in what [`laid_out`] gives.
pub async fn fingerprint(laid: &Directory) -> Result<String> {
    let manifest = laid.file("manifest.json").contents().await?;
    let manifest: Value = serde_json::from_str(&manifest)?;
    Ok(manifest["fingerprint"]
        .as_str()
        .unwrap_or_default()
        .to_owned())
}

/// `source` without the files below `path` that only browsers read.
pub fn without(source: &Directory, path: &str) -> Result<Directory> {
    let patterns = FOR_BROWSERS.map(|extension| join(path, &format!("**/*.{extension}")));
    let opts = DirectoryFilterOptsBuilder::default()
        .exclude(patterns.iter().map(String::as_str).collect::<Vec<_>>())
        .build()?;
    Ok(source.filter_opts(opts))
}

/// What `craft-cloud.yaml` says to the CDN: redirects, rewrites and rules of its cache.
pub async fn rules(project: &Project) -> Result<Option<Value>> {
    let Some(file) = &project.config else {
        return Ok(None);
    };
    let opts = ConfigCraftCloudOpts {
        file: Some(file.id().await?),
        ..Default::default()
    };
    let craft = dag().config().craft_cloud_opts(opts);
    let (mut redirects, mut rewrites, mut cache) = (Vec::new(), Vec::new(), Vec::new());
    for rule in craft.redirects().await? {
        redirects.push(json!({
            "pattern": pattern(rule.pattern().await?),
            "destination": rule.destination().await?,
            "status": rule.status().await?,
        }));
    }
    for rule in craft.rewrites().await? {
        rewrites.push(json!({
            "pattern": pattern(rule.pattern().await?),
            "destination": rule.destination().await?,
            "headers": rule.headers().await?,
        }));
    }
    for rule in craft.cache_rules().await? {
        let keys = match rule.all_query_string_keys().await? {
            true => json!("all"),
            false => json!(rule.query_string_keys().await?),
        };
        cache.push(json!({
            "pattern": pattern(rule.pattern().await?),
            "queryStringMode": rule.query_string_mode().await?,
            "queryStringKeys": keys,
            "cookies": rule.cookies().await?,
        }));
    }
    Ok(Some(
        json!({ "redirects": redirects, "rewrites": rewrites, "cacheRules": cache }),
    ))
}

/// What URLPattern takes: a string, or an object of a URL's parts.
fn pattern(text: String) -> Value {
    match serde_json::from_str(&text) {
        Ok(object @ Value::Object(_)) => object,
        _ => Value::String(text),
    }
}
