//! What goes wrong between a module and an API, said in full.

use std::fmt;
use std::time::Duration;

/// A request that failed: the API, the request, what came back, what to do.
///
/// ```no_run
/// # async fn example(api: poniard_http::Api) -> Result<(), poniard_http::Error> {
/// if let Err(error) = api.get("/user").send().await {
///     // GitLab answered `GET /user` with status 401: …; check that the token is right …
///     eprintln!("{error}");
/// }
/// # Ok(()) }
/// ```
pub struct Error(Box<Failure>);

struct Failure {
    api: String,
    /// `GET /path`, without its query.
    request: Option<String>,
    cause: Cause,
    attempts: u32,
    took: Duration,
    next_step: Option<String>,
}

pub(crate) enum Cause {
    /// Nothing was sent: the address or a header is wrong.
    Refused(String),
    Status {
        status: u16,
        message: String,
        retry_after: Option<Duration>,
    },
    Network(Fault),
    /// The answer is not what was asked for.
    Answer(String),
}

/// A fault between here and the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub what: String,
    /// The API may have done what was asked.
    pub maybe_taken: bool,
    /// It will be the same next time: a certificate, say.
    pub lasting: bool,
}

impl Error {
    pub(crate) fn new(api: &str, cause: Cause) -> Self {
        Self(Box::new(Failure {
            api: api.to_owned(),
            request: None,
            cause,
            attempts: 1,
            took: Duration::ZERO,
            next_step: None,
        }))
    }

    pub(crate) fn of_request(mut self, request: String) -> Self {
        self.0.request = Some(request);
        self
    }

    pub(crate) fn after(mut self, attempts: u32, took: Duration) -> Self {
        (self.0.attempts, self.0.took) = (attempts, took);
        self
    }

    /// Says what to do; replaces what the error says about it by itself.
    ///
    /// ```no_run
    /// # async fn example(api: poniard_http::Api) -> Result<(), poniard_http::Error> {
    /// let notes = api.get("/notes").send().await;
    /// let notes = notes.map_err(|error| error.with_next_step("pass --project-id"))?;
    /// # Ok(()) }
    /// ```
    pub fn with_next_step(mut self, next_step: impl Into<String>) -> Self {
        self.0.next_step = Some(next_step.into());
        self
    }

    /// The status that the API answered with; none when it did not answer.
    ///
    /// ```no_run
    /// # async fn example(api: poniard_http::Api) -> Result<(), poniard_http::Error> {
    /// let there = match api.get("/notes/7").send().await {
    ///     Err(error) if error.status() == Some(404) => false,
    ///     answer => answer.is_ok(),
    /// };
    /// # Ok(()) }
    /// ```
    pub fn status(&self) -> Option<u16> {
        match self.0.cause {
            Cause::Status { status, .. } => Some(status),
            _ => None,
        }
    }

    /// The API's own message, or what the network said.
    ///
    /// ```
    /// # use poniard_http::{Api, Error};
    /// let error = Api::new("GitLab", "nowhere").expect_err("no address");
    /// assert_eq!(error.message(), "`nowhere` is no address: write it as `https://host/path`");
    /// # Ok::<(), poniard_http::Error>(())
    /// ```
    pub fn message(&self) -> &str {
        match &self.0.cause {
            Cause::Status { message, .. } => message,
            Cause::Network(fault) => &fault.what,
            Cause::Refused(why) | Cause::Answer(why) => why,
        }
    }

    /// Whether the API may have done what was asked, although it did not say so:
    /// the connection broke, or it answered with a status of 500 or more.
    ///
    /// ```no_run
    /// # async fn example(api: poniard_http::Api) -> Result<(), poniard_http::Error> {
    /// if let Err(error) = api.post("/notes").send().await {
    ///     if error.maybe_taken() {
    ///         // Look whether the note is there before it is sent again.
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    pub fn maybe_taken(&self) -> bool {
        match &self.0.cause {
            Cause::Refused(_) => false,
            Cause::Status { status, .. } => *status >= 500,
            Cause::Network(fault) => fault.maybe_taken,
            Cause::Answer(_) => true,
        }
    }

