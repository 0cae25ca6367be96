//! What a module is called by: a path, a name in `dagger.json`, a git reference.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use eyre::{Result, WrapErr, bail};

use super::config::{self, Config, Dependency};
use crate::graph::Engine;
use crate::graph::engine::clean;
use crate::graph::git::{Auth, git};
use crate::store::Hasher;

/// Directory of the module that `reference` means, seen from `base`.
pub async fn resolve(engine: &Arc<Engine>, reference: &str, base: &Path) -> Result<PathBuf> {
    let path = clean(&base.join(reference));
    if path.join(config::FILE).is_file() {
        return Ok(path);
    }
    if let Some(dir) = config::find_up(base, config::FILE)
        && let Some(dependency) = Config::read(&dir)?.related(reference)
    {
        return dependency_dir(engine, dependency, &dir).await;
    }
    if let Some(git) = GitReference::parse(reference) {
        return git.checkout(engine, "").await;
    }
    let looks_like_path = reference.starts_with(['.', '/']);
    if path.exists() && looks_like_path {
        bail!(
            "module `{reference}` does not exist: there is no {} in `{}`",
            config::FILE,
            path.display()
        );
    }
    bail!(
        "module `{reference}` does not exist: no function, dependency or directory with a {} has that name",
        config::FILE
    )
}

/// Directory of a dependency named in the `dagger.json` of `dir`.
pub async fn dependency_dir(
    engine: &Arc<Engine>,
    dependency: &Dependency,
    dir: &Path,
) -> Result<PathBuf> {
    if let Some(git) = GitReference::parse(&dependency.source) {
        return git.checkout(engine, &dependency.pin).await;
    }
    let path = clean(&dir.join(&dependency.source));
    if !path.join(config::FILE).is_file() {
        bail!(
            "dependency `{}` of `{}`: there is no {} in `{}`",
            dependency.name,
            dir.join(config::FILE).display(),
            config::FILE,
            path.display()
        );
    }
    Ok(path)
}

/// `https://host/group/repo.git/sub/dir@version` and its other spellings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitReference {
    pub url: String,
    pub subdir: String,
    pub version: String,
}

impl GitReference {
    /// Nothing if the text is no git reference.
    pub fn parse(text: &str) -> Option<Self> {
        // The `@` of a user (`git@host:…`, `ssh://git@host/…`) is no version.
        let host = if text.starts_with("git@") {
            "git@".len()
        } else {
            text.find("://").map_or(0, |at| at + "://".len())
        };
        let path = text[host..].find('/').map_or(text.len(), |at| host + at);
        let (place, version) = match text[path..].rfind('@') {
            Some(at) => (&text[..path + at], &text[path + at + 1..]),
            None => (text, ""),
        };
        let has_scheme = ["https://", "http://", "ssh://", "git://", "file://"]
            .iter()
            .any(|s| place.starts_with(s));
        let is_scp = place.starts_with("git@") && place.contains(':');
        let is_host = place
            .split('/')
            .next()
            .is_some_and(|host| host.contains('.') && !host.starts_with('.'))
            && place.contains('/');
        if !(has_scheme || is_scp || is_host) {
            return None;
        }
        let (url, subdir) = match place.find(".git/") {
            Some(at) => (&place[..at + 4], &place[at + 5..]),
            None if place.ends_with(".git") => (place, ""),
            None => split_repository(place),
        };
        let url = if has_scheme || is_scp {
            url.to_owned()
        } else {
            format!("https://{url}")
        };
        Some(Self {
            url,
            subdir: subdir.trim_matches('/').to_owned(),
            version: version.to_owned(),
        })
    }

    /// A directory with the files of the pinned commit, or of the version.
    pub async fn checkout(&self, engine: &Arc<Engine>, pin: &str) -> Result<PathBuf> {
        let commit = if pin.is_empty() {
            self.commit().await?
        } else {
            pin.to_owned()
        };
        let key = Hasher::new("module-git-1")
            .with(&self.url)
            .with(&commit)
            .digest();
        let dir = engine
            .store
            .root()
            .join("git-modules")
            .join(&key.hex()[..32]);
        if !dir.exists() {
            let _lock = engine
                .store
                .lock(&format!("git-module-{}", key.hex()))
                .await?;
            if !dir.exists() {
                self.clone_into(engine, &commit, &dir).await?;
            }
        }
        let module = dir.join(&self.subdir);
        if !module.join(config::FILE).is_file() {
            bail!(
                "`{}` has no {} in `{}` at {commit}",
                self.url,
                config::FILE,
                self.subdir
            );
        }
        Ok(module)
    }

