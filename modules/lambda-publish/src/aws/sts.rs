//! STS: keys for an hour. Its answers are XML.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use poniard_sdk::prelude::*;

use super::credentials::{Credentials, expiry};
use super::failure::element;
use super::{Client, Request, Service};

const STS: Service = Service {
    name: "STS",
    host: "sts",
    signed_as: "sts",
};
const SESSION: &str = "lambda-publish";

/// A role for who holds a token of an identity provider.
pub async fn assume_role_with_web_identity(
    client: &Client,
    role_arn: &str,
    token: &str,
) -> Result<Credentials> {
    let fields = [
        ("RoleArn", role_arn),
        ("RoleSessionName", SESSION),
        ("WebIdentityToken", token),
    ];
    assume(client, "AssumeRoleWithWebIdentity", &fields, None).await
}

/// A role for who has other credentials.
pub async fn assume_role(
    client: &Client,
    role_arn: &str,
    own: &Credentials,
) -> Result<Credentials> {
    let fields = [("RoleArn", role_arn), ("RoleSessionName", SESSION)];
    assume(client, "AssumeRole", &fields, Some(own)).await
}

async fn assume(
    client: &Client,
    action: &'static str,
    fields: &[(&str, &str)],
    own: Option<&Credentials>,
) -> Result<Credentials> {
    let mut form = format!("Action={action}&Version=2011-06-15");
    for (name, value) in fields {
        let value = utf8_percent_encode(value.trim(), NON_ALPHANUMERIC);
        form.push_str(&format!("&{name}={value}"));
    }
    // A second session harms nobody.
    let mut request = Request::new(STS, action, "POST", "/")
        .header("content-type", "application/x-www-form-urlencoded")
        .repeatable();
    request.body = form.into_bytes();
    let answer = Box::pin(client.send_as(request, own)).await?.text();
    let field = |name| {
        let text = element(&answer, name).map(str::to_owned);
        text.ok_or_else(|| eyre!("STS {action}: its answer has no `{name}`"))
    };
    Ok(Credentials {
        access_key_id: field("AccessKeyId")?,
        secret_access_key: field("SecretAccessKey")?,
        session_token: Some(field("SessionToken")?),
        expires: expiry(&field("Expiration")?),
    })
}
