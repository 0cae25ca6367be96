//! What all requests to one API have in common.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use ureq::Agent;
use ureq::http::{HeaderName, HeaderValue, Method, Uri};

use crate::error::{Cause, Error};
use crate::request::Request;
use crate::tls;

/// What to do about a status and the API's message, when there is more to say
/// than [`Error`] says by itself.
type NextStep = dyn Fn(u16, &str) -> Option<String> + Send + Sync;

/// An API: its address, its credentials, and how patient its requests are.
///
/// ```
/// # use poniard_http::{Api, Error};
/// let api = Api::new("GitLab", "https://gitlab.com/api/v4/")?;
/// assert_eq!(api.base(), "https://gitlab.com/api/v4");
/// # Ok::<(), poniard_http::Error>(())
/// ```
#[derive(Clone)]
pub struct Api {
    pub(crate) settings: Arc<Settings>,
}

#[derive(Clone)]
pub(crate) struct Settings {
    pub name: String,
    /// Without a slash at its end.
    pub base: String,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Texts that must not be shown.
    pub secrets: Vec<String>,
    pub agent: Agent,
    pub authorities: Vec<CertificateDer<'static>>,
    pub patience: Duration,
    pub first_pause: Duration,
    pub next_step: Option<Arc<NextStep>>,
}

/// One attempt, from the name's resolution to the last byte of the answer.
const ATTEMPT: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(120);
const FIRST_PAUSE: Duration = Duration::from_millis(500);

impl Api {
    /// `name` is what messages call it, `base` its `http://` or `https://`
    /// address, to which the paths of requests are added.
    ///
    /// A request is given 120 seconds, its repetitions included
    /// ([`Self::patience`]), and each attempt 60 seconds ([`Self::attempt`]).
    ///
    /// ```
    /// # use poniard_http::{Api, Error};
    /// assert!(Api::new("GitLab", "gitlab.com").is_err());
    /// assert!(Api::new("GitLab", "http://user:password@gitlab.local").is_err());
    /// Api::new("GitLab", "http://gitlab.local:8080/api/v4")?;
    /// # Ok::<(), poniard_http::Error>(())
    /// ```
    pub fn new(name: &str, base: &str) -> Result<Self, Error> {
        let base = base.trim_end_matches('/');
        let refused = |why: &str| Error::new(name, Cause::Refused(why.to_owned()));
        let uri: Uri = base
            .parse()
            .map_err(|_| refused(&format!("`{}` is no address", without_userinfo(base))))?;
        if uri.authority().is_some_and(|a| a.as_str().contains('@')) {
            return Err(refused(
                "its address holds a user name or a password: pass the token as a secret",
            ));
        }
        if !matches!(uri.scheme_str(), Some("http" | "https"))
            || uri.host().is_none_or(str::is_empty)
            || uri.query().is_some()
        {
            return Err(refused(&format!(
                "`{base}` is no address: write it as `https://host/path`"
            )));
        }
        let authorities = match uri.scheme_str() {
            Some("https") => tls::authorities().map_err(|why| refused(&why))?,
            _ => Vec::new(),
        };
        Ok(Self {
            settings: Arc::new(Settings {
                name: name.to_owned(),
                base: base.to_owned(),
                headers: Vec::new(),
                secrets: Vec::new(),
                agent: tls::agent(ATTEMPT, &authorities),
                authorities,
                patience: PATIENCE,
                first_pause: FIRST_PAUSE,
                next_step: None,
            }),
        })
    }

    /// A header of every request.
    ///
    /// ```
    /// # use poniard_http::{Api, Error};
    /// let api = Api::new("GitHub", "http://localhost")?.header("accept", "application/vnd.github+json")?;
    /// # Ok::<(), poniard_http::Error>(())
    /// ```
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, Error> {
        let bad = || Cause::Refused(format!("the value of the header `{name}` cannot be sent"));
        let parsed = HeaderName::try_from(name)
            .ok()
            .zip(HeaderValue::try_from(value).ok());
        let (key, value) = parsed.ok_or_else(|| Error::new(&self.settings.name, bad()))?;
        self.change().headers.push((key, value));
        Ok(self)
    }

    /// A header whose value is never shown, not even when an answer repeats it.
    ///
    /// ```
    /// # use poniard_http::{Api, Error};
    /// let api = Api::new("GitLab", "http://localhost")?.secret_header("PRIVATE-TOKEN", "abc")?;
    /// assert!(!format!("{api:?}").contains("abc"));
    /// # Ok::<(), poniard_http::Error>(())
    /// ```
    pub fn secret_header(mut self, name: &str, value: &str) -> Result<Self, Error> {
        let value = value.trim();
        if value.is_empty() {
            let why = format!("the secret for its header `{name}` is empty");
            return Err(Error::new(&self.settings.name, Cause::Refused(why)));
        }
        self.hide(value);
        self.header(name, value)
    }

