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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn signature(message: &Message, service: &str, credentials: &Credentials) -> Result<String> {
        // 2015-08-30T12:36:00Z
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160);
        let signed = signed(message, service, "us-east-1", credentials, time)?;
        let headers = signed.headers.into_iter();
        let mut found = headers.filter(|(name, _)| name == "authorization");
        let (_, value) = found.next().ok_or_eyre("no signature")?;
        let (_, signature) = value.rsplit_once("Signature=").ok_or_eyre("no signature")?;
        Ok(signature.to_owned())
    }

    fn credentials(session_token: Option<&str>) -> Credentials {
        Credentials {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            session_token: session_token.map(str::to_owned),
            expires: None,
        }
    }

    /// `get-vanilla` of the test suite of AWS.
    #[test]
    fn the_signature_is_the_one_of_aws() -> Result<()> {
        let message = Message::get("https://example.amazonaws.com/", Duration::ZERO);
        let signature = signature(&message, "service", &credentials(None))?;
        assert_eq!(
            signature,
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
        Ok(())
    }

    /// As botocore signs it: an ARN in the path, a query, a body, a session.
    #[test]
    fn a_call_of_lambda_is_signed_as_by_botocore() -> Result<()> {
        let path = "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Asite/invocations?Qualifier=%24LATEST";
        let url = format!("https://lambda.us-east-1.amazonaws.com{path}");
        let mut message =
            Message::get(url, Duration::ZERO).header("content-type", "application/json");
        message.method = "POST";
        message.body = b"{\"a\": 1}".to_vec();
        let signature = signature(&message, "lambda", &credentials(Some("session/token==")))?;
        assert_eq!(
            signature,
            "d3d19b239a155fb33e36fa97ad113102a3dc7ba050cb4fc92efe426808ad5498"
        );
        Ok(())
    }
}
