//! TLS to databases and to S3, with an authority of one's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use test_support::{Finished, Running};

use super::s3::Store;
use super::server::{Database, succeeded};
use crate::place::{LIMIT, Place};

const SYSTEM: &str = "/etc/ssl/certs/ca-certificates.crt";

/// An authority, and a certificate of it for `db` and this machine in the directory
/// `tls` of a place.
struct Authority {
    bundle: PathBuf,
}

impl Authority {
    fn new(place: &Place) -> Self {
        let address = stand_ins::proxy::to("http://127.0.0.1")
            .expect("a proxy")
            .address();
        let names = format!("subjectAltName=DNS:db,IP:{}", address.ip());
        let dir = place.path("tls");
        fs::create_dir(&dir).expect("a directory");
        let own = [
            "-subj",
            "/CN=authority",
            "-keyout",
            "../authority.key",
            "-out",
            "../authority.pem",
        ];
        openssl(&dir, &own);
        openssl(
            &dir,
            &[
                "-subj",
                "/CN=db",
                "-addext",
                &names,
                "-addext",
                "basicConstraints=critical,CA:FALSE",
                "-CA",
                "../authority.pem",
                "-CAkey",
                "../authority.key",
                "-keyout",
                "key.pem",
                "-out",
                "certificate.pem",
            ],
        );
        // Besides those that are known already.
        let known = std::env::var_os("SSL_CERT_FILE").map_or_else(|| SYSTEM.into(), PathBuf::from);
        let mut bundle = fs::read(known).unwrap_or_default();
        bundle.push(b'\n');
        bundle.extend(fs::read(place.path("authority.pem")).expect("a certificate"));
        place.write("bundle.pem", bundle);
        Self {
            bundle: place.path("bundle.pem"),
        }
    }

    fn server(place: &Place) -> ServerConfig {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let certificate = CertificateDer::from_pem_file(place.path("tls/certificate.pem"));
        let key = PrivateKeyDer::from_pem_file(place.path("tls/key.pem"));
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.expect("a certificate")],
                key.expect("a key"),
            )
            .expect("a pair")
    }

    /// As one who trusts it.
    fn run(&self, place: &Place, database: &Database, url: &str, script: &str) -> Finished {
        run(place, database, url, script, Some(&self.bundle))
    }
}

fn openssl(dir: &Path, args: &[&str]) {
    let done = Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-days", "2", "-newkey", "ec"])
        .args(["-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(args)
        .current_dir(dir)
        .output()
        .expect("openssl runs");
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{stderr}");
}

fn run(
    place: &Place,
    database: &Database,
    url: &str,
    script: &str,
    bundle: Option<&Path>,
) -> Finished {
    let script = format!("{}{script}", database.start());
    let mut command = place.command(&["shell", "--progress", "plain", "-c", &script]);
    database.secrets(&mut command);
    command.env("URL", url);
    if let Some(bundle) = bundle {
        command.env("SSL_CERT_FILE", bundle);
    }
    Running::to_end(&mut command, "", LIMIT).expect("a run")
}

#[test]
fn postgresql_and_s3_are_trusted_by_their_authority_and_name() {
    let place = Place::new();
    let authority = Authority::new(&place);
    let store = Store::files_by_tls(Authority::server(&place));
    let arguments = store.arguments();
    let database = Database {
        with: "with-directory /tls tls --owner postgres:postgres | ",
        ..Database::of("postgres:15")
    };
    database.write(
        &place,
        "alter system set ssl_cert_file = '/tls/certificate.pem';
         alter system set ssl_key_file = '/tls/key.pem';
         alter system set hba_file = '/tls/pg_hba.conf';
         alter system set ssl = on;",
    );
    // From elsewhere by TLS only.
    place.write(
        "tls/pg_hba.conf",
        "local all all trust\nhostssl all all all scram-sha-256\n",
    );
    let plain = database.url("app?sslmode=disable");
    let done = run(&place, &database, &plain, "$b | detect | version", None);
    place.failed(&done, &["no encryption"]);
    let full = database.url("app?sslmode=verify-full");
    let backup = format!("$b | backup {arguments} --jobs 2 --verify | key");
    let key = succeeded(&authority.run(&place, &database, &full, &backup));
    assert_eq!(store.backups(), [key.trim()]);

    let untrusted = ["certificate is not valid", "`SSL_CERT_FILE`"];
    place.failed(&run(&place, &database, &full, &backup, None), &untrusted);
    let list = format!("$b | list {arguments} | key");
    place.failed(&run(&place, &database, &full, &list, None), &untrusted);
    // Encrypted, and not checked.
    let required = database.url("app?sslmode=require");
    succeeded(&run(&place, &database, &required, "$b | dump | size", None));

    let other = database.url_at("other", "app?sslmode=verify-full");
    let done = authority.run(&place, &database, &other, "$b | detect | version");
    place.failed(&done, &["certificate is not valid", "other"]);
    let other = database.url_at("other", "app?sslmode=verify-ca");
    succeeded(&authority.run(&place, &database, &other, "$b | dump | size"));
}

#[test]
fn mariadb_that_insists_on_tls_is_trusted_by_its_authority() {
    insists_and_is_trusted(
        "mariadb:10.11",
        "/etc/mysql/mariadb.conf.d/90-tls.cnf",
        "Access denied",
    );
}

#[test]
fn mysql_that_insists_on_tls_is_trusted_by_its_authority() {
    insists_and_is_trusted(
        "mysql:9.7",
        "/etc/mysql/conf.d/tls.cnf",
        "requires secure connection",
    );
}

/// `refusal` is what is said without TLS.
#[track_caller]
fn insists_and_is_trusted(image: &'static str, options: &str, refusal: &str) {
    let place = Place::new();
    let authority = Authority::new(&place);
    place.write(
        "tls.cnf",
        "[server]\nssl_cert = /tls/certificate.pem\nssl_key = /tls/key.pem\nrequire_secure_transport = on\n",
    );
    let with =
        format!("with-directory /tls tls --owner mysql:mysql | with-file {options} tls.cnf | ");
    let database = Database {
        with: with.leak(),
        ..Database::of(image)
    };
    database.write(&place, "");
    let (tool, _) = image.split_once(':').expect("a tag");
    let full = database.url("app?ssl-mode=verify-full");
    // Into the copy by TLS as well, which nobody has asked for there.
    let restore = "$b | restore $($b | dump) env://COPY_URL | tables";
    succeeded(&authority.run(&place, &database, &full, restore));
    let dump = "$b | dump | size";
    let words = [tool, "certificate"];
    place.failed(&run(&place, &database, &full, dump, None), &words);
    let other = database.url_at("other", "app?ssl-mode=verify-full");
    place.failed(&authority.run(&place, &database, &other, dump), &words);
    let plain = database.url("app?ssl-mode=disable");
    let done = run(&place, &database, &plain, dump, None);
    place.failed(&done, &[refusal]);
}
