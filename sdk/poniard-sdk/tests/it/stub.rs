//! A session on loopback HTTP: answers what a test says, remembers requests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use poniard_sdk::serde_json::{self, Value, json};

pub struct Stub {
    pub port: u16,
    seen: Arc<Mutex<Vec<Request>>>,
}

#[derive(Clone, Debug)]
pub struct Request {
    /// Request line and headers.
    pub head: String,
    pub query: String,
    pub variables: Value,
}

impl Stub {
    /// Answers each request with the raw HTTP that `answer` gives.
    pub fn start(answer: impl Fn(&Request) -> String + Send + 'static) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let remembered = seen.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Ok((request, mut stream)) = read(stream) {
                    let reply = answer(&request);
                    if let Ok(mut seen) = remembered.lock() {
                        seen.push(request);
                    }
                    let _ = stream.write_all(reply.as_bytes());
                }
            }
        });
        Ok(Self { port, seen })
    }

    /// A session in which `call` is the current call.
    pub fn with_call(call: Value) -> std::io::Result<Self> {
        Self::start(move |request| {
            if request.query.contains("parentName") {
                ok(json!({ "data": { "currentFunctionCall": call } }))
            } else if request.query.contains("error(message") {
                ok(json!({ "data": { "error": { "withValue": { "id": "error-id" } } } }))
            } else {
                ok(json!({ "data": { "currentFunctionCall": { "returned": null } } }))
            }
        })
    }

    pub fn requests(&self) -> Vec<Request> {
        self.seen
            .lock()
            .map(|seen| seen.clone())
            .unwrap_or_default()
    }

    /// The value that was returned, as JSON.
    pub fn returned(&self) -> Option<Value> {
        let requests = self.requests();
        let last = requests
            .iter()
            .find(|request| request.query.contains("returnValue"))?;
        serde_json::from_str(last.variables["value"].as_str()?).ok()
    }

    /// The message of the error that was returned.
    pub fn error(&self) -> Option<String> {
        let requests = self.requests();
        requests
            .iter()
            .find(|request| request.query.contains("returnError(error: \"error-id\")"))?;
        let made = requests
            .iter()
            .find(|request| request.query.contains("error(message"))?;
        made.variables["message"].as_str().map(str::to_owned)
    }
}

pub fn ok(body: Value) -> String {
    let body = body.to_string();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn read(stream: TcpStream) -> std::io::Result<(Request, TcpStream)> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            break;
        }
    }
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body: Value = serde_json::from_slice(&body)?;
    let request = Request {
        head,
        query: body["query"].as_str().unwrap_or_default().to_owned(),
        variables: body["variables"].clone(),
    };
    Ok((request, reader.into_inner()))
}
