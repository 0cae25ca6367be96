//! Deploys websites to Cloudflare Workers.
//!
//! [`input`] checks what the user passes, [`wrangler_config`] reads what
//! Wrangler's configuration says, [`layout`] puts the built site where it
//! expects it, [`wrangler`] runs a command of Wrangler's in a container, and
//! [`output`] is what that reports; [`results`] go to the user.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod input;
mod layout;
mod output;
mod results;
mod wrangler;
mod wrangler_config;

mod deps {
    poniard_sdk::dependencies!();
}

use futures::{TryFutureExt, try_join};
use poniard_sdk::prelude::*;

use deps::Dependencies;
use layout::{Layout, Parts};
use output::Entry;
use results::{Deployment, Preview};
use wrangler::{NODE_IMAGE, Project, VERSION, Wrangler};
use wrangler_config::Settings;

/// Deploys websites to Cloudflare Workers with Wrangler.
#[object]
pub struct CloudflareDeploy {
    container: Container,
    account_id: Option<String>,
    api_url: Option<String>,
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
    ) -> Result<Self> {
        input::wrangler_version(&wrangler_version)?;
        Ok(Self {
            container: wrangler::install(&node_image, &wrangler_version),
            account_id: account_id
                .map(|id| input::account_id(&id).map(str::to_owned))
                .transpose()?,
            api_url: api_url.map(|url| input::api_url(&url)).transpose()?,
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
        let annotations = Annotations::new(message, tag, var)?;
        let site = Site {
            dist,
            config: wrangler_config,
            secrets: secrets_file,
            source,
        };
        let ready = self
            .ready(site, cloudflare_api_token, env.as_deref(), &workspace)
            .await?;
        let mut command = vec!["deploy"];
        command.extend(env_args(env.as_deref()));
        let annotations = annotations.args();
        command.extend(annotations.iter().map(String::as_str));
        if dry_run {
            command.push("--dry-run");
        }
        let entries = ready.run(&command).await?;
        deployment(&ready, &entries, dry_run)
    }
}

/// What a user passes to have deployed.
struct Site {
    dist: Directory,
    config: File,
    secrets: Option<Secret>,
    source: Option<Directory>,
}

/// Checked, and ready to be sent.
struct Ready {
    site: Site,
    settings: Settings,
    layout: Layout,
    wrangler: Wrangler,
}

impl Ready {
    async fn run(&self, command: &[&str]) -> Result<Vec<Entry>> {
        let project = Project {
            config: &self.site.config,
            config_name: &self.settings.document.name,
            dist: &self.site.dist,
            layout: &self.layout,
            secrets: self.site.secrets.as_ref(),
        };
        self.wrangler.run(&project, command).await
    }
}

impl CloudflareDeploy {
    /// Everything that can be checked without Cloudflare.
    async fn ready(
        &self,
        site: Site,
        token: Secret,
        env: Option<&str>,
        workspace: &Workspace,
    ) -> Result<Ready> {
        let (name, text, token) = try_join!(
            site.config.name().map_err(Into::into),
            site.config.contents().map_err(Into::into),
            input::token(token, "cloudflare-api-token"),
        )?;
        let settings = Settings::read(&name, &text, env)?;
        let parts = Parts {
            settings: &settings,
            text: &text,
            dist: &site.dist,
            source: site.source.clone(),
            workspace,
        };
        let (layout, account_id) = try_join!(parts.layout(), self.account(&settings))?;
        let wrangler = Wrangler {
            container: self.container.clone(),
            account_id,
            api_url: self.api_url.clone(),
            token,
        };
        Ok(Ready {
            site,
            settings,
            layout,
            wrangler,
        })
    }

    async fn account(&self, settings: &Settings) -> Result<String> {
        match (&self.account_id, &settings.account_id) {
            (Some(ours), Some(theirs)) if ours != theirs => bail!(
                "two Cloudflare accounts: `{ours}` was passed, and `account_id` in `{}` is `{theirs}`",
                settings.document.name
            ),
            (Some(id), _) => Ok(id.clone()),
            (None, Some(id)) => Ok(input::account_id(id)?.to_owned()),
            (None, None) => {
                let id = dag().config().cloudflare_account_id().await;
                let id = id.wrap_err("no Cloudflare account: pass `--account-id`")?;
                Ok(input::account_id(&id)?.to_owned())
            }
        }
    }
}

/// What a version is told on the command line.
struct Annotations {
    message: Option<String>,
    tag: Option<String>,
    variables: Vec<String>,
}

impl Annotations {
    fn new(message: Option<String>, tag: Option<String>, var: Option<Vec<String>>) -> Result<Self> {
        let variables = var.unwrap_or_default();
        let variables: Result<_> = variables.iter().map(|text| input::variable(text)).collect();
        Ok(Self {
            message,
            tag,
            variables: variables?,
        })
    }

    /// Each in one word, so that no value is taken for a flag.
    fn args(&self) -> Vec<String> {
        let message = self.message.iter().map(|text| format!("--message={text}"));
        let tag = self.tag.iter().map(|text| format!("--tag={text}"));
        let variables = self.variables.iter().map(|text| format!("--var={text}"));
        message.chain(tag).chain(variables).collect()
    }
}

fn env_args(env: Option<&str>) -> Vec<&str> {
    env.map_or_else(Vec::new, |env| vec!["--env", env])
}

fn deployment(ready: &Ready, entries: &[Entry], dry_run: bool) -> Result<Deployment> {
    let found = entries.iter().rev().find_map(|entry| match entry {
        Entry::Deploy {
            worker_name,
            version_id,
            targets,
        } => Some((worker_name, version_id, targets)),
        _ => None,
    });
    let Some((worker, version_id, targets)) = found else {
        bail!("Wrangler ended without saying what it deployed: look at the worker's deployments");
    };
    let worker = worker.clone().unwrap_or_else(|| ready.settings.worker.clone());
    let targets = targets.as_deref().unwrap_or_default();
    let mut urls: Vec<String> = targets.iter().filter_map(|target| output::address(target)).collect();
    // Own domains before the address at workers.dev.
    urls.sort_by_key(|url| url.ends_with(".workers.dev"));
    let version_id = version_id.clone().unwrap_or_default();
    let summary = match (dry_run, urls.first()) {
        (true, _) => format!("Dry run: `{worker}` can be deployed, nothing was sent."),
        (false, Some(url)) => format!("Deployed [`{worker}`]({url}), version `{version_id}`."),
        (false, None) => format!("Deployed `{worker}`, version `{version_id}`. It has no address."),
    };
    Ok(Deployment {
        url: urls.first().cloned().unwrap_or_default(),
        urls,
        worker,
        version_id,
        deployment_id: String::new(),
        summary,
    })
}
