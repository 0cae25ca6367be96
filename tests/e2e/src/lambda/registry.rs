//! The registry of Debian's package `docker-registry`, behind a proxy with faults.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::place::GRACE;
use stand_ins::{Server, proxy};
use tempfile::TempDir;

pub struct Registry {
    process: Child,
    pub server: Server,
    storage: TempDir,
}

impl Registry {
    pub fn start() -> Self {
        let storage = tempfile::tempdir().expect("a directory");
        let port = free_port();
        let config = storage.path().join("config.yml");
        let root = storage.path().join("images");
        let text = format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: '127.0.0.1:{port}', relativeurls: true}}\n",
            root.display()
        );
        fs::write(&config, text).expect("a configuration");
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("no docker-registry: run `cargo xtask test` once");
        let real = format!("http://127.0.0.1:{port}");
        answers(&format!("{real}/v2/"));
        Self {
            process,
            server: proxy::to(&real).expect("a proxy"),
            storage,
        }
    }

    /// Where everything lies that was pushed.
    pub fn storage(&self) -> &Path {
        self.storage.path()
    }

    /// `host:port`
    pub fn host(&self) -> String {
        self.server.address().to_string()
    }

    pub fn tags(&self, repository: &str) -> Vec<String> {
        let url = format!("{}/v2/{repository}/tags/list", self.server.url());
        let Ok(mut answer) = ureq::get(url).call() else {
            return Vec::new();
        };
        let text = answer.body_mut().read_to_string().expect("a list");
        let list: serde_json::Value = serde_json::from_str(&text).expect("a list");
        let tags = list["tags"].as_array().cloned().unwrap_or_default();
        let tags = tags.iter().filter_map(|tag| tag.as_str());
        tags.map(str::to_owned).collect()
    }

    /// The manifest of a tag, and its digest.
    pub fn manifest(&self, repository: &str, tag: &str) -> (String, String) {
        let url = format!("{}/v2/{repository}/manifests/{tag}", self.server.url());
        let accept = "application/vnd.oci.image.manifest.v1+json";
        let mut answer = ureq::get(url)
            .header("accept", accept)
            .call()
            .expect("a manifest");
        let digest = answer.headers()["docker-content-digest"].to_str();
        let digest = digest.expect("a digest").to_owned();
        let text = answer.body_mut().read_to_string().expect("a manifest");
        (text, digest)
    }

    pub fn put_manifest(&self, repository: &str, tag: &str, kind: &str, text: &str) {
        let url = format!("{}/v2/{repository}/manifests/{tag}", self.server.url());
        let put = ureq::put(url).header("content-type", kind).send(text);
        put.expect("a manifest that is taken");
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("a port").port()
}

/// Waits until something answers there.
pub fn answers(url: &str) {
    let deadline = Instant::now() + GRACE;
    while let Err(ureq::Error::Io(_) | ureq::Error::ConnectionFailed) = ureq::get(url).call() {
        assert!(Instant::now() < deadline, "nothing answers at {url}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
