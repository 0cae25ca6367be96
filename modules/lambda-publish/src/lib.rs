//! Publishes container images as versions of Lambda functions.
//!
//! [`access`] finds the function and the repository. An [`image`] is pushed and
//! checked, and what follows is a [`release`]; both ask [`aws`]. What functions
//! return is in [`results`].

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod access;
mod aws;
mod image;
mod release;
pub mod results;
mod table;

use poniard_sdk::prelude::*;

use access::{Target, no_repository};
use aws::lambda::{Alias, Lambda};
use image::manifest;
use image::push::push;
use image::reference::Reference;
use image::registry::{Registry, Stored};
use release::plan::{Before, Order, check_alias_name};
use release::publication;
use release::shift::{self, Steps};
use release::smoke::{self, Smoke};
use results::{Invocation, Plan, Pruning, Publication, Shift, Versions};

mod deps {
    poniard_sdk::dependencies!();
}

const METADATA: &str = "http://169.254.169.254";

/// Publishes container images as versions of Lambda functions, and never breaks the live one.
#[object]
pub struct LambdaPublish {
    region: Option<String>,
    role_arn: Option<String>,
    endpoint: Option<String>,
    access_key_id: Option<Secret>,
    secret_access_key: Option<Secret>,
    session_token: Option<Secret>,
    web_identity_token: Option<Secret>,
    container_credentials_uri: Option<String>,
    container_authorization_token: Option<Secret>,
    metadata_endpoint: String,
    registry: Option<String>,
}

// Nothing is kept: all of it is about what is there now.
#[functions]
impl LambdaPublish {
    pub fn new(
        /// Region of the function and its repository; by default the one of `config`.
        region: Option<String>,
        /// Role to take on: with `--web-identity-token`, or else with the other credentials.
        role_arn: Option<String>,
        /// Address of all services of AWS, such as an emulator's.
        endpoint: Option<String>,
        access_key_id: Option<Secret>,
        secret_access_key: Option<Secret>,
        /// Comes with temporary keys.
        session_token: Option<Secret>,
        /// Token of an identity provider, such as an ID token of GitLab; needs `--role-arn`.
        web_identity_token: Option<Secret>,
        /// Where an agent lends credentials: `$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` or `…_FULL_URI`.
        container_credentials_uri: Option<String>,
        /// What the agent wants to be shown: `$AWS_CONTAINER_AUTHORIZATION_TOKEN`.
        container_authorization_token: Option<Secret>,
        /// Where an instance asks for the credentials of its role, when none are given.
        #[arg(default = METADATA)]
        metadata_endpoint: String,
        /// Registry to push to when it does not answer where ECR says, such as a proxy or an emulator's: `host:port`, with `http://` before it when it has no TLS. It gets ECR's password.
        registry: Option<String>,
    ) -> Result<Self> {
        if let Some(registry) = &registry {
            Registry::parse_address(registry)?;
        }
        if let Some(endpoint) = &endpoint {
            ensure!(
                endpoint.starts_with("http://") || endpoint.starts_with("https://"),
                "endpoint `{endpoint}` is no address: write it as `https://host:port`"
            );
        }
        ensure!(
            access_key_id.is_some() == secret_access_key.is_some(),
            "an access key has an id and a secret: pass both `--access-key-id` and `--secret-access-key`"
        );
        ensure!(
            session_token.is_none() || access_key_id.is_some(),
            "`--session-token` belongs to `--access-key-id` and `--secret-access-key`: pass them too"
        );
        ensure!(
            web_identity_token.is_none() || role_arn.is_some(),
            "`--web-identity-token` is good for a role: pass `--role-arn` too"
        );
        ensure!(
            web_identity_token.is_none() || access_key_id.is_none(),
            "pass either an access key or `--web-identity-token`"
        );
        Ok(Self {
            region,
            role_arn,
            endpoint,
            access_key_id,
            secret_access_key,
            session_token,
            web_identity_token,
            container_credentials_uri,
            container_authorization_token,
            metadata_endpoint,
            registry,
        })
    }

    /// Publishes an image as a new version, and moves an alias to it; on failure the alias is as it was.
    #[function(cache = "never")]
    pub async fn publish(
        &self,
        /// For one platform: the one of the function.
        image: Container,
        function_name: String,
        /// Repository at ECR: its name, or its whole address.
        repository: String,
        /// Alias to move to the version.
        alias: Option<String>,
        /// Percentage of the alias's requests that the version gets; what it serves now gets the rest.
        #[arg(default = 100)]
        weight: u32,
        /// JSON to invoke the version with, before the alias moves.
        smoke_payload: Option<String>,
        /// What the answer must be: JSON whose fields it has, or text that is in it.
        smoke_expect: Option<String>,
        /// Description of the version.
        description: Option<String>,
        /// Newest versions to keep, 0 for all; one that an alias serves always stays.
        #[arg(default = 10)]
        keep: u32,
        /// Tag of the image, such as `$CI_COMMIT_SHA`; by default its label `org.opencontainers.image.revision`. It is never moved to another image.
        tag: Option<String>,
        /// Make the repository when it is not there.
        #[arg(default = false)]
        create_repository: bool,
    ) -> Result<Publication> {
        let smoke = Smoke::parse(smoke_payload, smoke_expect)?;
        let order = Order::new(alias, weight, smoke, description, keep)?;
        let Target {
            lambda,
            before,
            repository,
            registry,
            tag,
        } = self
            .target(&image, function_name, &repository, tag, &order)
            .await?;
        let registry = match registry {
            Some(registry) => registry,
            None if create_repository => self.create(&lambda.client, &repository).await?,
            None => return Err(no_repository(&repository)),
        };
        let pushed = async {
            let digest = push(&lambda.client, &registry, &image, &tag).await?;
            registry.stored(&digest).await
        };
        let stored = pushed.await.wrap_err_with(|| before.unharmed())?;
        release(&lambda, &order, &before, &registry, &stored).await
    }

