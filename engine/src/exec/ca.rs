//! A host behind a proxy that re-signs TLS: its certificates and proxy settings,
//! passed on to containers without leaving a trace in images.

use std::path::{Path, PathBuf};

/// Where a container finds the bundle: not below `/etc`, where tools that gather
/// certificates would link to it; `/dev` is never part of an image.
const TARGET: &str = "/dev/poniard-ca.pem";

/// Variables of the host that name a bundle, in order of preference.
const OF_HOST: [&str; 5] = [
    "SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
];

/// Variables that make programs in a container read it.
const IN_CONTAINER: [&str; 9] = [
    "SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
    "GIT_SSL_CAINFO",
    "AWS_CA_BUNDLE",
    "CARGO_HTTP_CAINFO",
    "DENO_CERT",
];

const PROXY: [&str; 5] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "FTP_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
];

/// What the host's environment asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct HostTrust {
    /// A bundle of certificates in PEM form.
    pub(super) bundle: Option<PathBuf>,
    proxy: Vec<(String, String)>,
}

impl HostTrust {
    pub(super) fn of_host() -> Self {
        Self::from(|name| std::env::var(name).ok())
    }

    fn from(variable: impl Fn(&str) -> Option<String>) -> Self {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let bundle = OF_HOST.iter().find_map(|name| {
            let path = std::fs::canonicalize(variable(name)?).ok()?;
            path.is_file().then_some(path)
        });
        let names = PROXY
            .iter()
            .flat_map(|name| [(*name).to_owned(), name.to_lowercase()]);
        let proxy = names.filter_map(|name| Some((variable(&name)?, name)));
        Self {
            bundle,
            proxy: proxy.map(|(value, name)| (name, value)).collect(),
        }
    }

    /// The file to bind read-only, and where.
    pub(super) fn bind(&self) -> Option<(&Path, &'static Path)> {
        Some((self.bundle.as_deref()?, Path::new(TARGET)))
    }

    /// Sets what `env` does not set itself.
    pub(super) fn extend(&self, env: &mut Vec<(String, String)>) {
        let certificates = IN_CONTAINER.iter().filter(|_| self.bundle.is_some());
        let certificates = certificates.map(|name| ((*name).to_owned(), TARGET.to_owned()));
        for (name, value) in certificates.chain(self.proxy.iter().cloned()) {
            if !env.iter().any(|(set, _)| *set == name) {
                env.push((name, value));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_added_for_a_host_without_certificates_of_its_own() {
        let trust = HostTrust::from(|_| None);
        let mut env = vec![("A".to_owned(), "1".to_owned())];
        trust.extend(&mut env);
        assert_eq!((trust.bind(), env.len()), (None, 1));
    }

    #[test]
    fn what_the_container_sets_itself_is_kept() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        let trust = HostTrust::from(|name| match name {
            "SSL_CERT_FILE" => Some("/missing/file".into()),
            "CURL_CA_BUNDLE" => Some(path.clone()),
            "https_proxy" => Some("http://proxy:3128".into()),
            "NO_PROXY" => Some(String::new()),
            _ => None,
        });
        let mut env = vec![("PIP_CERT".to_owned(), "own".to_owned())];
        trust.extend(&mut env);
        let value = |name: &str| env.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        assert_eq!(value("PIP_CERT"), Some("own"));
        assert_eq!(value("SSL_CERT_FILE"), Some(TARGET));
        assert_eq!(value("https_proxy"), Some("http://proxy:3128"));
        assert_eq!(value("NO_PROXY"), None);
        assert!(trust.bind().is_some());
    }
}
