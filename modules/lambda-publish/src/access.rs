//! From the arguments of the constructor to the function and the repository: who
//! asks, in which region, and what is there.

use poniard_sdk::prelude::*;

use crate::LambdaPublish;
use crate::aws::Client;
use crate::aws::credentials::{Credentials, Origin, Source};
use crate::aws::lambda::Lambda;
use crate::deps::Dependencies;
use crate::image::push;
use crate::image::reference::Repository;
use crate::image::registry::Registry;
use crate::release::plan::{Before, Order};

/// Where an image is to go.
pub struct Target {
    pub lambda: Lambda,
    pub before: Before,
    pub repository: Repository,
    /// None when the repository is not there.
    pub registry: Option<Registry>,
    pub tag: String,
}

impl LambdaPublish {
    pub async fn lambda(&self, function: String) -> Result<Lambda> {
        check_function_name(&function)?;
        let region = match &self.region {
            Some(region) => region.clone(),
            None => dag()
                .config()
                .aws_region()
                .await
                .wrap_err("no region: pass `--region`, or name it in `pipeline.yaml`")?,
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        ensure!(
            !region.is_empty() && region.chars().all(plain),
            "`{region}` is no region: write it as `eu-west-1`"
        );
        let client = Client::new(region, self.endpoint.clone(), self.credentials().await?);
        Ok(Lambda { client, function })
    }

    /// A web identity takes on the role itself; all others may take on one.
    async fn credentials(&self) -> Result<Source> {
        let role_arn = self.role_arn.clone();
        if let (Some(token), Some(role_arn)) = (&self.web_identity_token, &role_arn) {
            let token = text(token, "--web-identity-token").await?;
            let role_arn = role_arn.clone();
            return Ok(Source::new(Origin::WebIdentity { token, role_arn }, None));
        }
        let origin = match (&self.access_key_id, &self.secret_access_key) {
            (Some(key), Some(secret)) => {
                let (access_key_id, secret_access_key, session_token) = tokio::try_join!(
                    text(key, "--access-key-id"),
                    text(secret, "--secret-access-key"),
                    optional(self.session_token.as_ref(), "--session-token")
                )?;
                Origin::Keys(Credentials {
                    access_key_id,
                    secret_access_key,
                    session_token,
                    expires: None,
                })
            }
            _ => match &self.container_credentials_uri {
                Some(uri) => {
                    let token = self.container_authorization_token.as_ref();
                    let token = optional(token, "--container-authorization-token").await?;
                    let uri = uri.clone();
                    Origin::Container { uri, token }
                }
                None => Origin::Instance {
                    endpoint: self.metadata_endpoint.clone(),
                },
            },
        };
        Ok(Source::new(origin, role_arn))
    }

    /// Where an image is to go, and what is there.
    pub async fn target(
        &self,
        image: &Container,
        function: String,
        repository: &str,
        tag: Option<String>,
        order: &Order,
    ) -> Result<Target> {
        let repository = Repository::parse(repository)?;
        let tag = push::tag(image, tag).await?;
        let lambda = self.lambda(function).await?;
        let (before, registry) = tokio::join!(
            Before::look(&lambda, order),
            self.find(&lambda.client, &repository)
        );
        let (before, registry) = (before?, registry?);
        before.check_platform(image).await?;
        Ok(Target {
            lambda,
            before,
            repository,
            registry,
            tag,
        })
    }

    /// None when there is no such repository.
    pub async fn find(&self, client: &Client, repository: &Repository) -> Result<Option<Registry>> {
        Registry::find(client, repository, self.registry.as_deref()).await
    }

    pub async fn create(&self, client: &Client, repository: &Repository) -> Result<Registry> {
        Registry::create(client, repository, self.registry.as_deref()).await
    }
}

pub fn no_repository(repository: &Repository) -> poniard_sdk::eyre::Report {
    eyre!(
        "no repository `{}` in this account and region: make it, or pass `--create-repository` to `publish`",
        repository.path
    )
}

fn check_function_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let bare = match name.strip_prefix("arn:") {
        Some(arn) => {
            let parts: Vec<_> = arn.split(':').collect();
            match parts.as_slice() {
                [_, "lambda", _, _, "function", bare] => bare,
                _ => "",
            }
        }
        None => name,
    };
    ensure!(
        !bare.is_empty() && bare.len() <= 64 && bare.chars().all(plain),
        "`{name}` is no function: pass its name, or its ARN without version or alias"
    );
    Ok(())
}

async fn text(secret: &Secret, flag: &str) -> Result<String> {
    let text = secret.plaintext().await?;
    ensure!(!text.trim().is_empty(), "the secret of `{flag}` is empty");
    Ok(text.trim().to_owned())
}

async fn optional(secret: Option<&Secret>, flag: &str) -> Result<Option<String>> {
    match secret {
        Some(secret) => text(secret, flag).await.map(Some),
        None => Ok(None),
    }
}
