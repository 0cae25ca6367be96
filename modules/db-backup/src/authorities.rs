//! The certificate authorities that TLS trusts: `SSL_CERT_FILE`, or the system's.

use std::env;
use std::fs;
use std::path::PathBuf;

use poniard_sdk::prelude::*;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

const SYSTEM: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The bundle, when there is one.
pub fn bundle() -> Option<PathBuf> {
    let named = env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    [named, Some(SYSTEM.into())]
        .into_iter()
        .flatten()
        .find(|path| path.is_file())
}

pub fn certificates() -> Result<Vec<CertificateDer<'static>>> {
    let Some(path) = bundle() else {
        bail!("no certificate authorities: neither `SSL_CERT_FILE` nor `{SYSTEM}` is there");
    };
    let pem = fs::read(&path).wrap_err_with(|| format!("cannot read `{}`", path.display()))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    certificates.wrap_err_with(|| format!("cannot read `{}`", path.display()))
}
