//! One request and its answer, without repetition.
//!
//! Requests block a thread of tokio's pool: `ureq` compiles in a third of the
//! time of an asynchronous client, and few requests run at once.

use std::sync::OnceLock;
use std::time::Duration;

use poniard_sdk::prelude::*;
use ureq::{Agent, Timeout, http};

/// An answer of Lambda has at most 6 MiB.
const MAX_BYTES: u64 = 16 << 20;
/// No message waits longer.
const LONGEST: Duration = Duration::from_secs(3600);

#[derive(Clone)]
pub struct Message {
    pub method: &'static str,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub timeout: Duration,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    headers: http::HeaderMap,
    pub body: Vec<u8>,
}

/// No answer came.
#[derive(Debug)]
pub enum Broken {
    /// The request did not leave.
    NotSent(String),
    /// Nor will it another time.
    Distrusted(String),
    /// The request may have been taken.
    Unsure(String),
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Message {
    pub fn get(url: impl Into<String>, timeout: Duration) -> Self {
        Self {
            method: "GET",
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout,
        }
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub async fn send(self) -> Result<Answer, Broken> {
        let lost = |error| Broken::Unsure(format!("{error}"));
        tokio::task::spawn_blocking(move || self.attempt())
            .await
            .map_err(lost)?
    }

    fn attempt(self) -> Result<Answer, Broken> {
        let mut request = http::Request::builder().method(self.method).uri(&self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request
            .body(self.body)
            .map_err(|error| Broken::NotSent(error.to_string()))?;
        let agent = agent(&self.url)?;
        let request = agent
            .configure_request(request)
            .timeout_global(Some(self.timeout))
            .build();
        let mut response = agent.run(request).map_err(|error| broken(&error))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let read = response.body_mut().with_config().limit(MAX_BYTES);
        let body = read.read_to_vec().map_err(|error| broken(&error))?;
        Ok(Answer {
            status,
            headers,
            body,
        })
    }
}

/// The one for `https://` reads the certificates of authorities, when it is first
/// needed.
fn agent(url: &str) -> Result<&'static Agent, Broken> {
    static PLAIN: OnceLock<Agent> = OnceLock::new();
    static SECURE: OnceLock<Result<Agent, String>> = OnceLock::new();
    if !url.starts_with("https://") {
        return Ok(PLAIN.get_or_init(|| poniard_http::agent(LONGEST, &[])));
    }
    let secure = SECURE.get_or_init(|| {
        let trusted = poniard_http::authorities()?;
        Ok(poniard_http::agent(LONGEST, &trusted))
    });
    secure
        .as_ref()
        .map_err(|why| Broken::NotSent(why.to_owned()))
}

fn broken(error: &ureq::Error) -> Broken {
    let text = error.to_string();
    if text.contains("invalid peer certificate") {
        return Broken::Distrusted(format!(
            "{text}: when its authority is one of your own, put that into the bundle that `SSL_CERT_FILE` names"
        ));
    }
    match error {
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::BadUri(_)
        | ureq::Error::Tls(_)
        | ureq::Error::Rustls(_)
        | ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => Broken::NotSent(text),
        ureq::Error::Io(io) if io.kind() == std::io::ErrorKind::ConnectionRefused => {
            Broken::NotSent(text)
        }
        _ => Broken::Unsure(text),
    }
}