    /// `Authorization: Bearer <token>`, never shown.
    ///
    /// ```
    /// # use poniard_http::{Api, Error};
    /// let api = Api::new("Cloudflare", "http://localhost")?;
    /// assert!(api.clone().bearer(" ").is_err());
    /// let api = api.bearer("abc")?;
    /// # Ok::<(), poniard_http::Error>(())
    /// ```
    pub fn bearer(mut self, token: &str) -> Result<Self, Error> {
        let token = token.trim();
        if token.is_empty() {
            let why = "the token is empty".to_owned();
            return Err(Error::new(&self.settings.name, Cause::Refused(why)));
        }
        self.hide(token);
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// How long a request may take, with all its repetitions and pauses.
    ///
    /// ```
    /// # use poniard_http::{Api, Error};
    /// use std::time::Duration;
    ///
    /// let api = Api::new("GitLab", "http://localhost")?.patience(Duration::from_secs(10));
    /// # Ok::<(), poniard_http::Error>(())
    /// ```
    pub fn patience(mut self, patience: Duration) -> Self {
        self.change().patience = patience;
        self
    }

    /// How long one attempt may take.
    ///
    /// ```
    /// # use poniard_http::{Api, Error};
    /// use std::time::Duration;
    ///
    /// let api = Api::new("GitLab", "http://localhost")?.attempt(Duration::from_secs(5));
    /// # Ok::<(), poniard_http::Error>(())
    /// ```
    pub fn attempt(mut self, limit: Duration) -> Self {
        self.change().agent = tls::agent(limit, &self.settings.authorities);
        self
    }

    /// The pause after the first failure, half a second unless told; it doubles
    /// with each one.
    ///
    /// ```
    /// # use poniard_http::{Api, Error};
    /// use std::time::Duration;
    ///
    /// let api = Api::new("GitLab", "http://localhost")?.first_pause(Duration::from_millis(50));
    /// # Ok::<(), poniard_http::Error>(())
    /// ```
    pub fn first_pause(mut self, pause: Duration) -> Self {
        self.change().first_pause = pause;
        self
    }

    /// What to do about a status and the API's message; it ends the error.
    ///
    /// ```
    /// # use poniard_http::{Api, Error};
    /// let api = Api::new("GitLab", "http://localhost")?.next_step(|status, message| {
    ///     (status == 403 && message.contains("scope")).then(|| "make a token with the scope `api`".into())
    /// });
    /// # Ok::<(), poniard_http::Error>(())
    /// ```
    pub fn next_step(
        mut self,
        next_step: impl Fn(u16, &str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.change().next_step = Some(Arc::new(next_step));
        self
    }

    /// The address, without a slash at its end.
    ///
    /// ```
    /// # use poniard_http::{Api, Error};
    /// assert_eq!(Api::new("GitLab", "http://localhost/api/")?.base(), "http://localhost/api");
    /// # Ok::<(), poniard_http::Error>(())
    /// ```
    pub fn base(&self) -> &str {
        &self.settings.base
    }

    /// A request that reads.
    ///
    /// ```no_run
    /// # async fn example(api: poniard_http::Api) -> Result<(), poniard_http::Error> {
    /// let user: serde_json::Value = api.get("/user").send().await?.json()?;
    /// # Ok(()) }
    /// ```
    pub fn get(&self, path: &str) -> Request {
        self.request("GET", path)
    }

    /// A request that makes something new.
    ///
    /// ```no_run
    /// # async fn example(api: poniard_http::Api) -> Result<(), poniard_http::Error> {
    /// api.post("/notes").json(&serde_json::json!({ "body": "Hello" })).send().await?;
    /// # Ok(()) }
    /// ```
    pub fn post(&self, path: &str) -> Request {
        self.request("POST", path)
    }

    /// A request that replaces.
    ///
    /// ```no_run
    /// # async fn example(api: poniard_http::Api) -> Result<(), poniard_http::Error> {
    /// api.put("/notes/7").json(&serde_json::json!({ "body": "Hello" })).send().await?;
    /// # Ok(()) }
    /// ```
    pub fn put(&self, path: &str) -> Request {
        self.request("PUT", path)
    }

    /// A request that changes a part.
    ///
    /// ```no_run
    /// # async fn example(api: poniard_http::Api) -> Result<(), poniard_http::Error> {
    /// api.patch("/notes/7").json(&serde_json::json!({ "pinned": true })).send().await?;
    /// # Ok(()) }
    /// ```
    pub fn patch(&self, path: &str) -> Request {
        self.request("PATCH", path)
    }

    /// A request that removes.
    ///
    /// ```no_run
    /// # async fn example(api: poniard_http::Api) -> Result<(), poniard_http::Error> {
    /// api.delete("/notes/7").accept(404).send().await?;
    /// # Ok(()) }
    /// ```
    pub fn delete(&self, path: &str) -> Request {
        self.request("DELETE", path)
    }

    /// `path` is added to the base, its segments already [`crate::encode`]d. A
    /// whole address must begin with the base, so that no credential leaves it.
    ///
    /// ```no_run
    /// # async fn example(api: poniard_http::Api) -> Result<(), poniard_http::Error> {
    /// api.request("PURGE", "/page").repeatable().send().await?;
    /// # Ok(()) }
    /// ```
    pub fn request(&self, method: &str, path: &str) -> Request {
        let method = Method::try_from(method).map_err(|_| format!("`{method}` is no method"));
        Request::new(self.clone(), method, path)
    }

    fn hide(&mut self, secret: &str) {
        self.change().secrets.push(secret.to_owned());
    }

    fn change(&mut self) -> &mut Settings {
        Arc::make_mut(&mut self.settings)
    }
}

impl Settings {
    /// `text` without credentials.
    pub fn scrubbed(&self, text: &str) -> String {
        self.secrets
            .iter()
            .fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
    }
}

/// Without its credentials.
impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Api({} at {})", self.settings.name, self.settings.base)
    }
}

fn without_userinfo(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://…@{rest}"),
        _ => url.to_owned(),
    }
}