    /// Publishes an image that is in the registry already, as `publish` does.
    #[function(cache = "never")]
    pub async fn publish_ref(
        &self,
        /// `site:tag` or `site@sha256:…`, with or without the address of the registry.
        image_ref: String,
        function_name: String,
        /// Alias to move to the version.
        alias: Option<String>,
        /// Percentage of the alias's requests that the version gets; what it serves now gets the rest.
        #[arg(default = 100)]
        weight: u32,
        /// JSON to invoke the version with, before the alias moves.
        smoke_payload: Option<String>,
        /// What the answer must be: JSON whose fields it has, or text that is in it.
        smoke_expect: Option<String>,
        /// Description of the version.
        description: Option<String>,
        /// Newest versions to keep, 0 for all; one that an alias serves always stays.
        #[arg(default = 10)]
        keep: u32,
    ) -> Result<Publication> {
        let smoke = Smoke::parse(smoke_payload, smoke_expect)?;
        let order = Order::new(alias, weight, smoke, description, keep)?;
        let reference = Reference::parse(&image_ref)?;
        let lambda = self.lambda(function_name).await?;
        let (before, registry) = tokio::join!(
            Before::look(&lambda, &order),
            self.find(&lambda.client, &reference.repository)
        );
        let before = before?;
        let registry = registry?.ok_or_else(|| no_repository(&reference.repository))?;
        let stored = registry.stored(&reference.name).await?;
        release(&lambda, &order, &before, &registry, &stored).await
    }

    /// What `publish` would do, without doing it.
    #[function(cache = "never")]
    pub async fn plan(
        &self,
        /// For one platform: the one of the function.
        image: Container,
        function_name: String,
        /// Repository at ECR: its name, or its whole address.
        repository: String,
        /// Alias to move to the version.
        alias: Option<String>,
        /// Percentage of the alias's requests that the version gets; what it serves now gets the rest.
        #[arg(default = 100)]
        weight: u32,
        /// JSON to invoke the version with, before the alias moves.
        smoke_payload: Option<String>,
        /// What the answer must be: JSON whose fields it has, or text that is in it.
        smoke_expect: Option<String>,
        /// Newest versions to keep, 0 for all; one that an alias serves always stays.
        #[arg(default = 10)]
        keep: u32,
        /// Tag of the image, such as `$CI_COMMIT_SHA`; by default its label `org.opencontainers.image.revision`.
        tag: Option<String>,
        /// Make the repository when it is not there.
        #[arg(default = false)]
        create_repository: bool,
    ) -> Result<Plan> {
        let smoke = Smoke::parse(smoke_payload, smoke_expect)?;
        let order = Order::new(alias, weight, smoke, None, keep)?;
        let Target {
            lambda,
            before,
            repository,
            registry,
            tag,
        } = self
            .target(&image, function_name, &repository, tag, &order)
            .await?;
        let mut lines = Vec::new();
        let image = match &registry {
            None if create_repository => {
                lines.push(format!("+ repository {}", repository.path));
                format!("{}:{tag}", repository.path)
            }
            None => return Err(no_repository(&repository)),
            Some(registry) => match registry.manifest(&tag).await? {
                // What the image's digest will be is not known before it is pushed.
                Some(stored) => {
                    lines.push(format!(
                        "  tag {tag} is there: another image would get one beside it"
                    ));
                    format!("{}@{}", registry.uri, stored.digest)
                }
                None => format!("{}:{tag}", registry.uri),
            },
        };
        lines.extend(before.diff(&lambda, &order, &image)?);
        let diff = lines.join("\n");
        Ok(Plan {
            has_changes: lines.iter().any(|line| !line.starts_with(' ')),
            summary: format!("```diff\n{diff}\n```"),
            diff,
        })
    }

