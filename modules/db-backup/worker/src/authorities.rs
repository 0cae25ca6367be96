//! The certificate authorities that TLS trusts, as a file for client tools:
//! `SSL_CERT_FILE`, or the system's. What this program trusts itself is that of
//! [`poniard_http::authorities`].

use std::env;
use std::path::PathBuf;

const SYSTEM: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The bundle, when there is one.
pub fn bundle() -> Option<PathBuf> {
    let named = env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    [named, Some(SYSTEM.into())]
        .into_iter()
        .flatten()
        .find(|path| path.is_file())
}
