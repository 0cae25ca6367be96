//! Credentials for a registry: those given, else docker's configuration
//! (`$DOCKER_CONFIG/config.json` or `~/.docker/config.json`) with its helpers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use base64::Engine;
use eyre::{Result, WrapErr};
use oci_client::secrets::RegistryAuth;
use serde::Deserialize;
use tokio::io::AsyncWriteExt;

use crate::image::Credentials;

/// Names under which Docker Hub's credentials are kept.
const HUB: [&str; 4] = [
    "https://index.docker.io/v1/",
    "docker.io",
    "index.docker.io",
    "registry-1.docker.io",
];

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct DockerConfig {
    auths: BTreeMap<String, DockerAuth>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct DockerAuth {
    /// `user:password` in base64.
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    registrytoken: Option<String>,
}

/// What a helper prints.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// Credentials for the registry `host`, or none.
pub(super) async fn find(
    host: &str,
    given: &BTreeMap<String, Credentials>,
) -> Result<RegistryAuth> {
    let own = given
        .iter()
        .find(|(name, _)| names(host).any(|known| known == bare(name)));
    if let Some((_, own)) = own {
        return Ok(RegistryAuth::Basic(
            own.username.clone(),
            own.password.clone(),
        ));
    }
    let dir = std::env::var_os("DOCKER_CONFIG").map(PathBuf::from);
    let dir = dir.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".docker")));
    match dir {
        Some(dir) => from_docker(&dir.join("config.json"), host).await,
        None => Ok(RegistryAuth::Anonymous),
    }
}

async fn from_docker(path: &Path, host: &str) -> Result<RegistryAuth> {
    let text = match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(RegistryAuth::Anonymous);
        }
        text => text.wrap_err_with(|| format!("cannot read `{}`", path.display()))?,
    };
    let config: DockerConfig = serde_json::from_slice(&text)
        .wrap_err_with(|| format!("cannot read `{}`", path.display()))?;
    let helper = config
        .cred_helpers
        .iter()
        .find(|(name, _)| names(host).any(|known| known == bare(name)));
    if let Some((name, helper)) = helper {
        if let Some(auth) = ask(helper, name).await? {
            return Ok(auth);
        }
    } else if let Some(helper) = &config.creds_store {
        for name in names(host) {
            if let Some(auth) = ask(helper, name).await? {
                return Ok(auth);
            }
        }
    }
    let entry = config
        .auths
        .iter()
        .find(|(name, _)| names(host).any(|known| known == bare(name)));
    match entry {
        Some((name, entry)) => entry
            .read()
            .wrap_err_with(|| format!("cannot read the entry `{name}` of `{}`", path.display())),
        None => Ok(RegistryAuth::Anonymous),
    }
}

impl DockerAuth {
    fn read(&self) -> Result<RegistryAuth> {
        if let Some(token) = &self.registrytoken {
            return Ok(RegistryAuth::Bearer(token.clone()));
        }
        if let (Some(username), Some(password)) = (&self.username, &self.password) {
            return Ok(RegistryAuth::Basic(username.clone(), password.clone()));
        }
        let Some(auth) = self.auth.as_ref().filter(|auth| !auth.is_empty()) else {
            return Ok(RegistryAuth::Anonymous);
        };
        // Errors must not repeat what was there.
        let text = base64::engine::general_purpose::STANDARD
            .decode(auth.trim())
            .ok();
        let text = text.and_then(|bytes| String::from_utf8(bytes).ok());
        let pair = text.as_deref().and_then(|text| text.split_once(':'));
        let (username, password) =
            pair.ok_or_else(|| eyre::eyre!("expected `user:password` in base64 as `auth`"))?;
        Ok(RegistryAuth::Basic(
            username.to_owned(),
            password.trim_end_matches('\0').to_owned(),
        ))
    }
}

/// Asks a credential helper; nothing when it knows nothing of the registry.
async fn ask(helper: &str, registry: &str) -> Result<Option<RegistryAuth>> {
    let program = format!("docker-credential-{helper}");
    let problem = || format!("cannot get credentials for `{registry}` from `{program}`");
    let mut child = tokio::process::Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .wrap_err_with(problem)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin
            .write_all(registry.as_bytes())
            .await
            .wrap_err_with(problem)?;
    }
    let output = child.wait_with_output().await.wrap_err_with(problem)?;
    if !output.status.success() {
        // Errors of helpers are on stdout.
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        if text.contains("not found") {
            return Ok(None);
        }
        eyre::bail!("{}: {}", problem(), text.trim());
    }
    let answer: Answer = serde_json::from_slice(&output.stdout)
        .map_err(|_| eyre::eyre!("{}: its answer is not as expected", problem()))?;
    Ok(match answer.username.as_str() {
        "" => None,
        "<token>" => eyre::bail!(
            "{}: it has an identity token, which is not supported; log in with a user name and an access token",
            problem()
        ),
        _ => Some(RegistryAuth::Basic(answer.username, answer.secret)),
    })
}

