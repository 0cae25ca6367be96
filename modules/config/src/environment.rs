//! An environment of `pipeline.yaml`.

use std::collections::BTreeMap;

use poniard_sdk::prelude::*;

use crate::pipeline::Settings;

/// What differs in one environment. A text that is not set is empty.
#[object]
pub struct Environment {
    /// Name in `pipeline.yaml`.
    pub name: String,
    /// Address of what is deployed, without a slash at its end.
    pub url: String,
    /// Names and patterns of the branches that belong to it.
    pub branches: Vec<String>,
    /// Whether merge requests belong to it.
    pub merge_requests: bool,
    /// Environment variables, as `NAME=value`.
    pub variables: Vec<String>,
    /// Names of the secrets, the shared ones among them.
    pub secret_names: Vec<String>,
    /// Environment of the Wrangler configuration.
    pub cloudflare_env: String,
    /// Name or ARN of the Lambda function.
    pub lambda_function: String,
    /// Alias of the Lambda function.
    pub lambda_alias: String,
    secrets: State<BTreeMap<String, String>>,
}

#[functions]
impl Environment {
    /// The value of an environment variable.
    pub fn variable(
        &self,
        /// Its name.
        name: String,
    ) -> Result<String> {
        let mut pairs = self
            .variables
            .iter()
            .filter_map(|pair| pair.split_once('='));
        match pairs.find(|(known, _)| *known == name) {
            Some((_, value)) => Ok(value.to_owned()),
            None => bail!(
                "no variable `{name}` in environment `{}`: it has {}",
                self.name,
                {
                    let names = self
                        .variables
                        .iter()
                        .filter_map(|pair| pair.split_once('='));
                    listed(names.map(|(name, _)| name))
                }
            ),
        }
    }

    /// Where a secret is, as a URI such as `env://TOKEN`, for an argument of type Secret on the command line.
    pub fn secret_uri(
        &self,
        /// Its name.
        name: String,
    ) -> Result<String> {
        match self.secrets.get(&name) {
            Some(uri) => Ok(uri.clone()),
            None => bail!(
                "no secret `{name}` in environment `{}`: it has {}",
                self.name,
                listed(self.secret_names.iter().map(String::as_str))
            ),
        }
    }

    /// A secret; needs an engine that reads it where the caller is, see `secret-uri`.
    #[function(cache = "never")]
    pub async fn secret(
        &self,
        /// Its name.
        name: String,
    ) -> Result<Secret> {
        let uri = self.secret_uri(name.clone())?;
        let provider = uri.split(':').next().unwrap_or_default().to_owned();
        let secret = dag().secret(uri);
        // Asked for now: a secret that cannot be read is noticed only where it
        // is used, far from here.
        secret.plaintext().await.wrap_err_with(|| {
            format!(
                "cannot read secret `{name}` from {provider}://; an engine that keeps modules apart \
                 from the caller reads it inside this module only: pass `$(… | secret-uri {name})` \
                 to the function that needs it"
            )
        })?;
        Ok(secret)
    }
}

impl Environment {
    /// `iid`: the number of a merge request, for the address.
    pub fn new(settings: &Settings, iid: Option<u32>) -> Self {
        let url = settings.url.clone().unwrap_or_default();
        Self {
            name: settings.name.clone(),
            url: iid.map_or_else(|| url.clone(), |iid| url.replace("{iid}", &iid.to_string())),
            branches: settings.branches.clone(),
            merge_requests: settings.merge_requests,
            variables: settings
                .variables
                .iter()
                .map(|(k, v)| format!("{k}={v}"))
                .collect(),
            secret_names: settings.secrets.keys().cloned().collect(),
            cloudflare_env: settings.cloudflare_env.clone().unwrap_or_default(),
            lambda_function: settings.lambda_function.clone().unwrap_or_default(),
            lambda_alias: settings.lambda_alias.clone().unwrap_or_default(),
            secrets: State(settings.secrets.clone()),
        }
    }
}

/// For messages: `a`, `b`; or `none`.
pub fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    }
}