    fn own_next_step(&self) -> Option<&'static str> {
        Some(match &self.0.cause {
            Cause::Refused(_) => return None,
            Cause::Network(fault) if fault.lasting => return None,
            Cause::Network(_) => "check the address, the network and the proxy",
            Cause::Answer(_) => "check that the address is the one of the API",
            Cause::Status { status, .. } => match status {
                300..=399 => "use the address that it names",
                401 => "check that the token is right and has not expired",
                403 => "check what the token and its user are allowed to do",
                404 => "check the names, and that the token may see them",
                429 => "wait, or ask for less at once",
                500.. => "try again later",
                _ => return None,
            },
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { api, cause, .. } = &*self.0;
        let request = self.0.request.as_deref().unwrap_or("a request");
        match cause {
            Cause::Refused(why) => write!(f, "cannot ask {api}: {why}")?,
            Cause::Status {
                status, message, ..
            } => {
                write!(f, "{api} answered `{request}` with status {status}")?;
                if !message.is_empty() {
                    write!(f, ": {message}")?;
                }
            }
            Cause::Network(fault) => {
                write!(f, "cannot ask {api} for `{request}`: {}", fault.what)?;
            }
            Cause::Answer(why) => {
                write!(f, "cannot read what {api} answered to `{request}`: {why}")?
            }
        }
        if self.0.attempts > 1 {
            let (times, took) = (self.0.attempts, self.0.took.as_secs_f32());
            write!(f, " (asked {times} times in {took:.1} s)")?;
        }
        if let Cause::Status {
            status: 429,
            retry_after: Some(wait),
            ..
        } = cause
        {
            write!(f, "; it says to wait {} s", wait.as_secs())?;
        }
        let own = self.own_next_step();
        match self.0.next_step.as_deref().or(own) {
            Some(next_step) => write!(f, "; {next_step}"),
            None => Ok(()),
        }
    }
}

/// As [`fmt::Display`]: `unwrap` in a test shows the message.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

impl Fault {
    pub fn of(error: &ureq::Error) -> Self {
        use std::io::ErrorKind as Kind;
        use ureq::Timeout;
        let fault = |what: String, maybe_taken, lasting| Self {
            what,
            maybe_taken,
            lasting,
        };
        match error {
            ureq::Error::HostNotFound => fault("its host name is not known".into(), false, false),
            ureq::Error::ConnectionFailed => fault("no connection".into(), false, false),
            ureq::Error::ConnectProxyFailed(why) => {
                fault(format!("the proxy refused: {why}"), false, false)
            }
            ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
                fault("no connection in time".into(), false, false)
            }
            ureq::Error::Timeout(_) => fault("no answer in time".into(), true, false),
            ureq::Error::Io(cause) => {
                if let Some(tls) = cause.get_ref().and_then(|e| e.downcast_ref()) {
                    return Self::of_tls(tls);
                }
                let before_sending = matches!(
                    cause.kind(),
                    Kind::ConnectionRefused
                        | Kind::HostUnreachable
                        | Kind::NetworkUnreachable
                        | Kind::AddrNotAvailable
                );
                fault(said(cause), !before_sending, false)
            }
            ureq::Error::Rustls(cause) => Self::of_tls(cause),
            ureq::Error::Protocol(cause) => {
                fault(format!("its answer is no HTTP: {cause}"), true, false)
            }
            other => fault(other.to_string(), true, true),
        }
    }

    fn of_tls(cause: &rustls::Error) -> Self {
        let what = match cause {
            rustls::Error::InvalidCertificate(why) => format!(
                "its certificate is not valid ({why}): set `SSL_CERT_FILE` to the authority's bundle"
            ),
            other => format!("TLS failed: {other}"),
        };
        Self {
            what,
            maybe_taken: !matches!(cause, rustls::Error::InvalidCertificate(_)),
            lasting: true,
        }
    }
}

fn said(cause: &std::io::Error) -> String {
    use std::io::ErrorKind as Kind;
    match cause.kind() {
        Kind::ConnectionRefused => "connection refused".into(),
        Kind::ConnectionReset | Kind::BrokenPipe | Kind::ConnectionAborted => {
            "connection reset".into()
        }
        Kind::UnexpectedEof => "the connection was closed before an answer".into(),
        Kind::HostUnreachable | Kind::NetworkUnreachable => "host unreachable".into(),
        _ => cause.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use rustls::{CertificateError, Error as Tls};

    use super::*;

    #[test]
    fn an_unknown_authority_lasts_and_says_how_to_trust_it() {
        let tls = Tls::InvalidCertificate(CertificateError::UnknownIssuer);
        let error = ureq::Error::Io(std::io::Error::new(std::io::ErrorKind::InvalidData, tls));
        let fault = Fault::of(&error);
        assert!(fault.lasting && !fault.maybe_taken);
        assert!(fault.what.contains("SSL_CERT_FILE"), "{}", fault.what);
    }

    #[test]
    fn only_faults_before_the_request_are_surely_before_it() {
        let io = |kind: std::io::ErrorKind| Fault::of(&ureq::Error::Io(kind.into())).maybe_taken;
        assert!(!io(std::io::ErrorKind::ConnectionRefused));
        assert!(io(std::io::ErrorKind::ConnectionReset));
        assert!(io(std::io::ErrorKind::UnexpectedEof));
        let timeout = |of| Fault::of(&ureq::Error::Timeout(of)).maybe_taken;
        assert!(!timeout(ureq::Timeout::Connect) && timeout(ureq::Timeout::Global));
    }
}
