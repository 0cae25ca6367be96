//! What goes wrong between a client and a server, on demand.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};

use crate::server::Connection;

/// One thing that goes wrong: with which requests, and how often.
#[derive(Clone, Debug)]
pub struct Fault {
    method: String,
    path: String,
    skip: usize,
    times: usize,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
    },
    Reset {
        taken: bool,
    },
    Cut {
        body: String,
        sent: usize,
    },
    Slow {
        time: Duration,
        taken: bool,
    },
}

impl Fault {
    fn new(method: &str, path: &str, kind: Kind) -> Self {
        let (method, path) = (method.to_owned(), path.to_owned());
        Self {
            method,
            path,
            skip: 0,
            times: 1,
            kind,
        }
    }

    /// The first request of `method` (`*` for any) whose path and query contain
    /// `path` gets this answer instead, and the server does not see it.
    pub fn answer(method: &str, path: &str, status: u16, body: &str) -> Self {
        let (headers, body) = (Vec::new(), body.to_owned());
        Self::new(
            method,
            path,
            Kind::Answer {
                status,
                headers,
                body,
            },
        )
    }

    /// Too many requests: status 429 with `Retry-After` in seconds.
    pub fn too_many(method: &str, path: &str, retry_after: u64) -> Self {
        Self::answer(method, path, 429, "{\"message\":\"429 Too Many Requests\"}")
            .header("retry-after", &retry_after.to_string())
    }

    /// The connection is reset before the server sees the request.
    pub fn reset(method: &str, path: &str) -> Self {
        Self::new(method, path, Kind::Reset { taken: false })
    }

    /// The server does what it is asked, then the connection is reset.
    pub fn reset_after_taken(method: &str, path: &str) -> Self {
        Self::new(method, path, Kind::Reset { taken: true })
    }

    /// An answer whose connection ends after `sent` bytes of its body.
    pub fn cut(method: &str, path: &str, body: &str, sent: usize) -> Self {
        let body = body.to_owned();
        Self::new(method, path, Kind::Cut { body, sent })
    }

    /// The request waits before the server sees it.
    pub fn slow(method: &str, path: &str, time: Duration) -> Self {
        let taken = false;
        Self::new(method, path, Kind::Slow { time, taken })
    }

    /// The server does what it is asked, then its answer waits.
    pub fn slow_answer(method: &str, path: &str, time: Duration) -> Self {
        let taken = true;
        Self::new(method, path, Kind::Slow { time, taken })
    }

    /// A header of the answer.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Kind::Answer { headers, .. } = &mut self.kind {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// So many requests in a row instead of one.
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// After so many that go well.
    pub fn after(mut self, good: usize) -> Self {
        self.skip = good;
        self
    }

    fn is_about(&self, request: &Request) -> bool {
        let path = request.uri().path_and_query();
        let path = path.map_or_else(|| request.uri().path(), |path| path.as_str());
        (self.method == "*" || request.method().as_str() == self.method)
            && path.contains(&self.path)
    }
}

/// The faults that are still to come.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Vec<Fault>>>);

impl Faults {
    pub fn add(&self, fault: Fault) {
        self.lock().push(fault);
    }

    /// How many requests are still to fail.
    pub fn left(&self) -> usize {
        self.lock().iter().map(|fault| fault.times).sum()
    }

    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What happens to this request, the first fault that is about it.
    fn next(&self, request: &Request) -> Option<Kind> {
        let mut faults = self.lock();
        let fault = faults.iter_mut().find(|fault| fault.is_about(request))?;
        if fault.skip > 0 {
            fault.skip -= 1;
            return None;
        }
        let kind = fault.kind.clone();
        fault.times -= 1;
        faults.retain(|fault| fault.times > 0);
        Some(kind)
    }

    pub(crate) async fn between(self, request: Request, next: Next) -> Response {
        let connection = request.extensions().get::<Connection>().cloned();
        match self.next(&request) {
            None => next.run(request).await,
            Some(Kind::Slow { time, taken: false }) => {
                tokio::time::sleep(time).await;
                next.run(request).await
            }
            Some(Kind::Slow { time, taken: true }) => {
                let answer = next.run(request).await;
                tokio::time::sleep(time).await;
                answer
            }
            Some(Kind::Answer {
                status,
                headers,
                body,
            }) => {
                // Whoever still writes when the connection is closed sees a reset
                // instead of the answer.
                let mut rest = request.into_body().into_data_stream();
                while let Some(Ok(_)) = rest.next().await {}
                answer(status, &headers, body)
            }
            Some(Kind::Cut { body, sent }) => cut(body, sent),
            Some(Kind::Reset { taken }) => {
                if taken {
                    next.run(request).await;
                }
                reset(connection)
            }
        }
    }
}

fn answer(status: u16, headers: &[(String, String)], body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Response::builder().status(status);
    if body.starts_with(['{', '[']) {
        response = response.header(header::CONTENT_TYPE, "application/json");
    }
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response
        .body(Body::from(body))
        .unwrap_or_else(|error| error.to_string().into_response())
}

/// What is sent goes out before the body fails: the server writes when it has to
/// wait for more.
fn cut(mut body: String, sent: usize) -> Response {
    let length = body.len();
    body.truncate(sent);
    let start = stream::once(async { Ok(body) });
    let end = stream::once(async {
        tokio::task::yield_now().await;
        Err(std::io::Error::other("cut"))
    });
    Response::builder()
        .header(header::CONTENT_LENGTH, length)
        .body(Body::from_stream(start.chain(end)))
        .unwrap_or_else(|error| error.to_string().into_response())
}

/// Ends the connection with a reset: its socket does not linger, and a body
/// that fails makes the server drop it before anything is written.
fn reset(connection: Option<Connection>) -> Response {
    if let Some(connection) = connection {
        connection.do_not_linger();
    }
    let end = stream::once(async { Err::<String, _>(std::io::Error::other("reset")) });
    Response::new(Body::from_stream(end))
}
