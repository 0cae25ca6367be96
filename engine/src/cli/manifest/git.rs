//! References to modules in git repositories, resolved with the `git` program.

use std::path::Path;
use std::process::Command;

use crate::client::Failure;

/// Hosts whose repositories are `host/owner/name`.
const KNOWN_HOSTS: &[&str] = &["github.com", "gitlab.com", "bitbucket.org", "codeberg.org"];

/// A reference taken apart: `host/owner/repo.git/sub/path@version`.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// What `git` is given.
    pub url: String,
    /// Folder of the module; empty is the root.
    pub subpath: String,
    /// Tag, branch or commit.
    pub version: Option<String>,
}

/// A reference that was looked up.
#[derive(Clone, Debug)]
pub struct Resolved {
    pub url: String,
    pub subpath: String,
    /// The commit.
    pub pin: String,
}

/// Whether a reference means a git repository and no local path.
pub fn is_git(reference: &str, dir: &Path) -> bool {
    if reference.contains("://") || reference.starts_with("git@") {
        return true;
    }
    let host = reference.split('/').next().unwrap_or_default();
    !reference.starts_with('.')
        && host.contains('.')
        && reference.contains('/')
        && !dir.join(reference).exists()
}

impl Reference {
    /// # Errors
    /// When it cannot be told where the repository ends.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let user_end = if text.starts_with("git@") {
            4
        } else {
            text.find("://").map_or(0, |at| at + 3)
        };
        // A user name in a URL ends before the first slash.
        let first_slash = text[user_end..]
            .find('/')
            .map_or(text.len(), |at| user_end + at);
        let (location, version) = match text[first_slash..].rfind('@') {
            Some(at) => (
                &text[..first_slash + at],
                Some(text[first_slash + at + 1..].to_owned()),
            ),
            None => (text, None),
        };
        let location = location.trim_end_matches('/');
        let (root, subpath) = match location.find(".git/") {
            Some(at) => (&location[..at + 4], &location[at + 5..]),
            None if location.ends_with(".git") => (location, ""),
            None => Self::split_known_host(location)?,
        };
        let has_scheme = root.contains("://") || root.starts_with("git@");
        let url = if has_scheme {
            root.to_owned()
        } else {
            format!("https://{root}")
        };
        Ok(Self {
            url,
            subpath: subpath.trim_matches('/').to_owned(),
            version: version.filter(|v| !v.is_empty()),
        })
    }

    fn split_known_host(location: &str) -> Result<(&str, &str), Failure> {
        let host_start = location.find("://").map_or(0, |at| at + 3);
        let rest = &location[host_start..];
        if !KNOWN_HOSTS
            .iter()
            .any(|host| rest.starts_with(&format!("{host}/")))
        {
            let message = format!("cannot tell where the repository ends in `{location}`");
            return Err(Failure::new(format!(
                "{message}: write its name with `.git`"
            )));
        }
        let end = rest
            .match_indices('/')
            .nth(2)
            .map_or(location.len(), |(at, _)| host_start + at);
        Ok((&location[..end], location[end..].trim_start_matches('/')))
    }
}

/// Looks a reference up; the commit is what its version means now.
///
/// # Errors
/// With git's own words when the repository cannot be reached.
pub fn resolve(reference: &Reference) -> Result<Resolved, Failure> {
    let refs = git(&["ls-remote", &reference.url], None)?;
    let pin = commit(&refs, reference).ok_or_else(|| {
        let version = reference.version.as_deref().unwrap_or("HEAD");
        Failure::new(format!(
            "`{}` has no tag, branch or commit `{version}`",
            reference.url
        ))
    })?;
    Ok(Resolved {
        url: reference.url.clone(),
        subpath: reference.subpath.clone(),
        pin,
    })
}

