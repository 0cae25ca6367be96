//! The grammar: `[scheme://][user@]host/path/repository[.git][/directory][@version]`.

use std::fmt;
use std::path::{Component, Path};

use eyre::{Result, bail};

use crate::credentials;

/// What a reference may begin with. Dagger knows no `file://`, and `git://` only
/// in its later versions.
const SCHEMES: [&str; 5] = ["http://", "https://", "ssh://", "git://", "file://"];

/// Hosts whose repositories are `host/owner/name`. Elsewhere `.git` tells where
/// the repository ends.
const KNOWN_HOSTS: [&str; 4] = ["github.com", "gitlab.com", "bitbucket.org", "codeberg.org"];

/// A module in a git repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The repository, as it was written.
    pub repository: String,
    /// Directory of the module in it; empty is the root.
    pub subdir: String,
    /// Tag, branch or commit; none is the default branch.
    pub version: Option<String>,
}

impl Reference {
    /// Takes `text` apart, which stands in the directory `base`; none if it is a
    /// local path or a name.
    ///
    /// # Errors
    /// When it is a reference, and cannot be told apart or used.
    pub fn read(text: &str, base: &Path) -> Result<Option<Self>> {
        let has_scheme = SCHEMES.iter().any(|scheme| text.starts_with(scheme));
        let is_git = has_scheme || is_scp(text) || names_host(text) && !base.join(text).is_dir();
        if is_git {
            Self::parse(text).map(Some)
        } else {
            Ok(None)
        }
    }

    /// # Errors
    /// When it cannot be told where the repository ends, the directory leads out
    /// of it, or there is a password in it.
    pub fn parse(text: &str) -> Result<Self> {
        if credentials::are_in(text) {
            bail!(
                "the address `{}` holds a password: leave it out, and give it to git (see `git help credentials`)",
                credentials::hidden(text)
            );
        }
        // The `@` of a user comes before the path.
        let host = text.find("://").map_or(0, |at| at + "://".len());
        let path = if is_scp(text) {
            text.find(':')
        } else {
            text[host..].find('/').map(|at| host + at)
        };
        let path = path.unwrap_or(text.len());
        let (place, version) = match text[path..].find('@') {
            Some(at) => (&text[..path + at], Some(&text[path + at + 1..])),
            None => (text, None),
        };
        if version == Some("") {
            bail!("there is no version after the `@` of `{text}`");
        }
        let place = place.trim_end_matches('/');
        if place.len() <= host {
            bail!("there is no repository in `{text}`");
        }
        let (repository, subdir) = match place.find(".git/") {
            Some(at) => place.split_at(at + ".git".len()),
            None if place.ends_with(".git") => (place, ""),
            None if place.starts_with("file://") => on_disk(place),
            None => on_known_host(place, host)?,
        };
        Ok(Self {
            repository: repository.to_owned(),
            subdir: inside(subdir, text)?,
            version: version.map(str::to_owned),
        })
    }

    /// What `git` is given.
    pub fn url(&self) -> String {
        let Self { repository, .. } = self;
        match repository.strip_prefix("ssh://") {
            Some(rest)
                if !rest
                    .split('/')
                    .next()
                    .is_some_and(|host| host.contains('@')) =>
            {
                format!("ssh://git@{rest}")
            }
            None if !repository.contains("://") && !is_scp(repository) => {
                format!("https://{repository}")
            }
            _ => repository.clone(),
        }
    }

    /// The module whatever its version: two of the same are one module.
    pub fn module(&self) -> String {
        match self.subdir.as_str() {
            "" => self.repository.clone(),
            subdir => format!("{}/{subdir}", self.repository),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.module())?;
        match &self.version {
            Some(version) => write!(f, "@{version}"),
            None => Ok(()),
        }
    }
}

/// `[user@]host:path`, as `ssh` and `scp` write it.
fn is_scp(text: &str) -> bool {
    let before = text.split('/').next().unwrap_or(text);
    let host = before.split_once(':').map(|(host, _)| host);
    !text.contains("//") && host.is_some_and(|host| host.contains('.') || host.contains('@'))
}

/// Whether the first part is a host's name: it has a dot, and something follows.
fn names_host(text: &str) -> bool {
    text.split_once('/')
        .is_some_and(|(host, _)| host.contains('.') && !host.starts_with('.'))
}

/// The repository on a host that is known for `host/owner/name`.
fn on_known_host(place: &str, host: usize) -> Result<(&str, &str)> {
    let name = place[host..].rsplit('@').next().unwrap_or_default();
    let known = KNOWN_HOSTS.iter().any(|known| {
        let rest = name.strip_prefix(known);
        rest.is_some_and(|rest| rest.starts_with(['/', ':']))
    });
    if !known {
        bail!(
            "cannot tell where the repository ends in `{place}`: end its name with `.git`, as in `host/group/name.git/directory`"
        );
    }
    let slashes = if is_scp(place) { 1 } else { 2 };
    let end = place[host..].match_indices('/').nth(slashes);
    Ok(place.split_at(end.map_or(place.len(), |(at, _)| host + at)))
}

