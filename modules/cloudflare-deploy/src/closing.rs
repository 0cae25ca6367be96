//! Closes a preview. Cloudflare keeps versions and aliases: what can be done is
//! to give the alias to a version that says it is closed.

use poniard_sdk::prelude::*;
use serde_json::json;

use crate::site::Worker;
use crate::wrangler::Files;

const SCRIPT: &str = "export default { fetch: () => new Response(\"This preview is closed.\\n\", { status: 410 }) };\n";
const MESSAGE: &str = "Preview closed";
const FILE: &str = "wrangler.json";
/// An old version is looked for among so many.
const VERSIONS: usize = 100;

/// Closes the alias's address, and gives it; nothing when there is no worker.
pub async fn close(worker: &Worker, alias: &str) -> Result<Option<String>> {
    let api = worker.api().await?;
    if !api.exists().await? {
        return Ok(None);
    }
    let address = api.address_of_alias(alias).await?.unwrap_or_default();
    let versions = api.versions(VERSIONS).await?;
    let newest = versions
        .iter()
        .find(|version| version.annotations.alias.as_deref() == Some(alias));
    if newest.is_some_and(|version| version.annotations.message.as_deref() == Some(MESSAGE)) {
        return Ok(Some(address));
    }
    let project = dag()
        .directory()
        .with_new_file("closed.js", SCRIPT)
        .with_new_file(FILE, config(worker));
    let closing = project.file(FILE);
    let files = Files {
        project: Some(&project),
        ..Files::default()
    };
    let mut flags = vec![
        format!("--preview-alias={alias}"),
        format!("--message={MESSAGE}"),
    ];
    flags.extend(worker.env.iter().map(|env| format!("--env={env}")));
    worker
        .wrangler
        .run((FILE, &closing), &files, &["versions", "upload"], &flags)
        .await
        .wrap_err_with(|| format!("cannot close alias `{alias}` of `{}`", worker.name()))?;
    Ok(Some(address))
}

/// For the same worker and environment, so that what Wrangler notes about them
/// at the worker stays as it is.
fn config(worker: &Worker) -> String {
    let name = worker.name();
    let service = worker.settings.service.as_deref().unwrap_or(name);
    let mut config = json!({
        "name": service,
        "main": "closed.js",
        "compatibility_date": "2025-01-01",
    });
    if let Some(env) = &worker.env {
        config["env"] = json!({ env.as_str(): { "name": name } });
    }
    config.to_string()
}
