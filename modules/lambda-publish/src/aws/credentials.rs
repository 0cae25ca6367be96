//! Who asks: keys that were given, or a role that lends keys for an hour.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use poniard_sdk::prelude::*;
use serde::Deserialize;

use super::transport::{Answer, Broken, Message};
use super::{Client, sts};

/// New keys are fetched this long before the old ones end.
const SPARE: Duration = Duration::from_secs(5 * 60);
/// Who runs no instance has nothing at this address.
const METADATA: Duration = Duration::from_secs(2);

#[derive(Clone, Default)]
pub struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: Option<String>,
    /// None: as long as this takes.
    pub expires: Option<SystemTime>,
}

impl Credentials {
    /// A text of somebody else's without the secrets.
    pub fn scrubbed(&self, text: &str) -> String {
        let secrets = [Some(&self.secret_access_key), self.session_token.as_ref()];
        let secrets = secrets.into_iter().flatten().filter(|one| !one.is_empty());
        secrets.fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
    }

    fn lasts(&self) -> bool {
        let until = SystemTime::now() + SPARE;
        self.expires.is_none_or(|expires| expires > until)
    }
}

/// Where credentials come from.
#[derive(Clone)]
pub enum Origin {
    Keys(Credentials),
    /// A token of an identity provider, such as GitLab's.
    WebIdentity {
        token: String,
        role_arn: String,
    },
    /// The agent beside a container (ECS, EKS Pod Identity).
    Container {
        uri: String,
        token: Option<String>,
    },
    /// The instance that the engine runs on.
    Instance {
        endpoint: String,
    },
}

pub struct Source {
    origin: Origin,
    /// A role to take on with them.
    role_arn: Option<String>,
    known: Option<Credentials>,
}

impl Source {
    pub fn new(origin: Origin, role_arn: Option<String>) -> Self {
        Self {
            origin,
            role_arn,
            known: None,
        }
    }

    /// Credentials that last for the next minutes.
    pub async fn get(&mut self, client: &Client) -> Result<Credentials> {
        if let Some(known) = self.known.as_ref().filter(|known| known.lasts()) {
            return Ok(known.clone());
        }
        let own = match &self.origin {
            Origin::Keys(keys) => keys.clone(),
            Origin::WebIdentity { token, role_arn } => {
                sts::assume_role_with_web_identity(client, role_arn, token).await?
            }
            Origin::Container { uri, token } => of_container(uri, token.as_deref()).await?,
            Origin::Instance { endpoint } => of_instance(endpoint).await?,
        };
        let found = match &self.role_arn {
            Some(role_arn) => sts::assume_role(client, role_arn, &own).await?,
            None => own,
        };
        self.known = Some(found.clone());
        Ok(found)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Lent {
    access_key_id: String,
    secret_access_key: String,
    #[serde(alias = "SessionToken")]
    token: Option<String>,
    expiration: Option<String>,
}

impl From<Lent> for Credentials {
    fn from(lent: Lent) -> Self {
        Self {
            access_key_id: lent.access_key_id,
            secret_access_key: lent.secret_access_key,
            session_token: lent.token,
            expires: lent.expiration.as_deref().and_then(expiry),
        }
    }
}

/// `2026-01-31T12:00:00Z`. One that cannot be read is fetched anew each time.
pub fn expiry(text: &str) -> Option<SystemTime> {
    let format = aws_smithy_types::date_time::Format::DateTime;
    let time = aws_smithy_types::DateTime::from_str(text.trim(), format).ok();
    let known = time.and_then(|time| SystemTime::try_from(time).ok());
    Some(known.unwrap_or(SystemTime::UNIX_EPOCH))
}

async fn of_container(uri: &str, token: Option<&str>) -> Result<Credentials> {
    // ECS gives a path, EKS a whole address.
    let url = match uri.strip_prefix('/') {
        Some(path) => format!("http://169.254.170.2/{path}"),
        None => uri.to_owned(),
    };
    ensure!(
        url.starts_with("https://") || is_nearby(&url),
        "`{url}` gets a token and gives credentials: it must be an `https://` address, or one of a private network"
    );
    let mut message = Message::get(&url, METADATA * 5);
    if let Some(token) = token {
        message = message.header("authorization", token.trim());
    }
    let answer = asked(message, &url).await?;
    let lent: Lent = serde_json::from_slice(&answer.body)
        .wrap_err_with(|| format!("`{url}` answers with something that is no credentials"))?;
    Ok(lent.into())
}

async fn of_instance(endpoint: &str) -> Result<Credentials> {
    let endpoint = endpoint.trim_end_matches('/');
    let token = format!("{endpoint}/latest/api/token");
    let mut message =
        Message::get(&token, METADATA).header("x-aws-ec2-metadata-token-ttl-seconds", "21600");
    message.method = "PUT";
    let session = asked(message, &token).await.wrap_err(
        "neither keys nor a token were given, and this is no instance with a role: \
         pass `--access-key-id` and `--secret-access-key`, or `--web-identity-token` with `--role-arn`; \
         on an instance, let containers reach its metadata (hop limit 2)",
    )?;
    let session = session.text();
    let get = |url: String| {
        let message =
            Message::get(&url, METADATA).header("x-aws-ec2-metadata-token", session.trim());
        async move { asked(message, &url).await }
    };
    let roles = format!("{endpoint}/latest/meta-data/iam/security-credentials/");
    let role = get(roles.clone())
        .await
        .wrap_err("the instance has no role")?
        .text();
    let role = role.lines().next().unwrap_or_default().trim().to_owned();
    let answer = get(format!("{roles}{role}")).await?;
    let lent: Lent = serde_json::from_slice(&answer.body)
        .wrap_err_with(|| format!("the metadata of role `{role}` are no credentials"))?;
    Ok(lent.into())
}

/// Two attempts: these answer from memory or not at all.
async fn asked(message: Message, url: &str) -> Result<Answer> {
    let mut last = String::new();
    for _ in 0..2 {
        match message.clone().send().await {
            Ok(answer) if answer.is_success() => return Ok(answer),
            Ok(answer) => last = format!("status {}", answer.status),
            Err(Broken::NotSent(why) | Broken::Distrusted(why) | Broken::Unsure(why)) => last = why,
        }
    }
    bail!("cannot read `{url}`: {last}")
}

/// Plain HTTP to an address that is not on the internet.
fn is_nearby(url: &str) -> bool {
    let Ok(uri) = url.parse::<ureq::http::Uri>() else {
        return false;
    };
    let host = uri.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.parse() {
        Ok(IpAddr::V4(ip)) => {
            ip.is_loopback() || ip.is_link_local() || ip.is_private() || ip.is_documentation()
        }
        Ok(IpAddr::V6(ip)) => {
            ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()
        }
        Err(_) => host == "localhost",
    }
}
