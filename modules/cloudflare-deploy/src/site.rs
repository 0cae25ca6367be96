//! A site on its way: what the user passed, checked, and ready to be sent.

use futures::{TryFutureExt, try_join};
use poniard_sdk::prelude::*;

use crate::cloudflare::Cloudflare;
use crate::deps::Dependencies;
use crate::input;
use crate::layout::{Layout, Parts};
use crate::output::Entry;
use crate::wrangler::{Files, Wrangler};
use crate::wrangler_config::Settings;

/// Whose account, and where.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// With Wrangler installed.
    pub container: &'a Container,
    pub account_id: Option<&'a str>,
    pub api_url: Option<&'a str>,
}

/// What a user passes to have sent.
pub struct Given {
    pub dist: Directory,
    pub config: File,
    pub secrets: Option<Secret>,
    pub source: Option<Directory>,
    pub env: Option<String>,
    pub annotations: Annotations,
}

/// A worker that exists or will, and the right to change it.
pub struct Worker {
    pub settings: Settings,
    pub config: File,
    pub env: Option<String>,
    pub wrangler: Wrangler,
}

/// A site that can be sent: everything that needs no Cloudflare was checked.
pub struct Site {
    pub worker: Worker,
    given: Given,
    layout: Layout,
}

impl<'a> Target<'a> {
    pub async fn site(&self, given: Given, token: Secret, workspace: &Workspace) -> Result<Site> {
        let (settings, text, token) = read(&given.config, given.env.as_deref(), token).await?;
        let parts = Parts {
            settings: &settings,
            text: &text,
            dist: &given.dist,
            source: given.source.as_ref(),
            workspace,
        };
        let (layout, account_id) = try_join!(parts.layout(), self.account(&settings))?;
        Ok(Site {
            worker: self.with(
                settings,
                &given.config,
                given.env.clone(),
                account_id,
                token,
            ),
            given,
            layout,
        })
    }

    /// The worker alone, for what sends no files.
    pub async fn worker(
        &self,
        config: &File,
        token: Secret,
        env: Option<String>,
    ) -> Result<Worker> {
        let (settings, _, token) = read(config, env.as_deref(), token).await?;
        let account_id = self.account(&settings).await?;
        Ok(self.with(settings, config, env, account_id, token))
    }

    fn with(
        &self,
        settings: Settings,
        config: &File,
        env: Option<String>,
        account_id: String,
        token: Secret,
    ) -> Worker {
        let wrangler = Wrangler {
            container: self.container.clone(),
            account_id,
            api_url: self.api_url.map(str::to_owned),
            token,
        };
        Worker {
            settings,
            config: config.clone(),
            env,
            wrangler,
        }
    }

    async fn account(&self, settings: &Settings) -> Result<String> {
        match (self.account_id, &settings.account_id) {
            (Some(ours), Some(theirs)) if ours != theirs => bail!(
                "two Cloudflare accounts: `{ours}` was passed, and `account_id` in `{}` is `{theirs}`",
                settings.document.name
            ),
            (Some(id), _) => Ok(id.to_owned()),
            (None, Some(id)) => Ok(input::account_id(id)?.to_owned()),
            (None, None) => {
                let id = dag().config().cloudflare_account_id().await;
                let id = id.wrap_err("no Cloudflare account: pass `--account-id`")?;
                Ok(input::account_id(&id)?.to_owned())
            }
        }
    }
}

/// The settings and the text of a configuration, and a token that can be used.
async fn read(
    config: &File,
    env: Option<&str>,
    token: Secret,
) -> Result<(Settings, String, Secret)> {
    let (name, text, token) = try_join!(
        config.name().map_err(Into::into),
        config.contents().map_err(Into::into),
        input::token(token, "cloudflare-api-token"),
    )?;
    Ok((Settings::read(&name, &text, env)?, text, token))
}

impl Site {
    /// Sends it: `command` is `deploy` or `versions upload`, `more` its flags.
    pub async fn send(&self, command: &[&str], more: &[String]) -> Result<Vec<Entry>> {
        let mut flags = self.given.annotations.flags();
        flags.extend_from_slice(more);
        let files = Files {
            home: &self.layout.home,
            project: self.layout.project.as_ref(),
            dist: Some((self.layout.dist.as_str(), &self.given.dist)),
            secrets: self.given.secrets.as_ref(),
        };
        self.worker.run(&files, command, &flags).await
    }
}

impl Worker {
    pub fn name(&self) -> &str {
        &self.settings.worker
    }

    pub async fn run(
        &self,
        files: &Files<'_>,
        command: &[&str],
        flags: &[String],
    ) -> Result<Vec<Entry>> {
        let config = (self.settings.document.name.as_str(), &self.config);
        let env = self.env.iter().map(|env| format!("--env={env}"));
        let flags: Vec<String> = flags.iter().cloned().chain(env).collect();
        self.wrangler.run(config, files, command, &flags).await
    }

    pub async fn api(&self) -> Result<Cloudflare> {
        let Wrangler {
            api_url,
            account_id,
            token,
            ..
        } = &self.wrangler;
        Cloudflare::new(api_url.as_deref(), account_id, self.name(), token).await
    }
}

/// What a version is told on the command line.
pub struct Annotations {
    message: Option<String>,
    tag: Option<String>,
    variables: Vec<String>,
}

impl Annotations {
    pub fn new(
        message: Option<String>,
        tag: Option<String>,
        var: Option<Vec<String>>,
    ) -> Result<Self> {
        let variables = var.unwrap_or_default();
        let variables: Result<_> = variables.iter().map(|text| input::variable(text)).collect();
        Ok(Self {
            message,
            tag,
            variables: variables?,
        })
    }

    /// Each in one word, so that no value is taken for a flag.
    fn flags(&self) -> Vec<String> {
        let message = self.message.iter().map(|text| format!("--message={text}"));
        let tag = self.tag.iter().map(|text| format!("--tag={text}"));
        let variables = self.variables.iter().map(|text| format!("--var={text}"));
        message.chain(tag).chain(variables).collect()
    }
}
