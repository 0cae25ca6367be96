//! S3 for tests: moto, and what lies in it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use stand_ins::Server;
use test_support::tools;

pub const ACCESS_KEY_ID: &str = "access-key-of-tests";
pub const SECRET_ACCESS_KEY: &str = "secret-access-key-of-tests";
pub const BUCKET: &str = "backups";

/// An S3 service with a bucket, behind a proxy that can fail.
pub struct Store {
    process: Child,
    port: u16,
    pub proxy: Server,
}

impl Store {
    /// moto, the usual stand-in for AWS.
    pub fn moto() -> Self {
        let port = free_port();
        let process = tools::command("moto_server")
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("no moto_server: run `cargo xtask tools`");
        Self::behind(process, port)
    }

    fn behind(process: Child, port: u16) -> Self {
        let proxy = stand_ins::proxy::to(&format!("http://127.0.0.1:{port}")).expect("a proxy");
        let store = Self {
            process,
            port,
            proxy,
        };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "no S3");
            sleep(Duration::from_millis(50));
        }
        let (status, text) = store.ask("PUT", "");
        assert_eq!(status, 200, "no bucket: {text}");
        store
    }

    /// What functions take to find it.
    pub fn arguments(&self) -> String {
        format!(
            "{BUCKET} env://ACCESS_KEY_ID env://SECRET_ACCESS_KEY --endpoint {}",
            self.proxy.url()
        )
    }

    /// Keys of all objects.
    pub fn keys(&self) -> Vec<String> {
        elements(&self.ask("GET", "?list-type=2").1, "Key")
    }

    /// Keys of uploads that were neither completed nor aborted.
    pub fn uploads(&self) -> Vec<String> {
        elements(&self.ask("GET", "?uploads").1, "Key")
    }

    /// Of what looks like a backup.
    pub fn backups(&self) -> Vec<String> {
        let keys = self.keys().into_iter();
        keys.filter(|key| !key.ends_with(".json")).collect()
    }

    pub fn put(&self, key: &str, contents: &str) {
        let (status, text) = self.request("PUT", &format!("/{key}"), contents);
        assert_eq!(status, 200, "{text}");
    }

    fn ask(&self, method: &str, path: &str) -> (u16, String) {
        self.request(method, path, "")
    }

    /// moto lets everyone in.
    fn request(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("S3");
        let length = body.len();
        let head = format!(
            "{method} /{BUCKET}{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: {length}\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential={ACCESS_KEY_ID}/20200101/us-east-1/s3/aws4_request\r\n\r\n{body}"
        );
        stream.write_all(head.as_bytes()).expect("a request");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok());
        (status.expect("a status"), answer)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("a port").port()
}

fn elements(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(&open)
        .skip(1)
        .filter_map(|rest| rest.split_once(&close).map(|(text, _)| text.to_owned()))
        .collect()
}
