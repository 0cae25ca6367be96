//! Git repositories and what their names stand for, through the `git` program:
//! it knows the caller's credentials, helpers and proxies.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use eyre::{Result, WrapErr, bail, eyre};
use tokio::sync::OnceCell;

use super::engine::blocking;
use super::{Directory, Engine, Fs, Secret};
use crate::store::{Hasher, Snapshot, Store};

/// A repository.
pub struct Repository {
    pub source: Source,
    refs: OnceCell<Vec<(String, String)>>,
}

pub enum Source {
    Remote {
        url: String,
        auth: Auth,
    },
    /// A directory with `.git` in it, or a bare repository.
    Directory(Directory),
}

/// How a remote lets us in.
#[derive(Clone, Default)]
pub struct Auth {
    pub username: String,
    pub token: Option<Arc<Secret>>,
    pub header: Option<Arc<Secret>>,
    pub ssh_known_hosts: String,
    pub ssh_socket: Option<PathBuf>,
}

/// A name and its commit.
pub struct Ref {
    pub repository: Arc<Repository>,
    /// Full name, or the commit itself.
    pub name: String,
    pub commit: String,
}

impl Repository {
    pub fn new(source: Source) -> Arc<Self> {
        Arc::new(Self {
            source,
            refs: OnceCell::new(),
        })
    }

    pub fn url(&self) -> Option<&str> {
        match &self.source {
            Source::Remote { url, .. } => Some(url),
            Source::Directory(_) => None,
        }
    }

    /// All names with their commits, `HEAD` first; `HEAD`'s target as `HEAD→name`.
    async fn refs(&self, engine: &Arc<Engine>) -> Result<&[(String, String)]> {
        let read = || async {
            let text = match &self.source {
                Source::Remote { url, auth } => {
                    git(&["ls-remote", "--symref", "--", url], None, auth).await?
                }
                Source::Directory(directory) => {
                    on_directory(engine, directory, |path| async move {
                        let url = path.to_string_lossy().into_owned();
                        git(
                            &["ls-remote", "--symref", "--", &url],
                            None,
                            &Auth::default(),
                        )
                        .await
                    })
                    .await?
                }
            };
            Ok::<_, eyre::Report>(parse_refs(&text))
        };
        Ok(self.refs.get_or_try_init(read).await?)
    }

    /// The commit that `HEAD`, a branch, tag or full name stands for.
    pub async fn find(
        self: &Arc<Self>,
        engine: &Arc<Engine>,
        candidates: &[String],
    ) -> Result<Ref> {
        let refs = self.refs(engine).await?;
        for name in candidates {
            if let Some((_, commit)) = refs
                .iter()
                .find(|(found, _)| found == &format!("{name}^{{}}"))
            {
                return Ok(self.at(name, commit));
            }
            if let Some((_, commit)) = refs.iter().find(|(found, _)| found == name) {
                return Ok(self.at(name, commit));
            }
        }
        let wanted = candidates.last().map(String::as_str).unwrap_or_default();
        bail!(
            "repository {} has no ref `{wanted}`",
            self.url().map(|url| format!("`{url}`")).unwrap_or_default()
        )
    }

    pub async fn head(self: &Arc<Self>, engine: &Arc<Engine>) -> Result<Ref> {
        let refs = self.refs(engine).await?;
        let target = refs
            .iter()
            .find_map(|(name, target)| (name == "HEAD→").then(|| target.clone()));
        let name = target.unwrap_or_else(|| "HEAD".to_owned());
        self.find(engine, &["HEAD".to_owned()])
            .await
            .map(|head| Ref { name, ..head })
    }

    pub fn at(self: &Arc<Self>, name: &str, commit: &str) -> Ref {
        Ref {
            repository: self.clone(),
            name: name.to_owned(),
            commit: commit.to_owned(),
        }
    }

    /// Short names below `prefix`, those that match one of the patterns.
    pub async fn names(
        &self,
        engine: &Arc<Engine>,
        prefix: &str,
        patterns: &[String],
    ) -> Result<Vec<String>> {
        let globs = patterns
            .iter()
            .map(|pattern| Ok(globset::Glob::new(pattern)?.compile_matcher()))
            .collect::<Result<Vec<_>>>()?;
        let refs = self.refs(engine).await?;
        Ok(refs
            .iter()
            .filter_map(|(name, _)| name.strip_prefix(prefix))
            .filter(|name| !name.ends_with("^{}"))
            .filter(|name| globs.is_empty() || globs.iter().any(|glob| glob.is_match(name)))
            .map(str::to_owned)
            .collect())
    }
}

/// How many commits to fetch.
#[derive(Clone, Copy)]
pub struct Tree {
    pub discard_git_dir: bool,
    pub depth: i64,
    pub include_tags: bool,
}

