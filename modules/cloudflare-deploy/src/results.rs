//! What the functions return.

use poniard_sdk::prelude::*;

/// A deployment of a worker.
#[object]
pub struct Deployment {
    /// Address of the worker: its first route, or the one at workers.dev; empty when it has none.
    pub url: String,
    /// All addresses that it answers at.
    pub urls: Vec<String>,
    /// Name of the worker.
    pub worker: String,
    /// Version that was deployed; empty for a dry run.
    pub version_id: String,
    /// Id of the deployment at Cloudflare; empty for a dry run.
    pub deployment_id: String,
    /// What happened, in a few lines of Markdown.
    pub summary: String,
}

/// A version of a worker that is up but not live.
#[object]
pub struct Preview {
    /// Address of exactly this version; empty when the worker has no preview addresses.
    pub url: String,
    /// Address of the newest version with the same alias; empty without one.
    pub alias_url: String,
    /// Version that was uploaded.
    pub version_id: String,
    /// Name of the worker.
    pub worker: String,
    /// Address of the note in the merge request; empty without one.
    pub comment_url: String,
    /// Whether the worker did not exist before, so that this is live too.
    pub first_deploy: bool,
    /// What happened, in a few lines of Markdown.
    pub summary: String,
}
