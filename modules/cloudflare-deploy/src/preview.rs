//! Uploads a version that is not live, for people to look at.

use poniard_sdk::prelude::*;

use crate::output::Entry;
use crate::results::Preview;
use crate::site::Site;
use crate::wrangler::failed_at_cloudflare;

/// Preview addresses must not be switched off.
pub fn need_addresses(site: &Site) -> Result<()> {
    let settings = &site.worker.settings;
    match settings.preview_urls {
        Some(flag) if !flag.set => Err(settings.document.error(
            flag.at,
            "`preview_urls` is `false`, so a preview would have no address: set it to `true`",
        )),
        _ => Ok(()),
    }
}

/// Uploads a version. A worker that does not exist cannot have one: it is
/// deployed first.
pub async fn upload(site: &Site, alias: Option<&str>) -> Result<Preview> {
    let flags: Vec<String> = alias
        .iter()
        .map(|alias| format!("--preview-alias={alias}"))
        .collect();
    let command = ["versions", "upload"];
    let error = match site.send(&command, &flags).await {
        Ok(entries) => return preview(site, &entries, None),
        Err(error) => error,
    };
    // Wrangler's words for it may change, the API's answer does not.
    if failed_at_cloudflare(&error) || site.worker.api().await?.exists().await.unwrap_or(true) {
        return Err(error);
    }
    let name = site.worker.name();
    let first = site
        .send(&["deploy"], &[])
        .await
        .wrap_err_with(|| format!("`{name}` is new, and its first deploy failed"))?;
    let live = crate::deployment::addresses(&first);
    let live = live.first().map_or("no address", String::as_str).to_owned();
    let entries = site.send(&command, &flags).await.wrap_err_with(|| {
        format!(
            "`{name}` was new and its first deploy is live at {live}, but no preview is up: run it again"
        )
    })?;
    preview(site, &entries, Some(&live))
}

fn preview(site: &Site, entries: &[Entry], live: Option<&str>) -> Result<Preview> {
    let found = entries.iter().rev().find_map(|entry| match entry {
        Entry::VersionUpload {
            worker_name,
            version_id: Some(version_id),
            preview_url,
            preview_alias_url,
        } => Some((worker_name, version_id, preview_url, preview_alias_url)),
        _ => None,
    });
    let Some((worker, version_id, url, alias_url)) = found else {
        bail!(
            "Wrangler ended without saying what it uploaded: look at the versions of `{}`",
            site.worker.name()
        );
    };
    let worker = worker
        .clone()
        .unwrap_or_else(|| site.worker.name().to_owned());
    let [url, alias_url] = [url, alias_url].map(|url| url.clone().unwrap_or_default());
    let summary = summary(&worker, version_id, &url, &alias_url, live);
    Ok(Preview {
        url,
        alias_url,
        version_id: version_id.clone(),
        worker,
        comment_url: String::new(),
        first_deploy: live.is_some(),
        summary,
    })
}

fn summary(
    worker: &str,
    version_id: &str,
    url: &str,
    alias_url: &str,
    live: Option<&str>,
) -> String {
    let mut lines = vec![format!("**Preview of `{worker}`**"), String::new()];
    if !alias_url.is_empty() {
        lines.push(format!("- Newest: {alias_url}"));
    }
    if url.is_empty() {
        lines.push("- It has no address: switch on preview URLs of the worker".to_owned());
    } else {
        lines.push(format!("- This version: {url}"));
    }
    lines.push(format!("- Version: `{version_id}`"));
    if let Some(live) = live {
        lines.push(String::new());
        lines.push(format!(
            "> **First deploy:** `{worker}` did not exist, so this site is now **live**: {live}"
        ));
    }
    lines.join("\n")
}
