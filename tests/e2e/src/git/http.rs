//! A web server of git repositories, plain or with TLS, for all or for one user.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::backend::Request;
use super::settings;

/// A server that listens until it is dropped.
pub struct Server {
    address: SocketAddr,
    scheme: &'static str,
    /// The authority of its certificate.
    authority: Option<PathBuf>,
    stopped: Arc<AtomicBool>,
}

struct Site {
    root: PathBuf,
    tls: Option<Arc<ServerConfig>>,
    /// What HTTP says of the only user who may read.
    allowed: Option<String>,
}

impl Server {
    /// Everybody may read.
    pub fn start(root: &Path) -> Self {
        Self::listen(root, None, None)
    }

    /// Only the user `tests` with the password `secret` may.
    pub fn private(root: &Path) -> Self {
        Self::listen(root, None, Some(basic("tests", "secret")))
    }

    /// With a certificate of its own for `git.test`.
    pub fn with_tls(root: &Path) -> Self {
        Self::listen(root, Some(certified(root)), None)
    }

    /// The same, for one user.
    pub fn private_with_tls(root: &Path, user: &str, password: &str) -> Self {
        Self::listen(root, Some(certified(root)), Some(basic(user, password)))
    }

    fn listen(root: &Path, tls: Option<(ServerConfig, PathBuf)>, allowed: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let stopped = Arc::<AtomicBool>::default();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let (config, authority) = tls.unzip();
        let site = Arc::new(Site {
            root: root.to_owned(),
            tls: config.map(Arc::new),
            allowed,
        });
        let stop = stopped.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let site = site.clone();
                // Who goes away in the middle has no answer.
                thread::spawn(move || drop(site.serve(stream)));
            }
        });
        Self {
            address,
            scheme,
            authority,
            stopped,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Variables by which git finds `http://git.test/` (or `https`) here.
    pub fn variables(&self) -> Vec<(String, String)> {
        self.variables_and(&[])
    }

    /// With more settings of git.
    pub fn variables_and(&self, more: &[(&str, &str)]) -> Vec<(String, String)> {
        self.and_authority(self.variables_without_authority_and(more))
    }

    fn and_authority(&self, mut variables: Vec<(String, String)>) -> Vec<(String, String)> {
        let authority = self.authority.as_deref().and_then(Path::to_str);
        // Goes before all settings.
        variables.extend(authority.map(|path| ("GIT_SSL_CAINFO".to_owned(), path.to_owned())));
        variables
    }

    /// As one who does not know the authority of the certificate.
    pub fn variables_without_authority(&self) -> Vec<(String, String)> {
        self.variables_without_authority_and(&[])
    }

    /// Variables by which git finds addresses that begin with `base` here.
    pub fn variables_for(&self, base: &str) -> Vec<(String, String)> {
        let key = format!("url.{}://{}/.insteadOf", self.scheme, self.address);
        self.and_authority(settings(&[(&key, base), ("http.proxy", "")]))
    }

    fn variables_without_authority_and(&self, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let Self {
            scheme, address, ..
        } = self;
        let key = format!("url.{scheme}://{address}/.insteadOf");
        let value = format!("{scheme}://git.test/");
        let mut all = vec![(key.as_str(), value.as_str()), ("http.proxy", "")];
        all.extend(more);
        settings(&all)
    }
}

/// What HTTP says of a user.
fn basic(user: &str, password: &str) -> String {
    let pair = STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {pair}")
}

/// A new certificate, in a file as well, so that clients can trust it.
fn certified(root: &Path) -> (ServerConfig, PathBuf) {
    let (key, certificate) = (root.join("key.pem"), root.join("certificate.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-newkey", "ec"])
        .args([
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-subj",
            "/CN=git.test",
        ])
        .args(["-addext", "subjectAltName=DNS:git.test,IP:127.0.0.1"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .expect("openssl runs");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_file(&certificate).expect("a certificate")],
            PrivateKeyDer::from_pem_file(&key).expect("a key"),
        )
        .expect("a pair");
    (config, certificate)
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Wakes the listener.
        drop(TcpStream::connect(self.address));
    }
}

impl Site {
    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        match &self.tls {
            None => self.exchange(stream),
            Some(config) => {
                let connection = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
                let mut stream = StreamOwned::new(connection, stream);
                self.exchange(&mut stream)?;
                stream.conn.send_close_notify();
                stream.flush()
            }
        }
    }

    fn exchange(&self, mut stream: impl Read + Write) -> io::Result<()> {
        let request = Request::read(&mut stream)?;
        let authorization = request.header("authorization");
        if self
            .allowed
            .as_deref()
            .is_some_and(|allowed| allowed != authorization)
        {
            let refusal = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"git\"\r\n\
                Content-Length: 0\r\nConnection: close\r\n\r\n";
            return stream.write_all(refusal.as_bytes());
        }
        request.answer(&self.root, stream)
    }
}
