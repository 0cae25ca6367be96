//! Signature version 4.

use std::time::SystemTime;

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use poniard_sdk::prelude::*;

use super::credentials::Credentials;
use super::transport::Message;

/// A copy with the headers that prove who asks.
pub fn signed(
    message: &Message,
    service: &str,
    region: &str,
    credentials: &Credentials,
    time: SystemTime,
) -> Result<Message> {
    let identity = aws_credential_types::Credentials::new(
        &credentials.access_key_id,
        &credentials.secret_access_key,
        credentials.session_token.clone(),
        None,
        "lambda-publish",
    )
    .into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(time)
        .settings(SigningSettings::default())
        .build()?
        .into();
    let headers = message.headers.iter();
    let request = SignableRequest::new(
        message.method,
        &message.url,
        headers.map(|(name, value)| (name.as_str(), value.as_str())),
        SignableBody::Bytes(&message.body),
    )?;
    let (instructions, _) = sign(request, &parameters)?.into_parts();
    let mut message = message.clone();
    for (name, value) in instructions.headers() {
        message = message.header(name, value);
    }
    Ok(message)
}
