//! One call of an API, repeated as long as that is safe.

use std::time::{Duration, Instant};

use serde::Serialize;
use ureq::http::{self, Method};

use crate::api::Api;
use crate::error::{Cause, Error, Fault};
use crate::response::Response;
use crate::retry::Pauses;

/// A request that is not sent yet.
///
/// ```no_run
/// # async fn example(api: poniard_http::Api) -> Result<(), poniard_http::Error> {
/// let request = api.get("/notes").query("per_page", 100);
/// let notes = request.send().await?;
/// # Ok(()) }
/// ```
#[must_use = "nothing happens until it is sent"]
pub struct Request {
    api: Api,
    /// What is wrong with it is said by [`Self::send`].
    method: Result<Method, String>,
    path: String,
    query: Vec<(String, String)>,
    body: Result<Option<Body>, String>,
    repeatable: bool,
    accepted: Accepted,
}

struct Body {
    kind: String,
    bytes: Vec<u8>,
}

enum Accepted {
    /// Success and these.
    Success(Vec<u16>),
    Any,
}

/// With the default pauses the last attempt starts after 8 to 16 seconds.
const ATTEMPTS: u32 = 6;
/// A body is held in memory: more than this is no answer of an API.
const LONGEST_BODY: u64 = 256 << 20;

impl Request {
    pub(crate) fn new(api: Api, method: Result<Method, String>, path: &str) -> Self {
        let repeatable = method.as_ref().is_ok_and(Method::is_idempotent);
        Self {
            api,
            method,
            path: path.to_owned(),
            query: Vec::new(),
            body: Ok(None),
            repeatable,
            accepted: Accepted::Success(Vec::new()),
        }
    }

    /// Adds `name=value` to the query, encoded.
    ///
    /// ```no_run
    /// # async fn example(api: poniard_http::Api) -> Result<(), poniard_http::Error> {
    /// api.get("/notes").query("search", "a & b").query("page", 2).send().await?;
    /// # Ok(()) }
    /// ```
    pub fn query(mut self, name: &str, value: impl ToString) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    /// A body of JSON.
    ///
    /// ```no_run
    /// # async fn example(api: poniard_http::Api) -> Result<(), poniard_http::Error> {
    /// api.post("/notes").json(&serde_json::json!({ "body": "Hello" })).send().await?;
    /// # Ok(()) }
    /// ```
    pub fn json(mut self, body: &impl Serialize) -> Self {
        let bytes = serde_json::to_vec(body).map_err(|cause| cause.to_string());
        self.body = bytes.map(|bytes| {
            Some(Body {
                kind: "application/json".into(),
                bytes,
            })
        });
        self
    }

    /// A body of any media type.
    ///
    /// ```no_run
    /// # async fn example(api: poniard_http::Api) -> Result<(), poniard_http::Error> {
    /// api.put("/files/a.txt").body("text/plain", "Hello").send().await?;
    /// # Ok(()) }
    /// ```
    pub fn body(mut self, media_type: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = Ok(Some(Body {
            kind: media_type.to_owned(),
            bytes: bytes.into(),
        }));
        self
    }

    /// Says that sent twice it does no more than sent once, so that it is
    /// repeated after every fault. `GET`, `PUT` and `DELETE` are so by
    /// themselves.
    ///
    /// ```no_run
    /// # async fn example(api: poniard_http::Api) -> Result<(), poniard_http::Error> {
    /// api.post("/search").json(&"word").repeatable().send().await?;
    /// # Ok(()) }
    /// ```
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Takes an answer with this status for a success.
    ///
    /// ```no_run
    /// # async fn example(api: poniard_http::Api) -> Result<(), poniard_http::Error> {
    /// let found = api.get("/notes/7").accept(404).send().await?.status() != 404;
    /// # Ok(()) }
    /// ```
    pub fn accept(mut self, status: u16) -> Self {
        if let Accepted::Success(statuses) = &mut self.accepted {
            statuses.push(status);
        }
        self
    }

    /// Takes every answer as it comes, also redirections and errors; only faults
    /// of the network are repeated.
    ///
    /// ```no_run
    /// # async fn example(api: poniard_http::Api) -> Result<(), poniard_http::Error> {
    /// let answer = api.get("/").accept_any().send().await?;
    /// println!("{}", answer.status());
    /// # Ok(()) }
    /// ```
    pub fn accept_any(mut self) -> Self {
        self.accepted = Accepted::Any;
        self
    }

