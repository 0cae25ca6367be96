//! AWS and the registry behind TLS, with an authority of one's own.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use super::cloud::Cloud;
use super::registry::Registry;
use super::shop::{Shop, image};
use crate::place::nonce;

/// Ends TLS before servers of the test, until it is dropped.
struct Tls {
    runtime: Runtime,
    acceptor: TlsAcceptor,
    dir: TempDir,
}

impl Tls {
    /// For servers at this host.
    fn new(host: SocketAddr) -> Self {
        let dir = TempDir::new().expect("a directory");
        let config = format!(
            "[req]\ndistinguished_name=name\n[name]\n[authority]\nbasicConstraints=critical,CA:TRUE\n\
             [server]\nbasicConstraints=critical,CA:FALSE\nsubjectAltName=IP:{}\n",
            host.ip()
        );
        fs::write(dir.path().join("config"), config).expect("a file");
        certificate(dir.path(), "authority", &[]);
        certificate(
            dir.path(),
            "server",
            &["-CA", "authority.pem", "-CAkey", "authority.key"],
        );
        let pem = |name: &str| dir.path().join(name);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from_pem_file(pem("server.pem")).expect("a certificate")],
                PrivateKeyDer::from_pem_file(pem("server.key")).expect("a key"),
            )
            .expect("a pair");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        Self {
            runtime: runtime.expect("a runtime"),
            acceptor: TlsAcceptor::from(Arc::new(config)),
            dir,
        }
    }

    /// The address with TLS of a server.
    fn before(&self, server: SocketAddr) -> SocketAddr {
        let listener = TcpListener::bind((server.ip(), 0));
        let listener = self.runtime.block_on(listener).expect("a port");
        let address = listener.local_addr().expect("an address");
        let acceptor = self.acceptor.clone();
        self.runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut client = acceptor.accept(client).await?;
                    let mut server = TcpStream::connect(server).await?;
                    tokio::io::copy_bidirectional(&mut client, &mut server).await
                });
            }
        });
        address
    }

    /// The authorities of this machine, and this one.
    fn bundle(&self) -> PathBuf {
        let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
        let host = named.unwrap_or_else(|| "/etc/ssl/certs/ca-certificates.crt".into());
        let mut bundle = fs::read(host).unwrap_or_default();
        bundle.extend(fs::read(self.dir.path().join("authority.pem")).expect("an authority"));
        let file = self.dir.path().join("bundle.pem");
        fs::write(&file, bundle).expect("a bundle");
        file
    }
}

fn certificate(dir: &Path, name: &str, signed_by: &[&str]) {
    let done = Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-newkey", "ec"])
        .args([
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-config",
            "config",
        ])
        .args(["-subj", &format!("/CN={name}"), "-extensions", name])
        .args([
            "-keyout",
            &format!("{name}.key"),
            "-out",
            &format!("{name}.pem"),
        ])
        .args(signed_by)
        .current_dir(dir)
        .output()
        .expect("openssl");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
}

#[test]
fn aws_and_the_registry_are_asked_over_tls_when_their_authority_is_trusted() {
    let cloud = Cloud::start();
    let tls = Tls::new(cloud.server.address());
    let aws = tls.before(cloud.server.address());
    let mut shop = Shop::new(format!("https://{aws}"));
    shop.registry = Registry::start();
    let registry = tls.before(shop.registry.server.address());
    let publish = format!(
        "publish {} site site --tag tls --alias live | version",
        image(&nonce())
    );
    let mut command = shop.command(&publish);
    let mut args: Vec<String> = command
        .get_args()
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    let plain = format!("--registry http://{}", shop.registry.host());
    let script = args.last_mut().expect("a script");
    *script = script.replace(&plain, &format!("--registry https://{registry}"));
    let mut secure = shop.place.command(&[]);
    secure.args(&args);
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            secure.env(name, value);
        }
    }
    let done = shop.end(secure.env("SSL_CERT_FILE", tls.bundle()));
    assert_eq!(done.code, 0, "{}", done.stderr());
    assert_eq!(
        (done.stdout().trim(), cloud.serves("live").as_str()),
        ("2", "2")
    );
    assert_eq!(shop.registry.tags("site"), ["tls"]);

    // Nobody is trusted who is not known, and that is said at once.
    let done = shop.end(&mut command);
    shop.refused(&done, &["invalid peer certificate", "SSL_CERT_FILE"]);
    assert!(done.took < Duration::from_secs(30), "{:?}", done.took);
}
