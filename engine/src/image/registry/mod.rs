//! Registries: [`credentials`] for them, [`lookup`], [`pull`], [`push`], and what their
//! [`failure`]s mean for the user. What they send is [`bounded`].

mod bounded;
mod credentials;
mod failure;
mod lookup;
mod pull;
mod push;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use eyre::{Result, WrapErr};
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};

use super::{Credentials, Images};

/// Sends nothing for this long: the connection is dead.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// A repository in a registry, as it is reached.
struct Remote {
    client: Client,
    reference: Reference,
    auth: RegistryAuth,
}

impl Images {
    async fn remote(
        &self,
        reference: Reference,
        auth: &BTreeMap<String, Credentials>,
    ) -> Result<Remote> {
        let host = reference.resolve_registry().to_owned();
        let mut insecure = self.settings.registry.insecure.clone();
        if is_loopback(&host) {
            insecure.push(host.clone());
        }
        let config = ClientConfig {
            protocol: ClientProtocol::HttpsExcept(insecure),
            read_timeout: Some(READ_TIMEOUT),
            connect_timeout: Some(CONNECT_TIMEOUT),
            user_agent: concat!("poniard/", env!("CARGO_PKG_VERSION")),
            use_monolithic_push: true,
            ..ClientConfig::default()
        };
        let client = Client::try_from(config).wrap_err("cannot set up the registry client")?;
        let auth = credentials::find(reference.registry(), auth).await?;
        client.store_auth_if_needed(&host, &auth).await;
        Ok(Remote {
            client,
            reference,
            auth,
        })
    }

    /// The reference at the mirror of its registry, if there is one.
    fn mirrored(&self, reference: &Reference) -> Option<Reference> {
        let mirror = self.settings.registry.mirrors.get(reference.registry())?;
        let mirror = mirror.trim_end_matches('/');
        let mirror = mirror.split_once("://").map_or(mirror, |(_, rest)| rest);
        let (host, repository) = match mirror.split_once('/') {
            Some((host, path)) => (host, format!("{path}/{}", reference.repository())),
            None => (mirror, reference.repository().to_owned()),
        };
        Some(match (reference.digest(), reference.tag()) {
            (Some(digest), _) => {
                Reference::with_digest(host.to_owned(), repository, digest.to_owned())
            }
            (None, tag) => Reference::with_tag(
                host.to_owned(),
                repository,
                tag.unwrap_or("latest").to_owned(),
            ),
        })
    }
}

/// Docker, too, speaks to these without TLS.
fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let address = name
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<std::net::IpAddr>();
    name == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
