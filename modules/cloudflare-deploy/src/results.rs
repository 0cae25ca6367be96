//! What the functions return.

use poniard_sdk::prelude::*;

use crate::cloudflare::{Live, Uploaded};

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

/// A version of a worker.
#[object]
pub struct Version {
    /// Id of the version.
    pub version_id: String,
    /// Number of the version: 1 is the first.
    pub number: u32,
    /// When it was uploaded, as RFC 3339.
    pub created: String,
    /// Who uploaded it; empty when unknown.
    pub author: String,
    /// Its message; empty without one.
    pub message: String,
    /// Its tag; empty without one.
    pub tag: String,
    /// Its preview alias; empty without one.
    pub alias: String,
    /// Share of the requests that it answers, in percent.
    pub percent: f64,
    /// The version in a line of Markdown.
    pub summary: String,
}

/// A preview that is closed.
#[object]
pub struct Removal {
    /// Name of the worker.
    pub worker: String,
    /// Address that answers with 410 from now on; empty when there was no worker.
    pub alias_url: String,
    /// Whether there was a note to delete.
    pub note_deleted: bool,
    /// What happened, in a few lines of Markdown.
    pub summary: String,
}

/// A website that answers as it should.
#[object]
pub struct Smoke {
    /// Addresses that were asked for.
    pub pages: Vec<String>,
    /// How long it took until all answered.
    pub seconds: f64,
    /// What happened, in a line of Markdown.
    pub summary: String,
}

impl Preview {
    pub fn noted(mut self, url: String) -> Self {
        self.summary += &format!("\n- Note: {url}");
        self.comment_url = url;
        self
    }

    /// What is up, when the note is not.
    pub fn without_note(&self, merge_request: &str) -> String {
        let place = match (self.alias_url.as_str(), self.url.as_str()) {
            ("", "") => String::new(),
            ("", url) | (url, _) => format!(" at {url}"),
        };
        format!(
            "version `{}` of `{}` is up{place}, but its note in merge request `{merge_request}` is not written; run it again for both",
            self.version_id, self.worker
        )
    }
}

impl Version {
    pub fn new(version: Uploaded, live: Option<&Live>) -> Self {
        let shares = live
            .map(|live| live.versions.as_slice())
            .unwrap_or_default();
        let share = shares.iter().find(|share| share.version_id == version.id);
        let percent = share.map_or(0.0, |share| share.percentage);
        let message = version.annotations.message.unwrap_or_default();
        let alias = version.annotations.alias.unwrap_or_default();
        let summary = format!("{} `{}`: {percent} %", version.number, version.id);
        Self {
            version_id: version.id,
            number: u32::try_from(version.number).unwrap_or(u32::MAX),
            created: version.metadata.created_on,
            author: version.metadata.author_email.unwrap_or_default(),
            tag: version.annotations.tag.unwrap_or_default(),
            message,
            alias,
            percent,
            summary,
        }
    }
}

impl Removal {
    pub fn new(worker: &str, address: Option<String>, note_deleted: bool) -> Self {
        let first = match &address {
            None => format!("There is no worker `{worker}`."),
            Some(address) => format!("The preview of `{worker}` is closed: {address}"),
        };
        let second = match note_deleted {
            true => "Its note is deleted.",
            false => "It had no note.",
        };
        Self {
            worker: worker.to_owned(),
            alias_url: address.unwrap_or_default(),
            note_deleted,
            summary: format!("{first} {second}"),
        }
    }
}
