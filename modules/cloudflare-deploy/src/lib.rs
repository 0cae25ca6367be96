//! Deploys websites to Cloudflare Workers.
//!
//! [`input`] checks what the user passes, [`wrangler_config`] reads what
//! Wrangler's configuration says, [`layout`] puts the built site where it
//! expects it; that is a [`site`]. [`wrangler`] runs a command of Wrangler's in
//! a container, and [`output`] is what that reports. [`deployment`], [`preview`]
//! and [`closing`] are made of these, with what [`cloudflare`]'s API knows;
//! [`results`] go to the user.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod closing;
mod cloudflare;
mod deployment;
mod input;
mod layout;
mod output;
mod preview;
mod results;
mod site;
mod smoke;
mod traffic;
mod wrangler;
mod wrangler_config;

mod deps {
    poniard_sdk::dependencies!();
}

use std::time::Duration;

use futures::try_join;
use poniard_sdk::prelude::*;

use deps::Dependencies;
use results::{Deployment, Preview, Removal, Smoke, Version};
use site::{Annotations, Given, Target};
use wrangler::{NODE_IMAGE, VERSION};

/// How many versions are listed.
const VERSIONS: usize = 20;

/// Deploys websites to Cloudflare Workers with Wrangler.
#[object]
pub struct CloudflareDeploy {
    container: Container,
    account_id: Option<String>,
    api_url: Option<String>,
    gitlab_url: Option<String>,
    gitlab_project_id: Option<String>,
}

#[functions]
impl CloudflareDeploy {
    pub fn new(
        /// Version of the npm package `wrangler`.
        #[arg(default = VERSION)]
        wrangler_version: String,
        /// Image with Node.js 22.12 or newer, and npm.
        #[arg(default = NODE_IMAGE)]
        node_image: String,
        /// Id of the Cloudflare account, instead of the one in Wrangler's configuration or in `pipeline.yaml`.
        account_id: Option<String>,
        /// Address of Cloudflare's API, instead of `https://api.cloudflare.com/client/v4`.
        api_url: Option<String>,
        /// Address of the GitLab that has the merge request, `$CI_SERVER_URL`, instead of the one in `pipeline.yaml`.
        gitlab_url: Option<String>,
        /// Number or path of its project, `$CI_PROJECT_ID`, instead of the one in `pipeline.yaml`.
        gitlab_project_id: Option<String>,
    ) -> Result<Self> {
        input::wrangler_version(&wrangler_version)?;
        Ok(Self {
            container: wrangler::install(&node_image, &wrangler_version),
            account_id: account_id
                .map(|id| input::account_id(&id).map(str::to_owned))
                .transpose()?,
            api_url: api_url.map(|url| input::api_url(&url)).transpose()?,
            gitlab_url,
            gitlab_project_id,
        })
    }

    /// Deploys a built site: it is live at once.
    #[function(cache = "never")]
    pub async fn deploy(
        &self,
        /// What was built.
        dist: Directory,
        /// Wrangler's configuration: wrangler.jsonc, wrangler.json or wrangler.toml.
        wrangler_config: File,
        /// API token that may edit Workers.
        cloudflare_api_token: Secret,
        /// Environment of the configuration.
        env: Option<String>,
        /// Message of the version, such as the commit's.
        message: Option<String>,
        /// Tag of the version, such as the commit's id.
        tag: Option<String>,
        /// Variables of the worker, as `NAME=value`.
        var: Option<Vec<String>>,
        /// Secrets of the worker: a JSON object, or lines of `NAME=value`.
        secrets_file: Option<Secret>,
        /// Check and bundle, but send nothing.
        #[arg(default = false)]
        dry_run: bool,
        /// Directory of the configuration with all that the script imports, when `main` is not in `dist`; the caller's when omitted.
        source: Option<Directory>,
        workspace: Workspace,
    ) -> Result<Deployment> {
        let given = Given {
            dist,
            config: wrangler_config,
            secrets: secrets_file,
            source,
            env,
            annotations: Annotations::new(message, tag, var)?,
        };
        let target = self.target();
        let site = target.site(given, cloudflare_api_token, &workspace).await?;
        deployment::deploy(&site, dry_run).await
    }

