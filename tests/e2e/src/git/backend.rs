//! One request to git's own HTTP backend, as a web server would put it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// What was asked.
pub struct Request {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    pub fn read(stream: impl Read) -> io::Result<Self> {
        let mut reader = BufReader::new(stream);
        let first = line(&mut reader)?;
        let mut words = first.split(' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        let (method, target) = (word(), word());
        let mut headers = Vec::new();
        loop {
            let line = line(&mut reader)?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let mut request = Self {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: Vec::new(),
        };
        request.body = request.read_body(reader)?;
        Ok(request)
    }

    pub fn header(&self, name: &str) -> &str {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value)
    }

    fn read_body(&self, mut reader: impl BufRead) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        if self.header("transfer-encoding") == "chunked" {
            loop {
                let size = usize::from_str_radix(&line(&mut reader)?, 16);
                let size = size.map_err(io::Error::other)?;
                let mut chunk = vec![0; size];
                reader.read_exact(&mut chunk)?;
                body.extend(chunk);
                line(&mut reader)?;
                if size == 0 {
                    return Ok(body);
                }
            }
        }
        let length = self.header("content-length").parse().unwrap_or(0);
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        Ok(body)
    }

    /// Lets `git http-backend` answer for the repositories in `root`.
    pub fn answer(&self, root: &Path, mut stream: impl Write) -> io::Result<()> {
        let mut backend = Command::new("git")
            .arg("http-backend")
            .env("GIT_PROJECT_ROOT", root)
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("REQUEST_METHOD", &self.method)
            .env("PATH_INFO", &self.path)
            .env("QUERY_STRING", &self.query)
            .env("CONTENT_TYPE", self.header("content-type"))
            .env("CONTENT_LENGTH", self.body.len().to_string())
            .env("HTTP_CONTENT_ENCODING", self.header("content-encoding"))
            .env("GIT_PROTOCOL", self.header("git-protocol"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        if let Some(mut stdin) = backend.stdin.take() {
            stdin.write_all(&self.body)?;
        }
        let output = backend.wait_with_output()?.stdout;
        let status = output
            .strip_prefix(b"Status: ")
            .map_or("200 OK".into(), |rest| {
                let end = rest.iter().position(|byte| *byte == b'\r');
                String::from_utf8_lossy(&rest[..end.unwrap_or(rest.len())])
            });
        write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\n")?;
        stream.write_all(&output)
    }
}

fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}
