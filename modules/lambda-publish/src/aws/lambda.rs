//! Lambda: functions, their versions and aliases.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Client, Failure, Request, Service};

const LAMBDA: Service = Service {
    name: "Lambda",
    host: "lambda",
    signed_as: "lambda",
};
const FUNCTIONS: &str = "/2015-03-31/functions";
/// The longest that a function may run, and some for the way.
const INVOCATION: Duration = Duration::from_secs(15 * 60 + 30);
/// RFC 3986's unreserved characters stay as they are.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// One function.
#[derive(Clone)]
pub struct Lambda {
    pub client: Client,
    pub function: String,
}

/// What a function or a version is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Configuration {
    pub function_arn: String,
    pub version: String,
    pub description: String,
    pub package_type: String,
    pub architectures: Vec<String>,
    pub last_modified: String,
    pub revision_id: String,
    #[serde(rename = "CodeSha256")]
    pub code_sha256: String,
    pub state: String,
    pub state_reason: String,
    pub state_reason_code: String,
    pub last_update_status: String,
    pub last_update_status_reason: String,
    pub last_update_status_reason_code: String,
    /// What makes two versions of the same code differ: memory, variables …
    #[serde(flatten)]
    pub settings: serde_json::Map<String, Value>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Code {
    pub image_uri: String,
    pub resolved_image_uri: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Function {
    pub configuration: Configuration,
    #[serde(default)]
    pub code: Code,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Alias {
    pub name: String,
    pub function_version: String,
    pub description: String,
    pub revision_id: String,
    pub routing_config: Option<Routing>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Routing {
    /// Version to its share of one.
    pub additional_version_weights: Option<BTreeMap<String, f64>>,
}

pub struct Invoked {
    pub payload: String,
    /// `Handled` or `Unhandled` when the function failed.
    pub error: Option<String>,
    pub version: String,
    /// The end of its log.
    pub log: String,
}

impl Configuration {
    /// Whether a version of one would be a version of the other.
    pub fn is_same(&self, other: &Self) -> bool {
        let settings = |of: &Self| {
            let mut settings = of.settings.clone();
            settings.retain(|name, value| {
                let about_change = ["MasterArn", "SnapStart", "RuntimeVersionConfig"];
                !about_change.contains(&name.as_str()) && !value.is_null()
            });
            settings
        };
        !self.code_sha256.is_empty()
            && self.code_sha256 == other.code_sha256
            && self.architectures == other.architectures
            && settings(self) == settings(other)
    }
}

impl Function {
    /// Whether its code is the image of this digest.
    pub fn runs(&self, digest: &str) -> bool {
        let is = |uri: &str| uri.ends_with(&format!("@{digest}"));
        is(&self.code.image_uri) || is(&self.code.resolved_image_uri)
    }
}

impl Alias {
    /// The versions that get a part of the requests only.
    pub fn shares(&self) -> BTreeMap<String, f64> {
        let routing = self.routing_config.clone().unwrap_or_default();
        routing.additional_version_weights.unwrap_or_default()
    }

    pub fn serves(&self, version: &str) -> bool {
        self.function_version == version || self.shares().contains_key(version)
    }
}

impl Lambda {
    pub async fn get(&self) -> Result<Function, Failure> {
        let path = self.path("");
        self.client.ask(call("GetFunction", "GET", path)).await
    }

    pub async fn get_configuration(&self, version: &str) -> Result<Configuration, Failure> {
        let path = self.path(&format!("/configuration?Qualifier={}", encode(version)));
        self.client
            .ask(call("GetFunctionConfiguration", "GET", path))
            .await
    }

    pub async fn update_code(
        &self,
        image_uri: &str,
        revision_id: &str,
    ) -> Result<Configuration, Failure> {
        let body = json!({ "ImageUri": image_uri, "RevisionId": revision_id, "Publish": false });
        let path = self.path("/code");
        let request = call("UpdateFunctionCode", "PUT", path).json(&body);
        self.client.ask(request).await
    }

    pub async fn publish_version(
        &self,
        code_sha256: &str,
        revision_id: &str,
        description: Option<&str>,
    ) -> Result<Configuration, Failure> {
        let mut body = json!({ "CodeSha256": code_sha256, "RevisionId": revision_id });
        if let Some(description) = description {
            body["Description"] = description.into();
        }
        let request = call("PublishVersion", "POST", self.path("/versions")).json(&body);
        self.client.ask(request).await
    }

    /// All but `$LATEST`, the newest first.
    pub async fn versions(&self) -> Result<Vec<Configuration>, Failure> {
        let pages = self.pages("ListVersionsByFunction", "/versions", "Versions");
        let mut versions: Vec<Configuration> = pages.await?;
        versions.retain(|version| number(&version.version).is_some());
        versions.sort_by_key(|version| std::cmp::Reverse(number(&version.version)));
        Ok(versions)
    }

    pub async fn aliases(&self) -> Result<Vec<Alias>, Failure> {
        self.pages("ListAliases", "/aliases", "Aliases").await
    }

    /// None when there is no such alias.
    pub async fn alias(&self, name: &str) -> Result<Option<Alias>, Failure> {
        let path = self.path(&format!("/aliases/{}", encode(name)));
        match self.client.ask(call("GetAlias", "GET", path)).await {
            Ok(alias) => Ok(Some(alias)),
            Err(failure) if failure.is("ResourceNotFoundException") => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    pub async fn create_alias(
        &self,
        name: &str,
        version: &str,
        description: &str,
    ) -> Result<Alias, Failure> {
        let body = json!({ "Name": name, "FunctionVersion": version, "Description": description });
        let request = call("CreateAlias", "POST", self.path("/aliases")).json(&body);
        self.client.ask(request).await
    }

    pub async fn update_alias(
        &self,
        alias: &Alias,
        version: &str,
        shares: &BTreeMap<String, f64>,
        description: &str,
    ) -> Result<Alias, Failure> {
        let body = json!({
            "FunctionVersion": version,
            "RoutingConfig": { "AdditionalVersionWeights": shares },
            "Description": description,
            "RevisionId": alias.revision_id,
        });
        let path = self.path(&format!("/aliases/{}", encode(&alias.name)));
        let request = call("UpdateAlias", "PUT", path).json(&body);
        self.client.ask(request).await
    }

    pub async fn delete_version(&self, version: &str) -> Result<(), Failure> {
        let path = self.path(&format!("?Qualifier={}", encode(version)));
        let request = call("DeleteFunction", "DELETE", path);
        match self.client.send(request).await {
            Err(failure) if failure.is("ResourceNotFoundException") => Ok(()),
            other => other.map(drop),
        }
    }

    pub async fn invoke(&self, qualifier: Option<&str>, payload: &str) -> Result<Invoked, Failure> {
        let query = qualifier.map(|name| format!("?Qualifier={}", encode(name)));
        let path = self.path(&format!("/invocations{}", query.unwrap_or_default()));
        let mut request = call("Invoke", "POST", path)
            .header("content-type", "application/json")
            .header("x-amz-log-type", "Tail");
        request.body = payload.as_bytes().to_vec();
        request.attempt = INVOCATION;
        let answer = self.client.send(request).await?;
        let header = |name| answer.header(name).map(str::to_owned);
        let log = header("x-amz-log-result").and_then(|text| STANDARD.decode(text).ok());
        Ok(Invoked {
            payload: answer.text(),
            error: header("x-amz-function-error"),
            version: header("x-amz-executed-version").unwrap_or_default(),
            log: String::from_utf8_lossy(&log.unwrap_or_default()).into_owned(),
        })
    }

    async fn pages<T: serde::de::DeserializeOwned>(
        &self,
        action: &'static str,
        path: &str,
        field: &str,
    ) -> Result<Vec<T>, Failure> {
        let mut all = Vec::new();
        let mut marker = String::new();
        loop {
            let path = self.path(&format!("{path}{marker}"));
            let mut page: Value = self.client.ask(call(action, "GET", path)).await?;
            let items: Vec<T> = serde_json::from_value(page[field].take())
                .map_err(|why| Failure::unreadable(LAMBDA.name, action, why))?;
            all.extend(items);
            match page["NextMarker"].as_str().filter(|next| !next.is_empty()) {
                Some(next) => marker = format!("?Marker={}", encode(next)),
                None => return Ok(all),
            }
        }
    }

    fn path(&self, rest: &str) -> String {
        format!("{FUNCTIONS}/{}{rest}", encode(&self.function))
    }
}

fn call(action: &'static str, method: &'static str, path: String) -> Request {
    Request::new(LAMBDA, action, method, path)
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// None for `$LATEST`.
pub fn number(version: &str) -> Option<u64> {
    version.parse().ok()
}