    /// Uploads a built site for a merge request, and notes its address there.
    #[function(cache = "never")]
    pub async fn preview(
        &self,
        /// What was built.
        dist: Directory,
        /// Wrangler's configuration: wrangler.jsonc, wrangler.json or wrangler.toml.
        wrangler_config: File,
        /// API token that may edit Workers.
        cloudflare_api_token: Secret,
        /// Access token of GitLab with the scope `api`.
        gitlab_api_token: Secret,
        /// Number of the merge request, `$CI_MERGE_REQUEST_IID`; the instance-wide `$CI_MERGE_REQUEST_ID` also works.
        merge_request_id: String,
        /// Alias of the preview, the first part of its address; by default `mr-<id>`.
        alias: Option<String>,
        /// Environment of the configuration.
        env: Option<String>,
        /// Message of the version, such as the commit's.
        message: Option<String>,
        /// Tag of the version, such as the commit's id.
        tag: Option<String>,
        /// Variables of the worker, as `NAME=value`.
        var: Option<Vec<String>>,
        /// Secrets of the worker: a JSON object, or lines of `NAME=value`.
        secrets_file: Option<Secret>,
        /// Directory of the configuration with all that the script imports, when `main` is not in `dist`; the caller's when omitted.
        source: Option<Directory>,
        workspace: Workspace,
    ) -> Result<Preview> {
        let merge_request = input::merge_request(&merge_request_id)?;
        let alias = alias.unwrap_or_else(|| format!("mr-{merge_request}"));
        let given = Given {
            dist,
            config: wrangler_config,
            secrets: secrets_file,
            source,
            env,
            annotations: Annotations::new(message, tag, var)?,
        };
        let target = self.target();
        let (site, gitlab_api_token) = try_join!(
            target.site(given, cloudflare_api_token, &workspace),
            input::token(gitlab_api_token, "gitlab-api-token"),
        )?;
        input::alias(&alias, site.worker.name())?;
        preview::need_addresses(&site)?;
        let preview = preview::upload(&site, Some(&alias)).await?;
        let opts = deps::GitlabCommentPostOpts {
            marker: Some(marker(&preview.worker)),
            ..Default::default()
        };
        let note = self.gitlab().post_opts(
            gitlab_api_token,
            merge_request.as_str(),
            preview.summary.as_str(),
            opts,
        );
        let url = note
            .url()
            .await
            .wrap_err_with(|| preview.without_note(&merge_request))?;
        Ok(preview.noted(url))
    }

    /// Uploads a built site without making it live, or noting it anywhere.
    #[function(cache = "never")]
    pub async fn upload(
        &self,
        /// What was built.
        dist: Directory,
        /// Wrangler's configuration: wrangler.jsonc, wrangler.json or wrangler.toml.
        wrangler_config: File,
        /// API token that may edit Workers.
        cloudflare_api_token: Secret,
        /// Alias of the preview, the first part of its address.
        alias: Option<String>,
        /// Environment of the configuration.
        env: Option<String>,
        /// Message of the version, such as the commit's.
        message: Option<String>,
        /// Tag of the version, such as the commit's id.
        tag: Option<String>,
        /// Variables of the worker, as `NAME=value`.
        var: Option<Vec<String>>,
        /// Secrets of the worker: a JSON object, or lines of `NAME=value`.
        secrets_file: Option<Secret>,
        /// Directory of the configuration with all that the script imports, when `main` is not in `dist`; the caller's when omitted.
        source: Option<Directory>,
        workspace: Workspace,
    ) -> Result<Preview> {
        let given = Given {
            dist,
            config: wrangler_config,
            secrets: secrets_file,
            source,
            env,
            annotations: Annotations::new(message, tag, var)?,
        };
        let target = self.target();
        let site = target.site(given, cloudflare_api_token, &workspace).await?;
        if let Some(alias) = &alias {
            input::alias(alias, site.worker.name())?;
            preview::need_addresses(&site)?;
        }
        preview::upload(&site, alias.as_deref()).await
    }

    /// Closes the preview of a merge request: its address answers 410, and its note is deleted.
    #[function(cache = "never")]
    pub async fn remove_preview(
        &self,
        /// Wrangler's configuration, which names the worker.
        wrangler_config: File,
        /// API token that may edit Workers.
        cloudflare_api_token: Secret,
        /// Access token of GitLab with the scope `api`.
        gitlab_api_token: Secret,
        /// Number of the merge request, `$CI_MERGE_REQUEST_IID`; the instance-wide `$CI_MERGE_REQUEST_ID` also works.
        merge_request_id: String,
        /// Alias of the preview; by default `mr-<id>`.
        alias: Option<String>,
        /// Environment of the configuration.
        env: Option<String>,
    ) -> Result<Removal> {
        let merge_request = input::merge_request(&merge_request_id)?;
        let alias = alias.unwrap_or_else(|| format!("mr-{merge_request}"));
        let target = self.target();
        let (worker, gitlab_api_token) = try_join!(
            target.worker(&wrangler_config, cloudflare_api_token, env),
            input::token(gitlab_api_token, "gitlab-api-token"),
        )?;
        input::alias(&alias, worker.name())?;
        let name = worker.name().to_owned();
        let address = closing::close(&worker, &alias).await?;
        let opts = deps::GitlabCommentDeleteOpts {
            marker: Some(marker(&name)),
        };
        let note = self
            .gitlab()
            .delete_opts(gitlab_api_token, merge_request.as_str(), opts);
        let note = note.action().await.wrap_err_with(|| {
            format!("alias `{alias}` of `{name}` is closed, but its note in merge request `{merge_request}` is not deleted: run it again")
        })?;
        let deleted = matches!(note, deps::GitlabCommentAction::Deleted);
        Ok(Removal::new(&name, address, deleted))
    }