impl Ref {
    /// The files of the commit.
    pub fn tree(self: &Arc<Self>, engine: &Arc<Engine>, options: Tree) -> Directory {
        let (this, engine) = (self.clone(), engine.clone());
        Directory::root(Fs::lazy(
            async move { this.checkout(&engine, options).await },
        ))
    }

    async fn checkout(&self, engine: &Arc<Engine>, options: Tree) -> Result<Snapshot> {
        let from = match &self.repository.source {
            Source::Remote { url, .. } => url.clone(),
            Source::Directory(directory) => directory.fs.snapshot().await?.id.to_string(),
        };
        let key = Hasher::new("git-tree-1")
            .with(from)
            .with(&self.name)
            .with(&self.commit)
            .with(format!(
                "{} {} {}",
                options.discard_git_dir, options.depth, options.include_tags
            ))
            .digest();
        if let Some(snapshot) = engine.store.cached::<Snapshot>("git", &key) {
            return Ok(snapshot);
        }
        let span = engine
            .progress
            .start(format!("git checkout {} {}", self.name, self.commit));
        let fetched = self.fetched(engine, options).await;
        let snapshot = span.end_as(fetched)?;
        engine.store.remember("git", &key, &snapshot)?;
        Ok(snapshot)
    }

    async fn fetched(&self, engine: &Arc<Engine>, options: Tree) -> Result<Snapshot> {
        let temp = engine.store.temp_dir()?;
        let path = temp.path().join("tree");
        match &self.repository.source {
            Source::Remote { url, auth } => self.fetch(url, auth, &path, options).await?,
            Source::Directory(directory) => {
                on_directory(engine, directory, |repository| {
                    let path = path.clone();
                    async move {
                        let url = format!("file://{}", repository.display());
                        self.fetch(&url, &Auth::default(), &path, options).await
                    }
                })
                .await?;
            }
        }
        if options.discard_git_dir {
            std::fs::remove_dir_all(path.join(".git"))
                .wrap_err("cannot remove `.git` of the checkout")?;
        }
        engine.store.import_dir(&path, &Default::default()).await
    }

    async fn fetch(&self, url: &str, auth: &Auth, path: &Path, options: Tree) -> Result<()> {
        let dir = path.to_string_lossy().into_owned();
        git(&["init", "-q", "--", &dir], None, auth).await?;
        let depth = format!("--depth={}", options.depth);
        let mut args = vec!["fetch", "-q", "--no-write-fetch-head"];
        if options.depth > 0 {
            args.push(&depth);
        }
        args.push(if options.include_tags {
            "--tags"
        } else {
            "--no-tags"
        });
        let wanted = format!("+{}:refs/poniard/fetched", self.commit);
        let by_name = format!("+{}:refs/poniard/fetched", self.name);
        args.extend(["--", url]);
        let mut by_commit = args.clone();
        by_commit.push(&wanted);
        args.push(&by_name);
        // Not every server gives out a commit by its id: then by name, checked below.
        if let Err(first) = git(&by_commit, Some(path), auth).await
            && git(&args, Some(path), auth).await.is_err()
        {
            return Err(first);
        }
        git(
            &["checkout", "-q", "--detach", &self.commit],
            Some(path),
            auth,
        )
        .await?;
        git(
            &["update-ref", "-d", "refs/poniard/fetched"],
            Some(path),
            auth,
        )
        .await?;
        Ok(())
    }

    /// The best common ancestor with another ref of the same repository.
    pub async fn common_ancestor(&self, engine: &Arc<Engine>, other: &Ref) -> Result<Ref> {
        let temp = engine.store.temp_dir()?;
        let path = temp.path().join("history");
        let options = Tree {
            discard_git_dir: false,
            depth: 0,
            include_tags: false,
        };
        let bases = |path: PathBuf| async move {
            git(
                &["merge-base", &self.commit, &other.commit],
                Some(&path),
                &Auth::default(),
            )
            .await
        };
        let found = match &self.repository.source {
            Source::Remote { url, auth } => {
                self.fetch(url, auth, &path, options).await?;
                git(
                    &["fetch", "-q", "--no-tags", "--", url, &other.commit],
                    Some(&path),
                    auth,
                )
                .await?;
                bases(path).await?
            }
            Source::Directory(directory) => on_directory(engine, directory, bases).await?,
        };
        Ok(self.repository.at(found.trim(), found.trim()))
    }
}

/// Runs something on a repository that is a directory of ours.
async fn on_directory<T, F: Future<Output = Result<T>>>(
    engine: &Arc<Engine>,
    directory: &Directory,
    work: impl FnOnce(PathBuf) -> F,
) -> Result<T> {
    let snapshot = directory.fs.snapshot().await?;
    let store: Arc<Store> = engine.store.clone();
    let path = directory.path.clone();
    let (mount, path) = blocking(move || {
        let mount = store.mount(&snapshot)?;
        let path = mount.tree().host_path(&path)?;
        Ok((mount, path))
    })
    .await?;
    let done = work(path).await;
    drop(mount);
    done
}

