//! S3, as far as backups need it: multipart uploads ([`upload`]), and single
//! objects ([`objects`]). Requests are presigned by the crate rusty-s3 and sent
//! with bounded retries ([`http`]).

mod http;
mod objects;
mod upload;

use std::time::Duration;

use poniard_sdk::prelude::*;
use rusty_s3::{Bucket, Credentials, UrlStyle};
use serde::{Deserialize, Serialize};

use http::Http;
pub use objects::Object;
pub use upload::Upload;

/// S3's own limit for presigned addresses.
pub const MAX_TTL: Duration = Duration::from_secs(604_800);
const REGION: &str = "us-east-1";
/// How long a request stays valid on its way.
const REQUEST_TTL: Duration = Duration::from_secs(3600);

/// Where backups are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Location {
    pub bucket: String,
    pub prefix: String,
    pub endpoint: Option<String>,
    pub region: Option<String>,
}

/// Who asks.
pub struct Keys {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: Option<String>,
}

/// A bucket that can be asked.
pub struct Store {
    bucket: Bucket,
    keys: Credentials,
    http: Http,
}

impl Location {
    pub fn new(
        bucket: String,
        prefix: Option<String>,
        endpoint: Option<String>,
        region: Option<String>,
    ) -> Result<Self> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
        ensure!(
            (3..=63).contains(&bucket.len()) && bucket.chars().all(fits),
            "`{bucket}` is no name of a bucket: 3 to 63 lower-case letters, digits, `.` and `-`"
        );
        let prefix = prefix.unwrap_or_default();
        let prefix = prefix.trim_matches('/');
        let prefix = match prefix {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        };
        let location = Self {
            bucket,
            prefix,
            endpoint: endpoint.filter(|text| !text.is_empty()),
            region: region.filter(|text| !text.is_empty()),
        };
        location.address()?;
        Ok(location)
    }

    /// Amazon's buckets have names of their own; elsewhere they are paths.
    fn address(&self) -> Result<Bucket> {
        let region = self.region.clone().unwrap_or_else(|| REGION.into());
        let (endpoint, style) = match &self.endpoint {
            Some(endpoint) => (endpoint.clone(), UrlStyle::Path),
            None => {
                let host = format!("https://s3.{region}.amazonaws.com");
                // The certificate is for one name before the bucket's dots.
                let style = match self.bucket.contains('.') {
                    true => UrlStyle::Path,
                    false => UrlStyle::VirtualHost,
                };
                (host, style)
            }
        };
        let url: url::Url = endpoint
            .parse()
            .wrap_err_with(|| format!("endpoint `{endpoint}` is no address"))?;
        ensure!(
            ["http", "https"].contains(&url.scheme()) && url.username().is_empty(),
            "endpoint `{endpoint}` must be like `https://s3.example.com`"
        );
        Ok(Bucket::new(url, style, self.bucket.clone(), region)?)
    }
}

impl Store {
    pub fn open(location: &Location, keys: Keys) -> Result<Self> {
        let Keys {
            access_key_id: id,
            secret_access_key: secret,
            session_token,
        } = keys;
        let (id, secret) = (id.trim(), secret.trim());
        let keys = match session_token {
            Some(token) => Credentials::new_with_token(id, secret, token.trim()),
            None => Credentials::new(id, secret),
        };
        let bucket = location.address()?;
        let http = Http::new(bucket.base_url())?;
        Ok(Self { bucket, keys, http })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(bucket: &str, endpoint: Option<&str>) -> Result<Location> {
        Location::new(
            bucket.into(),
            Some("/a/".into()),
            endpoint.map(Into::into),
            None,
        )
    }

    #[test]
    fn bad_names_and_addresses_are_refused() {
        assert!(location("Bad_Name", None).is_err());
        assert!(location("good-name", Some("no address")).is_err());
        assert!(location("good-name", Some("ftp://host")).is_err());
    }

    #[test]
    fn amazon_names_the_bucket_in_the_host_and_others_in_the_path() {
        let at = |bucket, endpoint| {
            let location = location(bucket, endpoint).unwrap();
            location.address().unwrap().base_url().to_string()
        };
        assert_eq!(at("one", None), "https://one.s3.us-east-1.amazonaws.com/");
        assert_eq!(
            at("a.b.c", None),
            "https://s3.us-east-1.amazonaws.com/a.b.c/"
        );
        assert_eq!(at("one", Some("http://h:9000")), "http://h:9000/one/");
    }
}
