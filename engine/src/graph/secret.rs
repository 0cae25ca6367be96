//! Secrets: where they come from, and their plaintext while it is needed.

use std::path::PathBuf;
use std::process::Stdio;

use eyre::{Result, WrapErr, bail, eyre};
use tokio::sync::OnceCell;

use super::Engine;
use crate::credentials;
use crate::store::{Digest, Hasher};

/// A secret. Its plaintext is read once per run, when somebody needs it.
pub struct Secret {
    source: Source,
    plaintext: OnceCell<String>,
}

enum Source {
    /// `setSecret`: the plaintext was given.
    Given {
        name: String,
    },
    Uri {
        uri: String,
        workdir: PathBuf,
    },
}

impl Secret {
    pub fn given(name: String, plaintext: String) -> Self {
        credentials::keep_out(&plaintext);
        Self {
            source: Source::Given { name },
            plaintext: OnceCell::new_with(Some(plaintext)),
        }
    }

    /// `workdir` is where relative paths of `file://` start and `cmd://` runs.
    pub fn provided(uri: String, workdir: PathBuf) -> Self {
        Self {
            source: Source::Uri { uri, workdir },
            plaintext: OnceCell::new(),
        }
    }

    pub fn name(&self) -> &str {
        match &self.source {
            Source::Given { name } => name,
            Source::Uri { .. } => "",
        }
    }

    pub fn uri(&self) -> &str {
        match &self.source {
            Source::Given { .. } => "",
            Source::Uri { uri, .. } => uri,
        }
    }

    pub async fn plaintext(&self) -> Result<&str> {
        let read = || async {
            match &self.source {
                Source::Given { name } => Err(eyre!("secret `{name}` has no plaintext")),
                Source::Uri { uri, workdir } => resolve(uri, workdir).await,
            }
        };
        let read = || async {
            let plaintext = read().await?;
            credentials::keep_out(&plaintext);
            Ok::<_, eyre::Report>(plaintext)
        };
        Ok(self.plaintext.get_or_try_init(read).await?)
    }

    /// Stands for the plaintext in cache keys: keyed by a secret of this state
    /// directory, so that nothing can be guessed from it elsewhere.
    pub async fn fingerprint(&self, engine: &Engine) -> Result<Digest> {
        Ok(fingerprint(engine, self.plaintext().await?))
    }
}

/// See [`Secret::fingerprint`].
pub fn fingerprint(engine: &Engine, plaintext: &str) -> Digest {
    Hasher::new("secret-1")
        .with(engine.secret_key)
        .with(plaintext)
        .with(engine.secret_key)
        .digest()
}

/// Reads `env:NAME`, `file:PATH`, `cmd:COMMAND`, `vault:` and `op:` addresses,
/// each also with `//` after the colon.
async fn resolve(uri: &str, workdir: &std::path::Path) -> Result<String> {
    let Some((provider, rest)) = uri.split_once(':') else {
        bail!(
            "secret address has no provider: expected a form like `env://NAME`, `file://PATH` or `cmd://COMMAND`"
        );
    };
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    match provider {
        "env" => std::env::var(rest).map_err(|_| eyre!("secret env var not found: `{rest}`")),
        "file" => {
            let path = match rest.strip_prefix("~/") {
                Some(below) => PathBuf::from(std::env::var("HOME").unwrap_or_default()).join(below),
                None => workdir.join(rest),
            };
            std::fs::read_to_string(&path)
                .wrap_err_with(|| format!("cannot read secret file `{rest}`"))
        }
        "cmd" => command("sh", &["-c", rest], workdir).await,
        "op" => {
            command(
                "op",
                &["read", "--no-newline", &format!("op://{rest}")],
                workdir,
            )
            .await
        }
        "vault" => {
            let (path, field) = rest.rsplit_once('.').ok_or_else(|| {
                eyre!("secret address `vault://{rest}` has no field: expected `vault://PATH.FIELD`")
            })?;
            command(
                "vault",
                &["kv", "get", &format!("-field={field}"), path],
                workdir,
            )
            .await
        }
        other => bail!("unknown secret provider `{other}`: expected env, file, cmd, op or vault"),
    }
}

async fn command(program: &str, args: &[&str], workdir: &std::path::Path) -> Result<String> {
    let output = tokio::process::Command::new(program)
        .args(args)
        .current_dir(workdir)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .wrap_err_with(|| format!("cannot run `{program}` to get a secret"))?;
    if !output.status.success() {
        // Only the exit status: what it printed may be part of the secret.
        bail!("`{program}` could not give a secret: {}", output.status);
    }
    let text = String::from_utf8(output.stdout)
        .map_err(|_| eyre!("the secret of `{program}` is not UTF-8"))?;
    Ok(text)
}