fn commit(refs: &str, reference: &Reference) -> Option<String> {
    let find = |name: &str| {
        let mut lines = refs.lines().filter_map(|line| line.split_once('\t'));
        lines
            .find(|(_, found)| *found == name)
            .map(|(hash, _)| hash.to_owned())
    };
    let Some(version) = &reference.version else {
        return find("HEAD");
    };
    let subpath = &reference.subpath;
    let names = [
        format!("refs/tags/{subpath}/{version}"),
        format!("refs/tags/{version}"),
        format!("refs/heads/{version}"),
        version.clone(),
    ];
    // An annotated tag stands for the commit behind it.
    let named = names
        .iter()
        .find_map(|name| find(&format!("{name}^{{}}")).or_else(|| find(name)));
    let is_commit = version.len() == 40 && version.bytes().all(|b| b.is_ascii_hexdigit());
    named.or_else(|| is_commit.then(|| version.clone()))
}

/// Files of a commit, given by their paths in the repository; none for those
/// that are not there.
pub fn files(resolved: &Resolved, paths: &[String]) -> Result<Vec<Option<String>>, Failure> {
    let dir = tempfile::tempdir()?;
    let dir = dir.path();
    git(&["init", "-q", "."], Some(dir))?;
    git(
        &["fetch", "-q", "--depth", "1", &resolved.url, &resolved.pin],
        Some(dir),
    )?;
    Ok(paths
        .iter()
        .map(|path| git(&["show", &format!("FETCH_HEAD:{path}")], Some(dir)).ok())
        .collect())
}

fn git(args: &[&str], dir: Option<&Path>) -> Result<String, Failure> {
    let mut command = Command::new("git");
    command
        .args(args)
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(std::process::Stdio::null());
    if let Some(dir) = dir {
        command
            .current_dir(dir)
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE");
    }
    let output = command
        .output()
        .map_err(|e| Failure::new(format!("cannot run `git`: {e}")))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::new(format!(
            "`git {}` failed: {}",
            args[0],
            text.trim()
        )));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_taken_apart() {
        let cases = [
            ("github.com/o/r", "https://github.com/o/r", "", None),
            (
                "github.com/o/r/sub/x@v1.2.0",
                "https://github.com/o/r",
                "sub/x",
                Some("v1.2.0"),
            ),
            (
                "https://git.test/g/s/r.git/m/lab@main",
                "https://git.test/g/s/r.git",
                "m/lab",
                Some("main"),
            ),
            (
                "git@git.test:g/r.git@feature/x",
                "git@git.test:g/r.git",
                "",
                Some("feature/x"),
            ),
            (
                "https://user@git.test/r.git",
                "https://user@git.test/r.git",
                "",
                None,
            ),
            (
                "ssh://git@git.test/r.git/sub",
                "ssh://git@git.test/r.git",
                "sub",
                None,
            ),
        ];
        for (text, url, subpath, version) in cases {
            let want = Reference {
                url: url.into(),
                subpath: subpath.into(),
                version: version.map(str::to_owned),
            };
            assert_eq!(Reference::parse(text).expect(text), want);
        }
        assert!(Reference::parse("https://git.test/g/r/sub").is_err());
    }

    #[test]
    fn versions_are_tags_of_the_module_then_tags_then_branches() {
        let refs = "aaa\tHEAD\nbbb\trefs/heads/v1\nccc\trefs/tags/v1\nddd\trefs/tags/v1^{}\neee\trefs/tags/sub/v1\n";
        let commit = |subpath: &str, version: Option<&str>| {
            let version = version.map(str::to_owned);
            commit(
                refs,
                &Reference {
                    url: String::new(),
                    subpath: subpath.into(),
                    version,
                },
            )
        };
        assert_eq!(commit("", None).as_deref(), Some("aaa"));
        assert_eq!(commit("", Some("v1")).as_deref(), Some("ddd"));
        assert_eq!(commit("sub", Some("v1")).as_deref(), Some("eee"));
        assert_eq!(commit("", Some("v2")), None);
        let hash = "0123456789012345678901234567890123456789";
        assert_eq!(commit("", Some(hash)).as_deref(), Some(hash));
    }
}
