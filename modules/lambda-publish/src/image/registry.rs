//! A repository in a registry, asked by the distribution API.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poniard_sdk::prelude::*;

use super::reference::{Repository, is_digest};
use crate::aws::transport::{Answer, Broken, Message};
use crate::aws::{Client, Failure, ecr, pause};

const PATIENCE: Duration = Duration::from_secs(60);
const ATTEMPT: Duration = Duration::from_secs(30);
const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json, \
     application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json";

/// Where a repository is, and how to get in.
pub struct Registry {
    /// As Lambda is told: `123456789012.dkr.ecr.eu-west-1.amazonaws.com/site`.
    pub uri: String,
    /// `host` or `host:port`.
    pub host: String,
    pub path: String,
    pub user: String,
    pub password: String,
    scheme: &'static str,
}

/// A manifest as it is stored.
pub struct Stored {
    pub digest: String,
    pub text: String,
}

impl Registry {
    /// The address of the registry, when it is not where ECR says.
    pub fn parse_address(text: &str) -> Result<(&'static str, String)> {
        let (scheme, rest) = match text.split_once("://") {
            Some(("http", rest)) => ("http", rest),
            Some(("https", rest)) => ("https", rest),
            None => ("https", text),
            Some(_) => bail!(
                "registry `{text}` must be `host:port`, with `http://` before it when it has no TLS"
            ),
        };
        let host = rest.trim_end_matches('/');
        ensure!(
            !host.is_empty() && !host.contains(['/', '@', '?', ' ']),
            "registry `{text}` must be `host` or `host:port`, without path or user"
        );
        Ok((scheme, host.to_owned()))
    }

    /// None when there is no such repository.
    pub async fn find(
        client: &Client,
        repository: &Repository,
        address: Option<&str>,
    ) -> Result<Option<Self>> {
        let uri = async {
            match &repository.host {
                Some(host) => Ok(Some(format!("{host}/{}", repository.path))),
                None => {
                    let found = ecr::repository(client, &repository.path).await?;
                    Ok::<_, Failure>(found.map(|found| found.repository_uri))
                }
            }
        };
        let (uri, login) = tokio::join!(uri, ecr::login(client));
        match (uri?, login?) {
            (Some(uri), login) => Self::at(uri, login, address).map(Some),
            (None, _) => Ok(None),
        }
    }

    /// Makes the repository.
    pub async fn create(
        client: &Client,
        repository: &Repository,
        address: Option<&str>,
    ) -> Result<Self> {
        let made = ecr::create_repository(client, &repository.path).await?;
        Self::at(made.repository_uri, ecr::login(client).await?, address)
    }

    fn at(uri: String, (user, password): (String, String), address: Option<&str>) -> Result<Self> {
        let (host, path) = uri
            .split_once('/')
            .ok_or_else(|| eyre!("ECR calls the repository `{uri}`, which has no path"))?;
        let (scheme, host) = match address {
            Some(address) => Self::parse_address(address)?,
            None => ("https", host.to_owned()),
        };
        Ok(Self {
            path: path.to_owned(),
            uri,
            host,
            user,
            password,
            scheme,
        })
    }

    /// None when there is no such tag or digest.
    pub async fn manifest(&self, name: &str) -> Result<Option<Stored>> {
        let answer = self.get(&format!("manifests/{name}"), ACCEPT).await?;
        let Some(answer) = answer else {
            return Ok(None);
        };
        let digest = match is_digest(name) {
            true => name,
            false => answer.header("docker-content-digest").unwrap_or_default(),
        };
        ensure!(
            is_digest(digest),
            "registry `{}` does not tell the digest of `{}:{name}`",
            self.host,
            self.path
        );
        Ok(Some(Stored {
            digest: digest.to_owned(),
            text: answer.text(),
        }))
    }

    /// Fails when there is no such tag or digest.
    pub async fn stored(&self, name: &str) -> Result<Stored> {
        let stored = self.manifest(name).await?;
        stored.ok_or_else(|| eyre!("no image `{name}` in `{}`: push it first", self.uri))
    }

    pub async fn blob(&self, digest: &str) -> Result<String> {
        let answer = self.get(&format!("blobs/{digest}"), "*/*").await?;
        let answer = answer.ok_or_else(|| {
            eyre!(
                "`{}` has no blob `{digest}`: push the image again",
                self.uri
            )
        })?;
        Ok(answer.text())
    }

    async fn get(&self, what: &str, accept: &str) -> Result<Option<Answer>> {
        let (scheme, host, path) = (self.scheme, &self.host, &self.path);
        let url = format!("{scheme}://{host}/v2/{path}/{what}");
        let basic = STANDARD.encode(format!("{}:{}", self.user, self.password));
        let message = Message::get(&url, ATTEMPT)
            .header("accept", accept)
            .header("authorization", format!("Basic {basic}"));
        let answer = patiently(message, &url).await?;
        let answer = match (answer.status, answer.header("location")) {
            // To an address that is signed itself: the password stays here.
            (301..=308, Some(there)) => {
                let there = there.to_owned();
                ensure!(
                    there.starts_with(&format!("{scheme}://")),
                    "registry `{host}` leads from `{url}` to another kind of address"
                );
                patiently(Message::get(&there, ATTEMPT), &url).await?
            }
            _ => answer,
        };
        match answer.status {
            200 => Ok(Some(answer)),
            404 => Ok(None),
            status @ (401 | 403) => bail!(
                "registry `{host}` answers `{url}` with status {status}: allow `ecr:BatchGetImage` and `ecr:GetDownloadUrlForLayer` to this role"
            ),
            status => {
                let said: String = answer.text().trim().chars().take(300).collect();
                bail!("registry `{host}` answers `{url}` with status {status}: {said}")
            }
        }
    }
}

async fn patiently(message: Message, url: &str) -> Result<Answer> {
    let deadline = Instant::now() + PATIENCE;
    for attempt in 0.. {
        let (why, asked_for) = match message.clone().send().await {
            Ok(answer) if answer.status == 429 || answer.status >= 500 => {
                let pause = pause::asked_for(&answer);
                (format!("status {}", answer.status), pause)
            }
            Ok(answer) => return Ok(answer),
            Err(Broken::Distrusted(why)) => bail!("the registry is not asked `{url}`: {why}"),
            Err(Broken::NotSent(why) | Broken::Unsure(why)) => (why, None),
        };
        let pause = asked_for.unwrap_or_else(|| pause::after(attempt));
        ensure!(
            Instant::now() + pause < deadline,
            "the registry does not answer `{url}`: {why}"
        );
        tokio::time::sleep(pause).await;
    }
    unreachable!("attempts end by the deadline")
}