/// Runs git without prompts; gives what it printed.
pub async fn git(args: &[&str], dir: Option<&Path>, auth: &Auth) -> Result<String> {
    let mut command = tokio::process::Command::new("git");
    // Settings by environment: neither argv nor files show the credentials.
    let mut settings = vec![
        ("safe.directory".to_owned(), "*".to_owned()),
        ("advice.detachedHead".to_owned(), "false".to_owned()),
    ];
    if let Some(header) = &auth.header {
        let header = header.plaintext().await?.trim().to_owned();
        settings.push((
            "http.extraHeader".to_owned(),
            format!("Authorization: {header}"),
        ));
    }
    if let Some(token) = &auth.token {
        use base64::Engine as _;
        let user = if auth.username.is_empty() {
            "x-access-token"
        } else {
            &auth.username
        };
        let pair = format!("{user}:{}", token.plaintext().await?.trim());
        let basic = base64::engine::general_purpose::STANDARD.encode(pair);
        settings.push((
            "http.extraHeader".to_owned(),
            format!("Authorization: Basic {basic}"),
        ));
    }
    // After those that the caller's environment has.
    let count = std::env::var("GIT_CONFIG_COUNT").ok();
    let first: usize = count.and_then(|count| count.parse().ok()).unwrap_or(0);
    command.env("GIT_CONFIG_COUNT", (first + settings.len()).to_string());
    for (n, (key, value)) in settings.iter().enumerate() {
        let n = first + n;
        command
            .env(format!("GIT_CONFIG_KEY_{n}"), key)
            .env(format!("GIT_CONFIG_VALUE_{n}"), value);
    }
    let known_hosts = known_hosts(auth)?;
    if let Some(file) = &known_hosts {
        let path = file.path().to_string_lossy().into_owned();
        command.env(
            "GIT_SSH_COMMAND",
            format!("ssh -o BatchMode=yes -o UserKnownHostsFile='{path}'"),
        );
    }
    if let Some(socket) = &auth.ssh_socket {
        command.env("SSH_AUTH_SOCK", socket);
    }
    if let Some(dir) = dir {
        command.current_dir(dir);
    }
    let output = command
        .args(args)
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| eyre!("cannot run `git`: {error}; install git"))?;
    if !output.status.success() {
        let said = cause(&String::from_utf8_lossy(&output.stderr));
        bail!("git {}: {said}", args.first().copied().unwrap_or_default());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What git and ssh said, in one line, with the next step where it is known.
fn cause(stderr: &str) -> String {
    let advice = [
        "Please make sure you have",
        "and the repository exists",
        "hint: ",
    ];
    let mut said = stderr
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !advice.iter().any(|words| line.starts_with(words)))
        .map(|line| line.strip_prefix("fatal: ").unwrap_or(line))
        .collect::<Vec<_>>()
        .join("; ");
    let refusals = [
        "could not read Username",
        "could not read Password",
        "Authentication failed",
        "Permission denied (",
    ];
    if refusals.iter().any(|words| said.contains(words)) {
        said.push_str(
            "; give git the right credentials: by a credential helper, ~/.netrc or an ssh key",
        );
    }
    said
}

fn known_hosts(auth: &Auth) -> Result<Option<tempfile::NamedTempFile>> {
    if auth.ssh_known_hosts.is_empty() {
        return Ok(None);
    }
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), &auth.ssh_known_hosts)?;
    Ok(Some(file))
}

/// Reads `git ls-remote --symref`.
fn parse_refs(text: &str) -> Vec<(String, String)> {
    text.lines()
        .filter_map(|line| {
            let (left, name) = line.split_once('\t')?;
            Some(match left.strip_prefix("ref: ") {
                Some(target) => (format!("{name}→"), target.to_owned()),
                None => (name.to_owned(), left.to_owned()),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_one_line() {
        let stderr = "ssh: connect to host git.test port 22: Connection refused\n\
            fatal: Could not read from remote repository.\n\n\
            Please make sure you have the correct access rights\nand the repository exists.\n";
        assert_eq!(
            cause(stderr),
            "ssh: connect to host git.test port 22: Connection refused; Could not read from remote repository."
        );
        let refused = cause(
            "fatal: could not read Username for 'https://git.test': terminal prompts disabled\n",
        );
        assert!(refused.contains("credential helper"), "{refused}");
    }

    #[test]
    fn the_target_of_head_is_told_apart_from_its_commit() {
        let refs = parse_refs("ref: refs/heads/main\tHEAD\nabc\tHEAD\nabc\trefs/heads/main\n");
        assert_eq!(refs[0], ("HEAD→".to_owned(), "refs/heads/main".to_owned()));
        assert_eq!(refs[1], ("HEAD".to_owned(), "abc".to_owned()));
    }
}
