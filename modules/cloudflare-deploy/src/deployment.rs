//! Makes a version live.

use poniard_sdk::prelude::*;

use crate::output::{Entry, address};
use crate::results::Deployment;
use crate::site::{Site, Worker};
use crate::traffic::Split;
use crate::wrangler::Files;

pub async fn deploy(site: &Site, dry_run: bool) -> Result<Deployment> {
    let flags: Vec<String> = dry_run
        .then(|| "--dry-run".to_owned())
        .into_iter()
        .collect();
    let entries = site.send(&["deploy"], &flags).await?;
    let worker = &site.worker;
    let found = entries.iter().rev().find_map(|entry| match entry {
        Entry::Deploy { version_id, .. } => Some(version_id.clone().unwrap_or_default()),
        _ => None,
    });
    let Some(version_id) = found.filter(|id| dry_run || !id.is_empty()) else {
        bail!(
            "Wrangler ended without saying what it deployed: look at the deployments of `{}`",
            worker.name()
        );
    };
    let urls = addresses(&entries);
    let name = worker.name();
    let summary = match (dry_run, urls.first()) {
        (true, _) => format!("Dry run: `{name}` can be deployed, nothing was sent."),
        (false, Some(url)) => format!("Deployed `{name}` to {url}, version `{version_id}`."),
        (false, None) => format!("Deployed `{name}`, version `{version_id}`. It has no address."),
    };
    let deployment_id = match dry_run {
        true => String::new(),
        // What is live is live, whether or not its number can be had.
        false => latest(worker, &version_id).await.unwrap_or_default(),
    };
    Ok(Deployment {
        url: urls.first().cloned().unwrap_or_default(),
        urls,
        worker: name.to_owned(),
        version_id,
        deployment_id,
        summary,
    })
}

/// Gives versions their shares of the requests.
pub async fn shift(worker: &Worker, split: &Split, message: Option<String>) -> Result<Deployment> {
    let shares: Vec<String> = split
        .iter()
        .map(|(version, percent)| format!("{version}@{percent}%"))
        .collect();
    let mut command = vec!["versions", "deploy"];
    command.extend(shares.iter().map(String::as_str));
    let mut flags = vec!["--yes".to_owned()];
    flags.extend(message.map(|message| format!("--message={message}")));
    let entries = worker.run(&Files::default(), &command, &flags).await?;
    let deployment_id = entries.iter().rev().find_map(|entry| match entry {
        Entry::VersionDeploy { deployment_id } => Some(deployment_id.clone().unwrap_or_default()),
        _ => None,
    });
    let name = worker.name();
    let Some(deployment_id) = deployment_id else {
        bail!(
            "Wrangler ended without saying what it deployed: look at the deployments of `{name}`"
        );
    };
    let url = match worker.api().await {
        Ok(api) => api.address().await.ok().flatten(),
        Err(_) => None,
    };
    let lines: Vec<String> = split
        .iter()
        .map(|(version, percent)| format!("- `{version}`: {percent} %"))
        .collect();
    Ok(Deployment {
        urls: url.iter().cloned().collect(),
        url: url.unwrap_or_default(),
        worker: name.to_owned(),
        version_id: split
            .first()
            .map_or_else(String::new, |(version, _)| version.clone()),
        deployment_id,
        summary: format!("Requests to `{name}` go to\n\n{}", lines.join("\n")),
    })
}

/// Addresses of what was deployed, own domains before the one at workers.dev.
pub fn addresses(entries: &[Entry]) -> Vec<String> {
    let targets = entries.iter().rev().find_map(|entry| match entry {
        Entry::Deploy { targets, .. } => targets.as_deref(),
        _ => None,
    });
    let targets = targets.unwrap_or_default().iter();
    let mut urls: Vec<String> = targets.filter_map(|target| address(target)).collect();
    urls.sort_by_key(|url| url.ends_with(".workers.dev"));
    urls
}

async fn latest(worker: &Worker, version_id: &str) -> Result<String> {
    let deployments = worker.api().await?.deployments().await?;
    let ours = deployments.into_iter().find(|deployment| {
        deployment
            .versions
            .iter()
            .any(|share| share.version_id == version_id)
    });
    Ok(ours.map(|deployment| deployment.id).unwrap_or_default())
}
