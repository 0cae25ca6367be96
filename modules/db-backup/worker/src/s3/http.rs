//! Requests with bounded retries.

use std::fmt;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use poniard_sdk::eyre::Report;
use poniard_sdk::prelude::*;
use ureq::http::{HeaderMap, Method, Request, StatusCode};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body};
use url::Url;

const ATTEMPTS: u32 = 7;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// No attempt begins later than this after the first.
const PATIENCE: Duration = Duration::from_secs(180);
const ANSWER: Duration = Duration::from_secs(60);
const MAX_TEXT: u64 = 16 << 20;

pub struct Http {
    agent: Agent,
    host: String,
}

/// What may be sent again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// Whatever happened to it.
    Always,
    /// Only when the server says that it did not take it.
    Refused,
}

pub struct Sending<'a> {
    /// For errors: `upload part 7`.
    pub what: &'a str,
    pub method: Method,
    /// Signs the request anew for each attempt.
    pub url: &'a dyn Fn() -> Url,
    pub headers: &'a [(&'a str, &'a str)],
    pub body: &'a [u8],
    pub again: Again,
}

/// What S3 said, when it was not what was hoped for.
#[derive(Debug)]
pub struct Refusal {
    what: String,
    host: String,
    pub status: StatusCode,
    code: String,
    message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            host,
            status,
            code,
            message,
        } = self;
        write!(
            f,
            "cannot {what}: S3 at `{host}` answers {}",
            status.as_u16()
        )?;
        if !code.is_empty() {
            write!(f, " {code}")?;
        }
        if !message.is_empty() {
            write!(f, ": {message}")?;
        }
        let next = match (status.as_u16(), code.as_str()) {
            (_, "NoSuchBucket") => "create the bucket, or check its name and region",
            (_, "SignatureDoesNotMatch" | "InvalidAccessKeyId") => "check the keys",
            (_, "ExpiredToken") => "the session token is too old: get a new one",
            (507, _) => "make room in the store",
            (403, _) => "check what the keys may do",
            (301 | 307 | 400, _) => "check the region and the endpoint",
            _ => return Ok(()),
        };
        write!(f, "; {next}")
    }
}

impl std::error::Error for Refusal {}

impl Http {
    pub fn new(store: &Url) -> Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = TlsConfig::builder().unversioned_rustls_crypto_provider(provider);
        if store.scheme() == "https" {
            let trusted = poniard_http::authorities().map_err(|error| eyre!(error))?;
            let trusted = trusted
                .iter()
                .map(|one| Certificate::from_der(one).to_owned());
            tls = tls.root_certs(RootCerts::Specific(Arc::new(trusted.collect())));
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(Duration::from_secs(20)))
            .timeout_send_body(Some(Duration::from_secs(600)))
            .timeout_recv_response(Some(ANSWER))
            .timeout_per_read(Some(ANSWER))
            .tls_config(tls.build())
            .build();
        Ok(Self {
            agent: config.into(),
            host: store.host_str().unwrap_or_default().to_owned(),
        })
    }

    /// Sends until there is an answer of success, and returns it unread.
    pub fn send(&self, sending: &Sending<'_>) -> Result<(HeaderMap, Body)> {
        let begun = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut attempt = 1;
        loop {
            let (error, retry) = match self.once(sending) {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let wait = match retry {
                Retry::No => return Err(error),
                Retry::After(wait) => wait.unwrap_or_else(|| jittered(pause)),
            };
            if attempt >= ATTEMPTS || begun.elapsed() + wait > PATIENCE {
                return Err(error.wrap_err(format!("gave up after {attempt} attempts")));
            }
            eprintln!("{error:#}; trying again");
            sleep(wait);
            pause = (pause * 2).min(LONGEST_PAUSE);
            attempt += 1;
        }
    }

    /// The same with the answer as text.
    pub fn text(&self, sending: &Sending<'_>) -> Result<String> {
        let (_, mut body) = self.send(sending)?;
        let text = body.with_config().limit(MAX_TEXT).read_to_string();
        text.wrap_err_with(|| format!("cannot {}: no whole answer", sending.what))
    }

    fn once(&self, sending: &Sending<'_>) -> Result<(HeaderMap, Body), (Report, Retry)> {
        let mut request = Request::builder()
            .method(sending.method.clone())
            .uri((sending.url)().as_str());
        for (name, value) in sending.headers {
            request = request.header(*name, *value);
        }
        let sent = match sending.method {
            Method::GET | Method::HEAD | Method::DELETE => request
                .body(())
                .map_err(Into::into)
                .and_then(|request| self.agent.run(request)),
            _ => request
                .body(sending.body)
                .map_err(Into::into)
                .and_then(|request| self.agent.run(request)),
        };
        let answer = sent.map_err(|error| {
            let again = match sending.again {
                Again::Always if untrusted(&error).is_none() => Retry::After(None),
                _ => Retry::No,
            };
            let what = sending.what;
            // The error itself may hold the signed address.
            let text = reason(&error);
            (eyre!("cannot {what}: S3 at `{}`: {text}", self.host), again)
        })?;
        if answer.status().is_success() {
            let (parts, body) = answer.into_parts();
            return Ok((parts.headers, body));
        }
        let (parts, mut body) = answer.into_parts();
        let text = body.with_config().limit(MAX_TEXT).read_to_string();
        let refusal = self.refusal(sending.what, parts.status, &text.unwrap_or_default());
        let slow_down = matches!(parts.status.as_u16(), 429 | 503);
        let full = parts.status == StatusCode::INSUFFICIENT_STORAGE;
        let broken = (parts.status.is_server_error() && !full)
            || parts.status == StatusCode::REQUEST_TIMEOUT;
        let retry = if slow_down || (broken && sending.again == Again::Always) {
            Retry::After(retry_after(&parts.headers))
        } else {
            Retry::No
        };
        Err((refusal.into(), retry))
    }

    pub fn refusal(&self, what: &str, status: StatusCode, text: &str) -> Refusal {
        Refusal {
            what: what.to_owned(),
            host: self.host.clone(),
            status,
            code: element(text, "Code"),
            message: element(text, "Message"),
        }
    }
}

enum Retry {
    No,
    /// Not before that, when S3 says so.
    After(Option<Duration>),
}

fn reason(error: &ureq::Error) -> String {
    match (error, untrusted(error)) {
        (_, Some(why)) => format!(
            "its certificate is not valid ({why}): set `SSL_CERT_FILE` to the authority's bundle"
        ),
        (ureq::Error::BadUri(_), _) => "its address is none".into(),
        (error, _) => error.to_string(),
    }
}

/// Why a certificate is not valid.
fn untrusted(error: &ureq::Error) -> Option<&rustls::CertificateError> {
    let tls = match error {
        ureq::Error::Rustls(error) => Some(error),
        ureq::Error::Io(error) => error.get_ref()?.downcast_ref(),
        _ => None,
    };
    match tls {
        Some(rustls::Error::InvalidCertificate(why)) => Some(why),
        _ => None,
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get("retry-after")?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Between half of it and all of it.
fn jittered(pause: Duration) -> Duration {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    pause / 2 + (pause / 2) * (now.subsec_micros() % 1000) / 1000
}

/// The text of the first element of that name.
pub fn element(xml: &str, name: &str) -> String {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let text = xml
        .split_once(&open)
        .and_then(|(_, rest)| rest.split_once(&close))
        .map(|(text, _)| text)
        .unwrap_or_default();
    text.replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}