/// The longest beginning of a `file://` address that is a repository.
fn on_disk(place: &str) -> (&str, &str) {
    let path = place.strip_prefix("file://").unwrap_or(place);
    let repository = Path::new(path).ancestors().find(|dir| {
        dir.join(".git").exists() || dir.join("HEAD").exists() && dir.join("objects").exists()
    });
    match repository.and_then(Path::to_str) {
        Some(found) => place.split_at("file://".len() + found.len()),
        None => (place, ""),
    }
}

/// The directory without `.` and `..`.
fn inside(subdir: &str, text: &str) -> Result<String> {
    let mut parts = Vec::new();
    for part in Path::new(subdir).components() {
        match part {
            Component::Normal(part) => parts.push(part.to_string_lossy()),
            Component::ParentDir if parts.pop().is_none() => {
                bail!("`{text}` leads out of its repository")
            }
            _ => {}
        }
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Reference>> {
        Reference::read(text, Path::new("/nowhere"))
    }

    #[test]
    fn references_are_taken_apart() {
        for (text, repository, subdir, version, url) in [
            (
                "github.com/o/r",
                "github.com/o/r",
                "",
                None,
                "https://github.com/o/r",
            ),
            (
                "github.com/o/r/sub/x@v1.2.0",
                "github.com/o/r",
                "sub/x",
                Some("v1.2.0"),
                "https://github.com/o/r",
            ),
            (
                "https://git.test/g/s/r.git/m/lab@main",
                "https://git.test/g/s/r.git",
                "m/lab",
                Some("main"),
                "https://git.test/g/s/r.git",
            ),
            (
                "git.test/g/r.git/m",
                "git.test/g/r.git",
                "m",
                None,
                "https://git.test/g/r.git",
            ),
            (
                "http://git.test:8080/r.git",
                "http://git.test:8080/r.git",
                "",
                None,
                "http://git.test:8080/r.git",
            ),
            (
                "git@git.test:g/r.git/m@feature/x",
                "git@git.test:g/r.git",
                "m",
                Some("feature/x"),
                "git@git.test:g/r.git",
            ),
            (
                "git@github.com:o/r/m@v1",
                "git@github.com:o/r",
                "m",
                Some("v1"),
                "git@github.com:o/r",
            ),
            (
                "https://user@git.test/r.git",
                "https://user@git.test/r.git",
                "",
                None,
                "https://user@git.test/r.git",
            ),
            (
                "ssh://git@git.test:22/r.git/sub@m/lab/v1",
                "ssh://git@git.test:22/r.git",
                "sub",
                Some("m/lab/v1"),
                "ssh://git@git.test:22/r.git",
            ),
            (
                "ssh://git.test/r.git",
                "ssh://git.test/r.git",
                "",
                None,
                "ssh://git@git.test/r.git",
            ),
            (
                "file:///srv/r.git/a/../b/@v1",
                "file:///srv/r.git",
                "b",
                Some("v1"),
                "file:///srv/r.git",
            ),
        ] {
            let found = read(text).expect(text).expect(text);
            let version = version.map(str::to_owned);
            assert_eq!(
                (
                    found.repository.as_str(),
                    found.subdir.as_str(),
                    &found.version
                ),
                (repository, subdir, &version),
                "{text}"
            );
            assert_eq!(found.url(), url, "{text}");
        }
    }

    #[test]
    fn a_reference_is_written_as_it_was_typed() {
        for text in [
            "github.com/o/r/sub@v1",
            "git@git.test:g/r.git",
            "ssh://git.test/r.git/a/b@c/d",
        ] {
            assert_eq!(read(text).expect(text).expect(text).to_string(), text);
        }
    }

    #[test]
    fn paths_and_names_are_no_references() {
        for text in [
            "./a/b",
            "../x.y/z",
            "name",
            "a/b",
            "/abs/p.q/r",
            ".",
            "config@v1",
            "./a@v1.0",
        ] {
            assert_eq!(read(text).expect(text), None, "{text}");
        }
    }

    #[test]
    fn a_directory_that_looks_like_a_host_is_a_directory() {
        let base = tempfile::tempdir().expect("a directory");
        std::fs::create_dir_all(base.path().join("a.b/c")).expect("made");
        assert_eq!(Reference::read("a.b/c", base.path()).expect("reads"), None);
    }

    #[test]
    fn what_cannot_be_told_apart_is_refused() {
        for (text, word) in [
            ("https://git.test/g/r/sub", "`.git`"),
            ("git.test/g/r", "`.git`"),
            ("https://git.test/r.git/../x", "leads out"),
            ("https://git.test/r.git@", "no version"),
            ("file://", "no repository"),
            ("https:///", "no repository"),
        ] {
            let error = read(text).expect_err(text).to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn a_password_is_refused_and_not_told() {
        let error = read("https://u:pa55@git.test/r.git@v1").expect_err("refused");
        assert!(error.to_string().contains("password"), "{error}");
        assert!(!error.to_string().contains("pa55"), "{error}");
    }
}
