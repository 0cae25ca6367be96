//! What Cloudflare's API says about a worker. Wrangler changes things, this
//! only reads: Wrangler has no machine-readable output for most of it.

use std::time::Duration;

use poniard_http::{Api, encode};
use poniard_sdk::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;

const API: &str = "https://api.cloudflare.com/client/v4";
const PAGE: usize = 100;

/// A worker, seen through the API.
pub struct Cloudflare {
    api: Api,
    account_id: String,
    worker: String,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Live {
    pub id: String,
    #[serde(default)]
    pub versions: Vec<Share>,
}

/// How much of the requests a version gets, in percent.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Share {
    pub version_id: String,
    pub percentage: f64,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Uploaded {
    pub id: String,
    #[serde(default)]
    pub number: u64,
    #[serde(default)]
    pub metadata: Metadata,
    #[serde(default)]
    pub annotations: Annotations,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Metadata {
    #[serde(default)]
    pub created_on: String,
    pub author_email: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Annotations {
    #[serde(rename = "workers/message")]
    pub message: Option<String>,
    #[serde(rename = "workers/tag")]
    pub tag: Option<String>,
    #[serde(rename = "workers/alias")]
    pub alias: Option<String>,
}

#[derive(Deserialize)]
struct Answer<T> {
    result: T,
}

#[derive(Deserialize)]
struct Deployments {
    deployments: Vec<Live>,
}

#[derive(Deserialize)]
struct Items {
    items: Vec<Uploaded>,
}

#[derive(Deserialize)]
struct Worker {
    subdomain: Subdomain,
}

#[derive(Deserialize)]
struct Subdomain {
    #[serde(default)]
    enabled: bool,
    #[serde(default)]
    previews_enabled: bool,
    /// `-site.team.workers.dev`: what follows a version's prefix or an alias.
    preview_url_suffix: Option<String>,
}

impl Cloudflare {
    pub async fn new(
        api_url: Option<&str>,
        account_id: &str,
        worker: &str,
        token: &Secret,
    ) -> Result<Self> {
        let token = token.plaintext().await?;
        let api = Api::new("Cloudflare", api_url.unwrap_or(API))?
            .bearer(&token)?
            .attempt(Duration::from_secs(20))
            .patience(Duration::from_secs(60))
            .next_step(|status, _| {
                let step =
                    "check that the token is valid, and that it may edit Workers of this account";
                matches!(status, 400 | 401 | 403).then(|| step.to_owned())
            });
        Ok(Self {
            api,
            account_id: account_id.to_owned(),
            worker: worker.to_owned(),
        })
    }

    pub async fn exists(&self) -> Result<bool> {
        let path = self.path("services", "");
        let answer = self.api.get(&path).accept(404).send().await?;
        Ok(answer.status() != 404)
    }

    /// The last deployments, newest first.
    pub async fn deployments(&self) -> Result<Vec<Live>> {
        let found: Deployments = self.get("scripts", "/deployments", None).await?;
        Ok(found.deployments)
    }

    /// The last versions, newest first, `most` at most.
    pub async fn versions(&self, most: usize) -> Result<Vec<Uploaded>> {
        let mut versions: Vec<Uploaded> = Vec::new();
        for page in 1.. {
            let found: Items = self.get("scripts", "/versions", Some(page)).await?;
            let last = found.items.len() < PAGE;
            for version in found.items {
                // While pages are read, new versions move old ones along.
                if !versions.iter().any(|known| known.id == version.id) {
                    versions.push(version);
                }
            }
            if last || versions.len() >= most {
                break;
            }
        }
        versions.truncate(most);
        Ok(versions)
    }

    /// Its address at workers.dev, unless that is switched off.
    pub async fn address(&self) -> Result<Option<String>> {
        let subdomain = self.subdomain().await?;
        let suffix = subdomain.preview_url_suffix.filter(|_| subdomain.enabled);
        Ok(suffix.map(|suffix| format!("https://{}", suffix.trim_start_matches('-'))))
    }

    /// The address of a preview alias, unless previews are switched off.
    pub async fn address_of_alias(&self, alias: &str) -> Result<Option<String>> {
        let subdomain = self.subdomain().await?;
        let suffix = subdomain
            .preview_url_suffix
            .filter(|_| subdomain.previews_enabled);
        Ok(suffix.map(|suffix| format!("https://{alias}{suffix}")))
    }

    async fn subdomain(&self) -> Result<Subdomain> {
        let worker: Worker = self.get("workers", "", None).await?;
        Ok(worker.subdomain)
    }

    async fn get<T: DeserializeOwned>(
        &self,
        kind: &str,
        rest: &str,
        page: Option<usize>,
    ) -> Result<T> {
        let mut request = self.api.get(&self.path(kind, rest));
        if let Some(page) = page {
            request = request.query("page", page).query("per_page", PAGE);
        }
        let answer = match request.send().await {
            Err(error) if error.status() == Some(404) => {
                let step = format!(
                    "there may be no worker `{}` yet: deploy it first",
                    self.worker
                );
                return Err(error.with_next_step(step).into());
            }
            answer => answer?,
        };
        let answer: Answer<T> = answer.json()?;
        Ok(answer.result)
    }

    fn path(&self, kind: &str, rest: &str) -> String {
        let (account, worker) = (encode(&self.account_id), encode(&self.worker));
        format!("/accounts/{account}/workers/{kind}/{worker}{rest}")
    }
}