    /// Sends it, and again after faults that pass: see the crate's description.
    ///
    /// ```no_run
    /// # async fn example(api: poniard_http::Api) -> Result<(), poniard_http::Error> {
    /// match api.get("/user").send().await {
    ///     Ok(answer) => println!("{}", answer.text()),
    ///     Err(error) => eprintln!("{error}"),
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn send(self) -> Result<Response, Error> {
        let name = self.name();
        let settings = &self.api.settings;
        let refused = |why| Error::new(&settings.name, Cause::Refused(why));
        let prepared = self.prepare().map_err(refused)?;

        let start = Instant::now();
        let mut pauses = Pauses::new(settings.first_pause);
        for attempt in 1.. {
            let left = settings.patience.saturating_sub(start.elapsed());
            let (error, again) = match self.attempt(prepared.clone(), &name, left).await {
                Ok(response) if self.takes(response.status) => return Ok(response),
                Ok(response) => {
                    let again = self.asks_again(response.status);
                    let pause = response.retry_after();
                    (response.into_error(), again.then_some(pause))
                }
                Err(fault) => {
                    let again = !fault.lasting && (self.repeatable || !fault.maybe_taken);
                    let error = Error::new(&settings.name, Cause::Network(fault));
                    (error.of_request(name.clone()), again.then_some(None))
                }
            };
            let took = start.elapsed();
            let pause = again.map(|asked| asked.unwrap_or_else(|| pauses.next()));
            match pause {
                Some(pause) if attempt < ATTEMPTS && took + pause < settings.patience => {
                    tokio::time::sleep(pause).await;
                }
                _ => return Err(error.after(attempt, took)),
            }
        }
        Err(refused("it was asked too often".into()))
    }

    fn takes(&self, status: u16) -> bool {
        match &self.accepted {
            Accepted::Any => true,
            Accepted::Success(others) => (200..300).contains(&status) || others.contains(&status),
        }
    }

    /// A request over the limit was not taken. After other faults of the server
    /// nobody knows.
    fn asks_again(&self, status: u16) -> bool {
        match status {
            429 => true,
            408 | 500 | 502 | 503 | 504 | 520..=524 => self.repeatable,
            _ => false,
        }
    }

    async fn attempt(
        &self,
        request: http::Request<Vec<u8>>,
        name: &str,
        left: Duration,
    ) -> Result<Response, Fault> {
        let (api, name) = (self.api.clone(), name.to_owned());
        let asked = tokio::task::spawn_blocking(move || {
            let answer = if request.body().is_empty() && !sends_length(request.method()) {
                api.settings.agent.run(request.map(|_| ()))
            } else {
                api.settings.agent.run(request)
            };
            let (head, mut body) = answer?.into_parts();
            Ok(Response {
                api,
                request: name,
                status: head.status.as_u16(),
                headers: head.headers,
                body: body.with_config().limit(LONGEST_BODY).read_to_vec()?,
            })
        });
        match tokio::time::timeout(left, asked).await {
            Ok(Ok(answer)) => answer.map_err(|error: ureq::Error| Fault::of(&error)),
            Ok(Err(panicked)) => Err(Fault {
                what: panicked.to_string(),
                maybe_taken: true,
                lasting: true,
            }),
            Err(_) => Err(Fault {
                what: "no answer in time".into(),
                maybe_taken: true,
                lasting: false,
            }),
        }
    }

    fn prepare(&self) -> Result<http::Request<Vec<u8>>, String> {
        let mut request = http::Request::builder()
            .method(self.method.clone()?)
            .uri(self.url()?);
        for (name, value) in &self.api.settings.headers {
            request = request.header(name, value);
        }
        let body = self.body.as_ref().map_err(Clone::clone)?;
        if let Some(body) = body {
            request = request.header("content-type", &body.kind);
        }
        let bytes = body.as_ref().map(|body| body.bytes.clone());
        let name = self.name();
        request
            .body(bytes.unwrap_or_default())
            .map_err(|cause| format!("`{name}` is no request: {cause}"))
    }

    fn url(&self) -> Result<String, String> {
        let base = &self.api.settings.base;
        let mut url = match self.path.strip_prefix(base.as_str()) {
            Some(rest) if rest.is_empty() || rest.starts_with(['/', '?']) => self.path.clone(),
            _ if self.path.contains("://") => {
                return Err(format!("`{}` is not at `{base}`", self.path));
            }
            _ => format!("{base}{}", self.path),
        };
        for (name, value) in &self.query {
            let mark = if url.contains('?') { '&' } else { '?' };
            url += &format!("{mark}{}={}", crate::encode(name), crate::encode(value));
        }
        Ok(url)
    }

    /// `GET /path`, for messages.
    fn name(&self) -> String {
        let method = self.method.as_ref().map_or("?", Method::as_str);
        let path = self.path.strip_prefix(&self.api.settings.base);
        let path = path.unwrap_or(&self.path);
        let path = path.split('?').next().unwrap_or_default();
        self.api.settings.scrubbed(&format!("{method} {path}"))
    }
}

/// Servers want `Content-Length: 0` of these.
fn sends_length(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}