    async fn clone_into(&self, engine: &Arc<Engine>, commit: &str, dir: &Path) -> Result<()> {
        let span = engine.progress.start(format!("git clone {}", self.url));
        let temp = engine.store.temp_dir()?;
        let work = temp.path().join("clone");
        let path = work.to_string_lossy().into_owned();
        git(
            &["clone", "-q", "--no-checkout", "--", &self.url, &path],
            None,
            &Auth::default(),
        )
        .await
        .wrap_err_with(|| format!("cannot get module from `{}`", self.url))?;
        git(
            &["checkout", "-q", "--detach", commit],
            Some(&work),
            &Auth::default(),
        )
        .await?;
        if let Some(parent) = dir.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::rename(&work, dir).wrap_err_with(|| format!("cannot keep `{}`", dir.display()))?;
        span.finish();
        Ok(())
    }

    /// The commit that the version stands for. A version `v1.2.3` is also found
    /// as the tag `sub/dir/v1.2.3`, as in a repository of many modules.
    pub async fn commit(&self) -> Result<String> {
        let refs = git(&["ls-remote", "--", &self.url], None, &Auth::default())
            .await
            .wrap_err_with(|| format!("cannot get module from `{}`", self.url))?;
        let find = |name: &str| {
            let of = |wanted: &str| {
                refs.lines()
                    .filter_map(|line| line.split_once('\t'))
                    .find(|(_, found)| *found == wanted)
            };
            of(&format!("{name}^{{}}"))
                .or_else(|| of(name))
                .map(|(commit, _)| commit.to_owned())
        };
        let version = &self.version;
        let names = if version.is_empty() {
            vec!["HEAD".to_owned()]
        } else {
            vec![
                format!("refs/tags/{}/{version}", self.subdir),
                format!("refs/tags/{version}"),
                format!("refs/heads/{version}"),
                version.clone(),
            ]
        };
        if let Some(commit) = names.iter().find_map(|name| find(name)) {
            return Ok(commit);
        }
        if version.len() == 40 && version.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(version.clone());
        }
        bail!(
            "`{}` has no version `{version}`: no tag, branch or commit is called so",
            self.url
        )
    }
}

/// Without `.git` in it: `host/owner/repo` is the repository on the well-known
/// hosts, elsewhere everything up to the last part that git answers for is; the
/// first three parts are the usual case.
fn split_repository(place: &str) -> (&str, &str) {
    let scheme = place.find("://").map_or(0, |at| at + 3);
    if place.starts_with("file://") {
        return file_repository(place);
    }
    let mut slashes = place[scheme..]
        .match_indices('/')
        .map(|(at, _)| scheme + at);
    match slashes.nth(2) {
        Some(at) => (&place[..at], &place[at + 1..]),
        None => (place, ""),
    }
}

/// The longest leading part of a `file://` address that is a repository.
fn file_repository(place: &str) -> (&str, &str) {
    let path = place.trim_start_matches("file://");
    let repository = Path::new(path).ancestors().find(|dir| {
        dir.join(".git").exists() || (dir.join("HEAD").exists() && dir.join("objects").exists())
    });
    match repository.and_then(Path::to_str) {
        Some(found) => place.split_at("file://".len() + found.len()),
        None => (place, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_references_are_read() {
        for (text, url, subdir, version) in [
            (
                "https://example.com/g/r.git/modules/a@v1",
                "https://example.com/g/r.git",
                "modules/a",
                "v1",
            ),
            (
                "example.com/o/r/modules/a",
                "https://example.com/o/r",
                "modules/a",
                "",
            ),
            (
                "git@example.com:o/r.git/m@main",
                "git@example.com:o/r.git",
                "m",
                "main",
            ),
            ("git@example.com:o/r.git", "git@example.com:o/r.git", "", ""),
            (
                "ssh://git@example.com/o/r.git/m",
                "ssh://git@example.com/o/r.git",
                "m",
                "",
            ),
            (
                "ssh://git@example.com/o/r.git@x",
                "ssh://git@example.com/o/r.git",
                "",
                "x",
            ),
        ] {
            let (url, subdir, version) = (url.to_owned(), subdir.to_owned(), version.to_owned());
            assert_eq!(
                GitReference::parse(text),
                Some(GitReference {
                    url,
                    subdir,
                    version
                }),
                "{text}"
            );
        }
    }

    #[test]
    fn paths_and_names_are_no_git_references() {
        for text in ["./a/b", "../x.y/z", "name", "a/b", "/abs/p.q/r"] {
            assert_eq!(GitReference::parse(text), None, "{text}");
        }
    }
}
