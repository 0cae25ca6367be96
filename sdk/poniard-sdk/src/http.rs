//! The engine's session over loopback HTTP, as a module's process finds it in
//! its environment.

use base64::Engine as _;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::error::EngineError;
use crate::session::{Answer, Transport};

/// Posts to `http://127.0.0.1:<port>/query`.
pub struct Http {
    port: u16,
    /// Everything of the head that is the same for each request.
    headers: String,
}

impl Http {
    /// From `DAGGER_SESSION_PORT`, `DAGGER_SESSION_TOKEN` and, so that spans
    /// nest, `TRACEPARENT`.
    pub fn from_env() -> Result<Self, EngineError> {
        let port = variable("DAGGER_SESSION_PORT")?;
        let port = port.parse().map_err(|cause| {
            EngineError::new(format!("`DAGGER_SESSION_PORT` is `{port}`: {cause}"))
        })?;
        let token = variable("DAGGER_SESSION_TOKEN")?;
        Ok(Self::new(
            port,
            &token,
            std::env::var("TRACEPARENT").ok().as_deref(),
        ))
    }

    pub fn new(port: u16, token: &str, traceparent: Option<&str>) -> Self {
        let credentials = base64::engine::general_purpose::STANDARD.encode(format!("{token}:"));
        let mut headers = format!("Authorization: Basic {credentials}\r\n");
        if let Some(traceparent) = traceparent {
            headers += &format!("traceparent: {traceparent}\r\n");
        }
        Self { port, headers }
    }

    // HTTP/1.0 and one connection for each request: the body ends with the
    // connection, so there are no chunks to decode and no pool to keep.
    async fn post(&self, body: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        let head = format!(
            "POST /query HTTP/1.0\r\nHost: 127.0.0.1\r\n{}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.headers,
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok(answer)
    }
}

impl Transport for Http {
    fn send<'a>(&'a self, query: &'a str, variables: &'a Value) -> Answer<'a> {
        Box::pin(async move {
            let body = json!({ "query": query, "variables": variables }).to_string();
            let answer = self.post(body.as_bytes()).await.map_err(|cause| {
                EngineError::new(format!(
                    "cannot reach the engine at `127.0.0.1:{}`: {cause}",
                    self.port
                ))
            })?;
            parse(&answer)
        })
    }
}

fn parse(answer: &[u8]) -> Result<Value, EngineError> {
    const BLANK_LINE: &[u8] = b"\r\n\r\n";
    let at = answer
        .windows(BLANK_LINE.len())
        .position(|window| window == BLANK_LINE)
        .ok_or_else(|| EngineError::new("the engine closed the connection without an answer"))?;
    let head = String::from_utf8_lossy(&answer[..at]);
    let body = &answer[at + BLANK_LINE.len()..];
    if content_length(&head).is_some_and(|length| body.len() < length) {
        return Err(EngineError::new(
            "the engine closed the connection in the middle of its answer",
        ));
    }
    let Ok(mut answer) = serde_json::from_slice::<Map<String, Value>>(body) else {
        let status = head.lines().next().unwrap_or_default();
        let text = String::from_utf8_lossy(body);
        return Err(EngineError::new(format!(
            "the engine answered `{status}`: {}",
            text.trim()
        )));
    };
    match answer
        .get_mut("errors")
        .and_then(|errors| errors.get_mut(0))
    {
        Some(error) => Err(engine_error(error.take())),
        None => Ok(answer.remove("data").unwrap_or_default()),
    }
}

fn engine_error(error: Value) -> EngineError {
    let message = error["message"].as_str().unwrap_or("unknown error");
    EngineError {
        message: message.to_owned(),
        extensions: error["extensions"].as_object().cloned().unwrap_or_default(),
    }
}

fn content_length(head: &str) -> Option<usize> {
    head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    })
}

fn variable(name: &str) -> Result<String, EngineError> {
    std::env::var(name).map_err(|_| {
        EngineError::new(format!(
            "`{name}` is not set: an engine starts this program; use `dagger call` or `dagger shell`"
        ))
    })
}