/// The names under which a registry is known.
fn names(host: &str) -> impl Iterator<Item = &str> {
    let hub = HUB[1..].contains(&host);
    let own = (!hub).then_some(host);
    HUB.into_iter().filter(move |_| hub).chain(own)
}

/// A key of the configuration as a host; Docker Hub's stays as it is.
fn bare(key: &str) -> &str {
    if HUB.contains(&key) {
        return key;
    }
    let rest = key.split_once("://").map_or(key, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    async fn find_in(config: &str, host: &str) -> Result<RegistryAuth> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("config.json");
        std::fs::write(&path, config)?;
        from_docker(&path, host).await
    }

    fn basic(name: &str, password: &str) -> RegistryAuth {
        RegistryAuth::Basic(name.to_owned(), password.to_owned())
    }

    #[tokio::test]
    async fn docker_configurations_are_read() {
        let config = r#"{"auths": {
            "https://index.docker.io/v1/": {"auth": "aHViOnNlY3JldDp4"},
            "https://registry.example.com/v2/": {"username": "u", "password": "p"},
            "empty.example.com": {}}, "HttpHeaders": {}}"#;
        for (host, expected) in [
            ("docker.io", basic("hub", "secret:x")),
            ("registry.example.com", basic("u", "p")),
            ("empty.example.com", RegistryAuth::Anonymous),
            ("other.example.com", RegistryAuth::Anonymous),
        ] {
            assert_eq!(find_in(config, host).await.expect(host), expected, "{host}");
        }
        let missing = from_docker(Path::new("/no/where"), "x")
            .await
            .expect("is fine");
        assert_eq!(missing, RegistryAuth::Anonymous);
    }

    #[tokio::test]
    async fn a_broken_entry_is_named_without_its_secret() {
        let config = r#"{"auths": {"a.example.com": {"auth": "c2VjcmV0"}}}"#;
        let error = format!(
            "{:#}",
            find_in(config, "a.example.com")
                .await
                .expect_err("is broken")
        );
        assert!(
            error.contains("a.example.com") && !error.contains("secret"),
            "{error}"
        );
        assert!(!error.contains("c2VjcmV0"), "{error}");
    }

    #[tokio::test]
    async fn given_credentials_come_first() {
        let own = Credentials {
            username: "u".to_owned(),
            password: "p".to_owned(),
        };
        for (key, host) in [
            ("docker.io", "docker.io"),
            ("https://a.example.com", "a.example.com"),
            ("localhost:5000", "localhost:5000"),
        ] {
            let given = BTreeMap::from([(key.to_owned(), own.clone())]);
            assert_eq!(
                find(host, &given).await.expect(host),
                basic("u", "p"),
                "{host}"
            );
        }
    }

    #[tokio::test]
    async fn a_helper_is_asked_by_the_name_in_the_configuration() {
        // A path with a slash is not looked up in PATH.
        let dir = tempfile::Builder::new()
            .prefix("docker-credential-")
            .tempdir_in(".");
        let dir = dir.expect("a directory");
        let name = dir
            .path()
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let helper = format!("{}/helper", name.trim_start_matches("docker-credential-"));
        let program = dir.path().join("helper");
        std::fs::write(
            &program,
            "#!/bin/sh\nread -r host || true\ncase $host in a.*) echo '{\"ServerURL\":\"\",\"Username\":\"u\",\"Secret\":\"p\"}';; *) echo 'credentials not found in native keychain'; exit 1;; esac\n",
        )
        .expect("writes");
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("sets");
        let config = format!(r#"{{"credsStore": "{helper}"}}"#);
        let found = find_in(&config, "a.example.com").await;
        let other = find_in(&config, "b.example.com").await;
        assert_eq!(found.expect("finds"), basic("u", "p"));
        assert_eq!(other.expect("is fine"), RegistryAuth::Anonymous);
        let config = r#"{"credHelpers": {"a.example.com": "that-is-not-there"}}"#;
        let error = format!(
            "{:#}",
            find_in(config, "a.example.com")
                .await
                .expect_err("is missing")
        );
        assert!(
            error.contains("docker-credential-that-is-not-there"),
            "{error}"
        );
    }
}