    /// Gives a version all requests, or some: the rest stays on what is live.
    #[function(cache = "never")]
    pub async fn promote(
        &self,
        /// Wrangler's configuration, which names the worker.
        wrangler_config: File,
        /// API token that may edit Workers.
        cloudflare_api_token: Secret,
        /// Id of the version, as `versions` lists it.
        version_id: String,
        /// Share of the requests.
        #[arg(default = 100)]
        percent: u8,
        /// Environment of the configuration.
        env: Option<String>,
        /// Message of the deployment.
        message: Option<String>,
    ) -> Result<Deployment> {
        let version_id = traffic::version_id(&version_id)?;
        let target = self.target();
        let worker = target
            .worker(&wrangler_config, cloudflare_api_token, env)
            .await?;
        let live = match percent {
            100 => Vec::new(),
            _ => worker.api().await?.deployments().await?,
        };
        let split = traffic::promote(version_id, percent, live.first())?;
        deployment::shift(&worker, &split, message).await
    }

    /// Gives the version before the live one all requests again, or the one that is named.
    #[function(cache = "never")]
    pub async fn rollback(
        &self,
        /// Wrangler's configuration, which names the worker.
        wrangler_config: File,
        /// API token that may edit Workers.
        cloudflare_api_token: Secret,
        /// Id of the version to go back to.
        version_id: Option<String>,
        /// Environment of the configuration.
        env: Option<String>,
        /// Message of the deployment.
        #[arg(default = "Rollback")]
        message: String,
    ) -> Result<Deployment> {
        let target = self.target();
        let worker = target
            .worker(&wrangler_config, cloudflare_api_token, env)
            .await?;
        let version_id = match &version_id {
            Some(version_id) => traffic::version_id(version_id)?.to_owned(),
            None => traffic::previous(&worker.api().await?.deployments().await?)?,
        };
        deployment::shift(&worker, &vec![(version_id, 100)], Some(message)).await
    }

    /// The last versions of a worker, newest first, each with its share of the requests.
    #[function(cache = "never")]
    pub async fn versions(
        &self,
        /// Wrangler's configuration, which names the worker.
        wrangler_config: File,
        /// API token that may edit Workers.
        cloudflare_api_token: Secret,
        /// Environment of the configuration.
        env: Option<String>,
    ) -> Result<Vec<Version>> {
        let target = self.target();
        let worker = target
            .worker(&wrangler_config, cloudflare_api_token, env)
            .await?;
        let api = worker.api().await?;
        let (versions, deployments) = try_join!(api.versions(VERSIONS), api.deployments())?;
        let live = deployments.first();
        Ok(versions
            .into_iter()
            .map(|version| Version::new(version, live))
            .collect())
    }

    /// Waits until pages of a website answer as they should, and fails with what they answer otherwise.
    #[function(cache = "never")]
    pub async fn smoke(
        &self,
        /// Address of the website.
        url: String,
        /// Pages of it; by default the first one.
        path: Option<Vec<String>>,
        /// HTTP status that each must answer.
        #[arg(default = 200)]
        expect: u16,
        /// Text that each must have.
        contains: Option<String>,
        /// Seconds after which it fails.
        #[arg(default = 60)]
        within: u16,
    ) -> Result<Smoke> {
        let paths = path.filter(|paths| !paths.is_empty());
        let paths = paths.unwrap_or_else(|| vec!["/".to_owned()]);
        let expected = smoke::Expected {
            status: expect,
            contains,
            within: Duration::from_secs(within.into()),
        };
        smoke::check(&url, &paths, &expected).await
    }
}

impl CloudflareDeploy {
    fn target(&self) -> Target<'_> {
        Target {
            container: &self.container,
            account_id: self.account_id.as_deref(),
            api_url: self.api_url.as_deref(),
        }
    }

    fn gitlab(&self) -> deps::GitlabComment {
        dag().gitlab_comment_opts(deps::GitlabCommentOpts {
            url: self.gitlab_url.clone(),
            project_id: self.gitlab_project_id.clone(),
        })
    }
}

/// Each worker has a note of its own.
fn marker(worker: &str) -> String {
    format!("cloudflare-deploy-{worker}")
}

#[cfg(test)]
#[path = "../../readme.rs"]
mod readme;
#[cfg(test)]
mod tests;
