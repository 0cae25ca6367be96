//! Signed calls, repeated when that cannot do harm.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use poniard_sdk::prelude::*;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use super::credentials::{Credentials, Source};
use super::failure::{self, Failure, Kind};
use super::transport::{Answer, Broken, Message};
use super::{pause, sign};

/// A call with all its repetitions and pauses.
const PATIENCE: Duration = Duration::from_secs(120);
const ATTEMPT: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub struct Client {
    pub region: String,
    endpoint: Option<String>,
    credentials: Arc<Mutex<Source>>,
    /// Seconds that the clock of AWS is ahead of ours.
    ahead: Arc<AtomicI64>,
}

#[derive(Clone, Copy)]
pub struct Service {
    /// In messages.
    pub name: &'static str,
    /// In addresses: `api.ecr`.
    pub host: &'static str,
    /// In signatures.
    pub signed_as: &'static str,
}

/// One call.
pub struct Request {
    pub service: Service,
    /// As in the API reference.
    pub action: &'static str,
    pub method: &'static str,
    /// With the query, its parts already encoded.
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Done twice is as done once.
    pub repeatable: bool,
    pub attempt: Duration,
}

impl Request {
    pub fn new(
        service: Service,
        action: &'static str,
        method: &'static str,
        path: impl Into<String>,
    ) -> Self {
        Self {
            service,
            action,
            method,
            path: path.into(),
            headers: Vec::new(),
            body: Vec::new(),
            repeatable: matches!(method, "GET" | "DELETE"),
            attempt: ATTEMPT,
        }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn json(mut self, body: &serde_json::Value) -> Self {
        self.body = body.to_string().into_bytes();
        match self.headers.iter().any(|(name, _)| name == "content-type") {
            true => self,
            false => self.header("content-type", "application/json"),
        }
    }

    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    fn fails(&self, kind: Kind) -> Failure {
        Failure {
            service: self.service.name,
            action: self.action,
            kind,
        }
    }
}

impl Client {
    pub fn new(region: String, endpoint: Option<String>, credentials: Source) -> Self {
        Self {
            region,
            endpoint,
            credentials: Arc::new(Mutex::new(credentials)),
            ahead: Arc::default(),
        }
    }

    /// Asks and reads the JSON of the answer.
    pub async fn ask<T: DeserializeOwned>(&self, request: Request) -> Result<T, Failure> {
        let (service, action) = (request.service.name, request.action);
        let answer = self.send(request).await?;
        let body = match answer.body.is_empty() {
            true => b"{}",
            false => answer.body.as_slice(),
        };
        serde_json::from_slice(body).map_err(|why| Failure::unreadable(service, action, why))
    }

    pub async fn send(&self, request: Request) -> Result<Answer, Failure> {
        let credentials = self.credentials.lock().await.get(self).await;
        let credentials = credentials.map_err(|why| {
            let why = format!("no credentials: {why:#}");
            request.fails(Kind::NotSent(why))
        })?;
        self.send_as(request, Some(&credentials)).await
    }

    /// Without credentials the request is not signed.
    pub async fn send_as(
        &self,
        request: Request,
        credentials: Option<&Credentials>,
    ) -> Result<Answer, Failure> {
        let message = Message {
            method: request.method,
            url: format!("{}{}", self.address(request.service), request.path),
            headers: request.headers.clone(),
            body: request.body.clone(),
            timeout: request.attempt,
        };
        let deadline = Instant::now() + PATIENCE;
        let mut corrected = false;
        for attempt in 0.. {
            let sent = match credentials {
                Some(credentials) => {
                    let service = request.service.signed_as;
                    sign::signed(&message, service, &self.region, credentials, self.now())
                        .map_err(|why| request.fails(Kind::NotSent(format!("{why:#}"))))?
                }
                None => message.clone(),
            };
            let (failed, wait) = match sent.send().await {
                Ok(answer) if answer.is_success() => return Ok(answer),
                Ok(answer) => {
                    if !corrected && self.correct_clock(&answer) {
                        corrected = true;
                        continue;
                    }
                    refused(&request, &answer, credentials)
                }
                Err(Broken::NotSent(why)) => (request.fails(Kind::NotSent(why)), Some(None)),
                Err(Broken::Distrusted(why)) => (request.fails(Kind::NotSent(why)), None),
                Err(Broken::Unsure(why)) => {
                    let again = request.repeatable.then_some(None);
                    (request.fails(Kind::Unsure(why)), again)
                }
            };
            let Some(asked_for) = wait else {
                return Err(failed);
            };
            let pause = asked_for.unwrap_or_else(|| pause::after(attempt));
            if Instant::now() + pause > deadline {
                return Err(failed);
            }
            tokio::time::sleep(pause).await;
        }
        unreachable!("attempts end by the deadline")
    }

    fn address(&self, service: Service) -> String {
        if let Some(endpoint) = &self.endpoint {
            return endpoint.trim_end_matches('/').to_owned();
        }
        let (region, host) = (&self.region, service.host);
        let china = if region.starts_with("cn-") { ".cn" } else { "" };
        format!("https://{host}.{region}.amazonaws.com{china}")
    }

    fn now(&self) -> SystemTime {
        let ahead = self.ahead.load(Ordering::Relaxed);
        let shift = Duration::from_secs(ahead.unsigned_abs());
        match ahead < 0 {
            true => SystemTime::now() - shift,
            false => SystemTime::now() + shift,
        }
    }

    /// Signatures are good for minutes: a wrong clock of this machine is no
    /// reason to fail.
    fn correct_clock(&self, answer: &Answer) -> bool {
        let (code, message) = failure::read(answer);
        let off = [
            "RequestTimeTooSkewed",
            "RequestExpired",
            "RequestInTheFuture",
        ]
        .contains(&code.as_str())
            || message.contains("Signature expired")
            || message.contains("Signature not yet current");
        let date = answer
            .header("date")
            .and_then(|text| httpdate::parse_http_date(text).ok());
        let Some(theirs) = date.filter(|_| off) else {
            return false;
        };
        let ahead = match theirs.duration_since(SystemTime::now()) {
            Ok(ahead) => i64::try_from(ahead.as_secs()),
            Err(behind) => i64::try_from(behind.duration().as_secs()).map(|secs| -secs),
        };
        self.ahead
            .store(ahead.unwrap_or_default(), Ordering::Relaxed);
        true
    }
}

/// The failure, and whether to try again, after the pause that was asked for.
fn refused(
    request: &Request,
    answer: &Answer,
    credentials: Option<&Credentials>,
) -> (Failure, Option<Option<Duration>>) {
    let (code, message) = failure::read(answer);
    let message = credentials.map_or_else(|| message.clone(), |some| some.scrubbed(&message));
    let status = answer.status;
    let refused = Kind::Refused {
        status,
        code: code.clone(),
        message: message.clone(),
    };
    if status == 429 || is_throttling(&code) {
        return (request.fails(refused), Some(pause::asked_for(answer)));
    }
    if status < 500 {
        return (request.fails(refused), None);
    }
    match request.repeatable {
        true => (request.fails(refused), Some(pause::asked_for(answer))),
        // The service may have done it before it failed.
        false => {
            let why = format!("status {status} {code} {message}");
            (request.fails(Kind::Unsure(why.trim().to_owned())), None)
        }
    }
}

fn is_throttling(code: &str) -> bool {
    [
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "SlowDown",
    ]
    .contains(&code)
}
