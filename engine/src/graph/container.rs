//! Containers: a root file system, how commands run in it, and what is mounted.

use std::collections::BTreeMap;
use std::sync::Arc;

use eyre::{Result, bail};

use super::directory::{Directory, File, join};
use super::exec::{self, Exec};
use super::service::{CacheVolume, Service, Socket};
use super::{Engine, Fs, Secret};
use crate::image::ImageConfig;

/// A container. Cheap to copy; every change makes another one.
#[derive(Clone)]
pub struct Container {
    pub rootfs: Fs,
    pub config: ImageConfig,
    pub image_ref: Option<String>,
    pub mounts: Vec<Mount>,
    pub secrets: Vec<(String, Arc<Secret>)>,
    /// Variables that do not count in cache keys.
    pub volatile: Vec<(String, String)>,
    pub ports: Vec<Port>,
    pub services: Vec<(String, Arc<Service>)>,
    /// By registry host: user name and password.
    pub auth: BTreeMap<String, (String, Arc<Secret>)>,
    pub annotations: Vec<(String, String)>,
    /// GPUs for commands: NVIDIA's names of them, or `all`.
    pub gpus: Vec<String>,
    /// What a terminal runs, unless told otherwise.
    pub terminal: TerminalCommand,
    pub last: Option<exec::Shared>,
}

/// What runs in a terminal of a container.
#[derive(Clone)]
pub struct TerminalCommand {
    pub args: Vec<String>,
    pub nested: bool,
    pub privileged: bool,
}

impl Default for TerminalCommand {
    fn default() -> Self {
        Self {
            args: vec!["sh".to_owned()],
            nested: false,
            privileged: false,
        }
    }
}

/// Something mounted.
#[derive(Clone)]
pub struct Mount {
    /// Absolute, clean.
    pub path: String,
    pub what: Mounted,
}

#[derive(Clone)]
pub enum Mounted {
    Directory {
        directory: Directory,
        read_only: bool,
    },
    File(File),
    Cache {
        volume: CacheVolume,
        source: Option<Directory>,
        sharing: Sharing,
        owner: String,
    },
    Temp {
        size: Option<u64>,
    },
    Secret {
        secret: Arc<Secret>,
        owner: String,
        mode: u32,
    },
    Socket {
        socket: Socket,
        owner: String,
    },
}

/// Who may use a cache volume at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    Shared,
    Private,
    Locked,
}

/// A port that a container says it listens on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    pub number: u16,
    pub udp: bool,
    pub description: Option<String>,
    pub skip_healthcheck: bool,
}

/// Sets a key of an ordered list of pairs; an existing one keeps its place.
pub fn set<V>(pairs: &mut Vec<(String, V)>, key: &str, value: V) {
    match pairs.iter_mut().find(|(name, _)| name == key) {
        Some((_, old)) => *old = value,
        None => pairs.push((key.to_owned(), value)),
    }
}

/// Removes a key of an ordered list of pairs.
pub fn unset<V>(pairs: &mut Vec<(String, V)>, key: &str) {
    pairs.retain(|(name, _)| name != key);
}

impl Container {
    pub fn scratch(platform: String) -> Self {
        Self {
            rootfs: Fs::scratch(),
            config: ImageConfig {
                platform,
                ..ImageConfig::default()
            },
            image_ref: None,
            mounts: Vec::new(),
            secrets: Vec::new(),
            volatile: Vec::new(),
            ports: Vec::new(),
            services: Vec::new(),
            auth: BTreeMap::new(),
            annotations: Vec::new(),
            gpus: Vec::new(),
            terminal: TerminalCommand::default(),
            last: None,
        }
    }