    /// Gives a version a share of an alias's requests, at once or in steps with a check before each.
    #[function(cache = "never")]
    pub async fn shift(
        &self,
        function_name: String,
        alias: String,
        version: String,
        /// Percentage of the requests that the version gets in the end.
        #[arg(default = 100)]
        weight: u32,
        /// Percentages on the way, such as 10 and 50.
        steps: Option<Vec<u32>>,
        /// Seconds between steps.
        #[arg(default = 60)]
        pause_seconds: u32,
        /// JSON to invoke the version with before each step; when that fails, the alias is brought back.
        smoke_payload: Option<String>,
        /// What the answer must be: JSON whose fields it has, or text that is in it.
        smoke_expect: Option<String>,
    ) -> Result<Shift> {
        let check = Smoke::parse(smoke_payload, smoke_expect)?;
        let steps = Steps::new(steps.unwrap_or_default(), weight, pause_seconds, check)?;
        let lambda = self.lambda(function_name).await?;
        let before = alias_of(&lambda, &alias).await?;
        ensure!(
            before.function_version != version || !before.shares().is_empty(),
            "version {version} serves alias `{alias}` alone: name the version to shift to"
        );
        release::wait::version_active(&lambda, &version).await?;
        let after = shift::shift(&lambda, &before, &version, &steps).await?;
        Ok(Shift::between(&lambda.function, &before, &after))
    }

    /// Brings an alias back to the version that it served before.
    #[function(cache = "never")]
    pub async fn rollback(
        &self,
        function_name: String,
        alias: String,
        /// Version to go back to instead.
        version: Option<String>,
    ) -> Result<Shift> {
        let lambda = self.lambda(function_name).await?;
        let before = alias_of(&lambda, &alias).await?;
        let after = shift::rollback(&lambda, &before, version).await?;
        Ok(Shift::between(&lambda.function, &before, &after))
    }

    /// The published versions, and which aliases serve them.
    #[function(cache = "never")]
    pub async fn versions(&self, function_name: String) -> Result<Versions> {
        let lambda = self.lambda(function_name).await?;
        let (versions, aliases) = tokio::join!(lambda.versions(), lambda.aliases());
        Ok(table::of(&lambda.function, versions?, &aliases?))
    }

    /// Deletes old versions, never one that an alias serves or would go back to.
    #[function(cache = "never")]
    pub async fn prune(
        &self,
        function_name: String,
        /// Newest versions to keep.
        keep: u32,
    ) -> Result<Pruning> {
        ensure!(
            keep > 0,
            "`--keep 0` would keep no version: pass at least 1"
        );
        let lambda = self.lambda(function_name).await?;
        let pruned = release::prune::prune(&lambda, keep).await?;
        if let Some((version, why)) = pruned.failed.first() {
            let deleted = pruned.deleted.join(", ");
            bail!("version {version} cannot be deleted (deleted: {deleted}): {why}");
        }
        let deleted = match pruned.deleted.is_empty() {
            true => "no version".to_owned(),
            false => format!("versions {}", pruned.deleted.join(", ")),
        };
        Ok(Pruning {
            summary: format!(
                "deleted {deleted} of **{}**, {} left",
                lambda.function, pruned.kept
            ),
            kept: u32::try_from(pruned.kept)?,
            deleted: pruned.deleted,
        })
    }

    /// Invokes a function; fails with the end of its log when it fails.
    #[function(cache = "never")]
    pub async fn invoke(
        &self,
        function_name: String,
        /// Version or alias.
        qualifier: Option<String>,
        /// JSON.
        #[arg(default = "{}")]
        payload: String,
    ) -> Result<Invocation> {
        smoke::check_payload(&payload)?;
        let lambda = self.lambda(function_name).await?;
        let answer = lambda.invoke(qualifier.as_deref(), &payload).await?;
        let function = &lambda.function;
        if let Some(error) = &answer.error {
            bail!(
                "`{function}` failed ({error}): {}{}",
                answer.payload,
                smoke::log(&answer)
            );
        }
        let shown: String = answer.payload.chars().take(500).collect();
        Ok(Invocation {
            summary: format!(
                "**{function}** version {} answers `{shown}`",
                answer.version
            ),
            payload: answer.payload,
            version: answer.version,
            log: answer.log,
        })
    }
}

/// The part that an image by container and one by reference have in common.
async fn release(
    lambda: &Lambda,
    order: &Order,
    before: &Before,
    registry: &Registry,
    stored: &Stored,
) -> Result<Publication> {
    let digest = &stored.digest;
    let image = format!("{}@{digest}", registry.uri);
    manifest::check(registry, stored, before.architecture())
        .await
        .wrap_err_with(|| before.unharmed())?;
    let published = publication::publish(lambda, order, before, &image, digest).await?;
    Ok(Publication {
        summary: published.summary(lambda, &image),
        version: published.version.version,
        function_arn: published.version.function_arn,
        image_digest: digest.clone(),
        image_ref: image,
        alias: published.alias.map(|alias| alias.name).unwrap_or_default(),
        previous_version: published.previous.unwrap_or_default(),
        is_new: !published.again,
        pruned: published.pruned.deleted,
    })
}

async fn alias_of(lambda: &Lambda, name: &str) -> Result<Alias> {
    check_alias_name(name)?;
    let alias = lambda.alias(name).await?;
    alias.ok_or_else(|| {
        let function = &lambda.function;
        eyre!("no alias `{name}` of function `{function}`: check both names and the region, or publish with `--alias {name}`")
    })
}

#[cfg(test)]
#[path = "../../readme.rs"]
mod readme;
#[cfg(test)]
mod tests;
