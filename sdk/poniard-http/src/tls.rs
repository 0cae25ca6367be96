//! The agent under requests, and whom it trusts.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

const CONNECT: Duration = Duration::from_secs(10);

/// Gives up on an attempt after `attempt`. A redirection is an answer: followed,
/// it would carry headers with credentials to another host.
///
/// ```no_run
/// use std::time::Duration;
///
/// let agent = poniard_http::agent(Duration::from_secs(5), &poniard_http::authorities()?);
/// # Ok::<(), String>(())
/// ```
pub fn agent(attempt: Duration, authorities: &[CertificateDer<'static>]) -> Agent {
    let owned = authorities
        .iter()
        .map(|one| Certificate::from_der(one).to_owned());
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(owned.collect())))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    let connect = CONNECT.min(attempt);
    Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(attempt))
        .timeout_connect(Some(connect))
        .timeout_resolve(Some(connect))
        .user_agent(concat!("poniard/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}

/// The certificates of the authorities to trust: those of `SSL_CERT_FILE` and
/// `SSL_CERT_DIR`, or else of the system.
///
/// ```no_run
/// for certificate in poniard_http::authorities()? {
///     println!("{} bytes", certificate.len());
/// }
/// # Ok::<(), String>(())
/// ```
pub fn authorities() -> Result<Vec<CertificateDer<'static>>, String> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        let why = found.errors.first().map(ToString::to_string);
        return Err(format!(
            "no certificate authority to trust was found ({}): set `SSL_CERT_FILE` to a bundle",
            why.unwrap_or_else(|| "no file".into())
        ));
    }
    Ok(found.certs)
}
