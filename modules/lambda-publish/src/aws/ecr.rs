//! ECR: repositories and the password of their registry.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poniard_sdk::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Client, Failure, Request, Service};

const ECR: Service = Service {
    name: "ECR",
    host: "api.ecr",
    signed_as: "ecr",
};

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Repository {
    /// `123456789012.dkr.ecr.eu-west-1.amazonaws.com/site`
    pub repository_uri: String,
}

/// None when there is no such repository.
pub async fn repository(client: &Client, name: &str) -> Result<Option<Repository>, Failure> {
    let body = json!({ "repositoryNames": [name] });
    let found = client.ask(call("DescribeRepositories", &body).repeatable());
    match found.await {
        Ok(Described { repositories }) => Ok(repositories.into_iter().next()),
        Err(failure) if failure.is("RepositoryNotFoundException") => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Its tags cannot be moved, and images are scanned.
pub async fn create_repository(client: &Client, name: &str) -> Result<Repository, Failure> {
    let body = json!({
        "repositoryName": name,
        "imageTagMutability": "IMMUTABLE",
        "imageScanningConfiguration": { "scanOnPush": true },
    });
    // A second attempt that finds it made is as good.
    let made = client.ask::<Created>(call("CreateRepository", &body).repeatable());
    match made.await {
        Ok(Created { repository }) => Ok(repository),
        Err(failure) if failure.is("RepositoryAlreadyExistsException") => {
            repository(client, name).await?.ok_or(failure)
        }
        Err(failure) => Err(failure),
    }
}

/// User name and password for the registry, good for twelve hours.
pub async fn login(client: &Client) -> Result<(String, String)> {
    let body = json!({});
    let answer: Authorizations = client
        .ask(call("GetAuthorizationToken", &body).repeatable())
        .await?;
    let token = answer.authorization_data.first();
    let token = token.and_then(|one| STANDARD.decode(&one.authorization_token).ok());
    let token = token.and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = token.as_deref().and_then(|text| text.split_once(':'));
    let (user, password) = pair.ok_or_eyre("ECR GetAuthorizationToken: its answer has no token")?;
    Ok((user.to_owned(), password.to_owned()))
}

/// Takes a tag away; the image stays when it has another.
pub async fn untag(client: &Client, repository: &str, tag: &str) -> Result<(), Failure> {
    let body = json!({ "repositoryName": repository, "imageIds": [{ "imageTag": tag }] });
    client
        .ask::<Value>(call("BatchDeleteImage", &body).repeatable())
        .await
        .map(drop)
}

fn call(action: &'static str, body: &Value) -> Request {
    let target = format!("AmazonEC2ContainerRegistry_V20150921.{action}");
    Request::new(ECR, action, "POST", "/")
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", &target)
        .json(body)
}

#[derive(Deserialize)]
struct Described {
    repositories: Vec<Repository>,
}

#[derive(Deserialize)]
struct Created {
    repository: Repository,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Authorizations {
    authorization_data: Vec<Authorization>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Authorization {
    authorization_token: String,
}