    pub fn env(&self, name: &str) -> Option<&str> {
        self.config
            .env
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Replaces `$NAME` and `${NAME}` by the container's variables.
    pub fn expand(&self, text: &str) -> Result<String> {
        expand(text, |name| {
            if self.secrets.iter().any(|(secret, _)| secret == name) {
                bail!("expand cannot be used with secret env variable `{name}`");
            }
            Ok(self.env(name).unwrap_or_default().to_owned())
        })
    }

    /// An absolute, clean path; relative ones start at the working directory.
    pub fn absolute(&self, path: &str) -> String {
        let base = if path.starts_with('/') {
            ""
        } else {
            self.config.workdir.as_str()
        };
        format!("/{}", normal(base, path))
    }

    /// The mount that a path is in, with the path inside of it.
    pub(super) fn mount_of(&self, path: &str) -> Option<(usize, String)> {
        self.mounts
            .iter()
            .enumerate()
            .filter_map(|(n, mount)| {
                let rest = path.strip_prefix(mount.path.as_str())?;
                (rest.is_empty() || rest.starts_with('/') || mount.path == "/")
                    .then(|| (n, rest.trim_start_matches('/').to_owned()))
            })
            .max_by_key(|(n, _)| (self.mounts[*n].path.len(), *n))
    }

    /// Where an absolute path is: the root file system or a mounted directory.
    pub fn place(&self, path: &str) -> Result<Place> {
        let Some((n, rest)) = self.mount_of(path) else {
            return Ok(Place {
                mount: None,
                directory: Directory::root(self.rootfs.clone()),
                path: join("", path),
            });
        };
        match &self.mounts[n].what {
            Mounted::Directory { directory, .. } => Ok(Place {
                mount: Some(n),
                directory: directory.clone(),
                path: rest,
            }),
            Mounted::File(_) if !rest.is_empty() => {
                bail!("cannot take `{path}`: `{}` is a file", self.mounts[n].path)
            }
            Mounted::File(file) => {
                let (parent, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
                let directory = Directory {
                    fs: file.fs.clone(),
                    path: parent.to_owned(),
                };
                Ok(Place {
                    mount: Some(n),
                    directory,
                    path: name.to_owned(),
                })
            }
            Mounted::Cache { .. } => bail!("cannot take `{path}` from a cache volume"),
            Mounted::Temp { .. } => bail!("cannot take `{path}` from a temporary mount"),
            Mounted::Secret { .. } => bail!("cannot take `{path}`: it is a secret"),
            Mounted::Socket { .. } => bail!("cannot take `{path}`: it is a socket"),
        }
    }

    pub fn directory(&self, engine: &Arc<Engine>, path: &str) -> Result<Directory> {
        let place = self.place(&self.absolute(path))?;
        Ok(place.directory.directory(engine, &place.path))
    }

    pub fn file(&self, engine: &Arc<Engine>, path: &str) -> Result<File> {
        let place = self.place(&self.absolute(path))?;
        Ok(place.directory.file(engine, &place.path))
    }

    /// The container with the directory that holds `path` changed.
    pub fn edit(
        &self,
        path: &str,
        change: impl FnOnce(&Directory, &str) -> Result<Directory>,
    ) -> Result<Self> {
        let place = self.place(&self.absolute(path))?;
        let changed = change(&place.directory, &place.path)?;
        let mut container = self.clone();
        match place.mount {
            None => container.rootfs = changed.fs,
            Some(n) => match &mut container.mounts[n].what {
                Mounted::Directory { directory, .. } => *directory = changed,
                Mounted::File(file) => file.fs = changed.fs,
                _ => bail!("cannot change `{path}`: it is in no directory or file"),
            },
        }
        Ok(container)
    }

    pub fn with_mount(&self, path: &str, what: Mounted) -> Self {
        let path = self.absolute(path);
        let mut container = self.clone();
        container.mounts.retain(|mount| mount.path != path);
        container.mounts.push(Mount { path, what });
        container
    }

    /// Adds a command. What it changes is seen through the new container.
    pub fn with_exec(&self, engine: &Arc<Engine>, exec: Exec) -> Self {
        let shared = exec::shared(engine, exec);
        let mut container = self.clone();
        container.rootfs = exec::root(&shared);
        for (n, mount) in container.mounts.iter_mut().enumerate() {
            match &mut mount.what {
                Mounted::Directory {
                    directory,
                    read_only: false,
                } => directory.fs = exec::mount(&shared, n),
                Mounted::File(file) => file.fs = exec::mount(&shared, n),
                _ => {}
            }
        }
        container.last = Some(shared);
        container
    }

    /// Result of the last command.
    pub async fn last(&self) -> Result<Arc<exec::Outcome>> {
        let Some(last) = &self.last else {
            bail!("no command has been set: `with-exec` runs one");
        };
        exec::wait(last).await
    }

    /// Somebody asked for files or the last command, and it failed.
    pub fn failed_before(&self) -> bool {
        let last = self.last.as_ref().and_then(|last| last.peek());
        self.rootfs.failed_before() || matches!(last, Some(Err(_)))
    }

    /// Runs everything.
    pub async fn sync(&self) -> Result<()> {
        self.rootfs.snapshot().await?;
        Ok(())
    }

    /// The command that `args` mean: with the entry point or default arguments.
    pub fn command(
        &self,
        args: &[String],
        use_entrypoint: bool,
        expand: bool,
    ) -> Result<Vec<String>> {
        let mut args = args.to_vec();
        if args.is_empty() {
            args = self.config.cmd.clone();
        }
        if use_entrypoint {
            args.splice(0..0, self.config.entrypoint.iter().cloned());
        }
        if args.is_empty() {
            bail!(
                "no command has been set: give arguments, or an entry point or default arguments to use"
            );
        }
        if expand {
            args.iter().map(|arg| self.expand(arg)).collect()
        } else {
            Ok(args)
        }
    }
}

/// A directory and a path in it.
pub struct Place {
    mount: Option<usize>,
    pub directory: Directory,
    pub path: String,
}

/// `base` + `path`, `..` resolved up to the root.
fn normal(base: &str, path: &str) -> String {
    join("", &format!("{base}/{path}"))
}

/// Replaces `$NAME`, `${NAME}` and `\$`.
pub fn expand(text: &str, value: impl Fn(&str) -> Result<String>) -> Result<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, after) = rest.split_at(at);
        if let Some(escaped) = before.strip_suffix('\\') {
            out.push_str(escaped);
            out.push('$');
            rest = &after[1..];
            continue;
        }
        out.push_str(before);
        let after = &after[1..];
        if let Some(braced) = after.strip_prefix('{')
            && let Some((name, tail)) = braced.split_once('}')
        {
            out.push_str(&value(name)?);
            rest = tail;
            continue;
        }
        let end = after
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(after.len());
        if end == 0 {
            out.push('$');
        } else {
            out.push_str(&value(&after[..end])?);
        }
        rest = &after[end..];
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_expanded_in_both_spellings() {
        let value = |name: &str| {
            Ok(if name == "A" {
                "one".to_owned()
            } else {
                String::new()
            })
        };
        for (text, expanded) in [
            ("$A-${A}", "one-one"),
            ("x$B", "x"),
            ("100$", "100$"),
            (r"\$A", "$A"),
            ("$A.b", "one.b"),
            ("${A", "${A"),
        ] {
            assert_eq!(expand(text, value).unwrap(), expanded, "{text}");
        }
    }

    #[test]
    fn the_deepest_mount_has_the_path() {
        let mut container = Container::scratch("linux/amd64".into());
        container = container.with_mount("/a", Mounted::Temp { size: None });
        container = container.with_mount("/a/b", Mounted::Temp { size: None });
        assert_eq!(container.mount_of("/a/b/c"), Some((1, "c".into())));
        assert_eq!(container.mount_of("/a/bc"), Some((0, "bc".into())));
        assert_eq!(container.mount_of("/ab"), None);
    }
}
