//! S3 for tests: two servers of it, and what lies in them.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::place::GRACE;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConfig;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use stand_ins::Server;
use tempfile::TempDir;
use test_support::tools;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

pub const ACCESS_KEY_ID: &str = "access-key-of-tests";
pub const SECRET_ACCESS_KEY: &str = "secret-access-key-of-tests";
pub const BUCKET: &str = "backups";

/// An S3 service with a bucket, behind a proxy that can fail.
pub struct Store {
    service: Service,
    pub proxy: Server,
    endpoint: String,
}

enum Service {
    Moto { process: Child, port: u16 },
    Files { root: TempDir, _runtime: Runtime },
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
        let proxy = proxy(port);
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < GRACE, "no S3");
            sleep(Duration::from_millis(50));
        }
        let (status, text) = request(port, "PUT", "", "");
        assert_eq!(status, 200, "no bucket: {text}");
        Self {
            service: Service::Moto { process, port },
            endpoint: proxy.url(),
            proxy,
        }
    }

    /// s3s-fs, which keeps objects as files and checks signatures.
    pub fn files() -> Self {
        Self::files_with(None)
    }

    /// The same by TLS, and without the proxy.
    pub fn files_by_tls(config: ServerConfig) -> Self {
        Self::files_with(Some(TlsAcceptor::from(Arc::new(config))))
    }

    fn files_with(tls: Option<TlsAcceptor>) -> Self {
        let root = TempDir::new().expect("a directory");
        fs::create_dir(root.path().join(BUCKET)).expect("a bucket");
        let files = s3s_fs::FileSystem::new(root.path()).expect("a file system");
        let mut service = S3ServiceBuilder::new(files);
        service.set_auth(SimpleAuth::from_single(ACCESS_KEY_ID, SECRET_ACCESS_KEY));
        let service = service.build();
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("0.0.0.0:0"));
        let listener = listener.expect("a port");
        let port = listener.local_addr().expect("a port").port();
        let proxy = proxy(port);
        let endpoint = match &tls {
            None => proxy.url(),
            Some(_) => format!("https://{}:{port}", proxy.address().ip()),
        };
        runtime.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (service, tls) = (service.clone(), tls.clone());
                tokio::spawn(async move {
                    let http = Builder::new(TokioExecutor::new());
                    let Some(tls) = tls else {
                        let _ = http.serve_connection(TokioIo::new(socket), service).await;
                        return;
                    };
                    if let Ok(socket) = tls.accept(socket).await {
                        let _ = http.serve_connection(TokioIo::new(socket), service).await;
                    }
                });
            }
        });
        let service = Service::Files {
            root,
            _runtime: runtime,
        };
        Self {
            service,
            proxy,
            endpoint,
        }
    }

    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What functions take to find it.
    pub fn arguments(&self) -> String {
        format!(
            "{BUCKET} env://ACCESS_KEY_ID env://SECRET_ACCESS_KEY --endpoint {}",
            self.endpoint
        )
    }

    /// Keys of all objects.
    pub fn keys(&self) -> Vec<String> {
        match &self.service {
            Service::Moto { port, .. } => {
                elements(&request(*port, "GET", "?list-type=2", "").1, "Key")
            }
            Service::Files { root, .. } => {
                let bucket = root.path().join(BUCKET);
                let entries = walkdir::WalkDir::new(&bucket).into_iter().flatten();
                let files = entries.filter(|entry| entry.file_type().is_file());
                let key = |entry: walkdir::DirEntry| {
                    let key = entry.path().strip_prefix(&bucket).expect("a file in it");
                    key.display().to_string()
                };
                files.map(key).collect()
            }
        }
    }

    /// Keys (or files) of uploads that were neither completed nor aborted.
    pub fn uploads(&self) -> Vec<String> {
        match &self.service {
            Service::Moto { port, .. } => elements(&request(*port, "GET", "?uploads", "").1, "Key"),
            Service::Files { root, .. } => {
                let entries = fs::read_dir(root.path()).expect("a directory").flatten();
                let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
                names.filter(|name| name.contains("upload")).collect()
            }
        }
    }

    /// Of what looks like a backup.
    pub fn backups(&self) -> Vec<String> {
        let keys = self.keys().into_iter();
        keys.filter(|key| !key.ends_with(".json")).collect()
    }

    /// Begins an upload that is never finished, in moto.
    pub fn begin(&self, key: &str) {
        if let Service::Moto { port, .. } = &self.service {
            let (status, text) = request(*port, "POST", &format!("/{key}?uploads"), "");
            assert_eq!(status, 200, "{text}");
        }
    }

    pub fn put(&self, key: &str, contents: &str) {
        match &self.service {
            Service::Moto { port, .. } => {
                let (status, text) = request(*port, "PUT", &format!("/{key}"), contents);
                assert_eq!(status, 200, "{text}");
            }
            Service::Files { root, .. } => {
                fs::write(root.path().join(BUCKET).join(key), contents).expect("an object");
            }
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Service::Moto { process, .. } = &mut self.service {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn proxy(port: u16) -> Server {
    stand_ins::proxy::to(&format!("http://127.0.0.1:{port}")).expect("a proxy")
}

/// Of moto, which lets everyone in.
fn request(port: u16, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("S3");
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

pub fn free_port() -> u16 {
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
