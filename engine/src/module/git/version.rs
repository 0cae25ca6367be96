//! The commit that a version stands for now.

use eyre::{Result, WrapErr, bail};

use super::Reference;
use crate::graph::git::{Auth, git};

/// A version that was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its name in full: that of the tag, branch or commit.
    pub name: String,
    pub commit: String,
    /// It is a tag or a commit, which are not meant to move.
    pub stays: bool,
}

/// Asks the repository.
///
/// # Errors
/// With git's own words when it does not answer; when there is no such version.
pub async fn find(reference: &Reference) -> Result<Found> {
    let url = reference.url();
    let refs = git(
        &["ls-remote", "--symref", "--", &url],
        None,
        &Auth::default(),
    )
    .await
    .wrap_err_with(|| format!("cannot get module from `{url}`"))?;
    if let Some(found) = among(&refs, reference) {
        return Ok(found);
    }
    let Some(version) = &reference.version else {
        bail!("repository `{url}` is empty: it has no default branch");
    };
    let kind = if is_semantic(version) {
        "tag"
    } else {
        "tag, branch or commit"
    };
    bail!("repository `{url}` has no {kind} `{version}`")
}

/// A version `v1.2.3` is a tag, first that of the module (`sub/dir/v1.2.3`).
/// Everything else is a tag, branch or commit of just that name.
fn among(refs: &str, reference: &Reference) -> Option<Found> {
    let lines = || refs.lines().filter_map(|line| line.split_once('\t'));
    let of = |name: &str| {
        let commits = lines().filter(|(left, _)| !left.starts_with("ref: "));
        let commit = |wanted: &str| commits.clone().find(|(_, found)| *found == wanted);
        // An annotated tag stands for the commit behind it.
        let (commit, _) = commit(&format!("{name}^{{}}")).or_else(|| commit(name))?;
        Some(commit.to_owned())
    };
    let named = |prefix: &str, name: String| {
        let full = format!("{prefix}{name}");
        let (commit, stays) = (of(&full)?, full.starts_with("refs/tags/"));
        Some(Found {
            name,
            commit,
            stays,
        })
    };
    let tag = |name: String| named("refs/tags/", name);
    let branch = |name: String| named("refs/heads/", name);
    let Some(version) = &reference.version else {
        let head = lines().find(|(target, name)| *name == "HEAD" && target.starts_with("ref: "));
        let head = head.and_then(|(target, _)| target.strip_prefix("ref: refs/heads/"));
        let commit = of("HEAD")?;
        let name = head.map_or_else(|| commit.clone(), str::to_owned);
        return Some(Found {
            name,
            commit,
            stays: false,
        });
    };
    if is_semantic(version) {
        let own = format!("{}/{version}", reference.subdir);
        return tag(own).or_else(|| tag(version.clone()));
    }
    if is_commit(version) {
        let (name, commit) = (version.clone(), version.clone());
        return Some(Found {
            name,
            commit,
            stays: true,
        });
    }
    tag(version.clone())
        .or_else(|| branch(version.clone()))
        .or_else(|| named("", version.clone()).filter(|found| found.name.starts_with("refs/")))
}

/// A commit in full.
pub fn is_commit(version: &str) -> bool {
    version.len() == 40 && version.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `v1`, `v1.2`, `v1.2.3-rc.1+build`: what Go takes for a semantic version.
pub fn is_semantic(version: &str) -> bool {
    let Some(rest) = version.strip_prefix('v') else {
        return false;
    };
    let core_end = rest.find(['-', '+']).unwrap_or(rest.len());
    let (core, more) = rest.split_at(core_end);
    let numbers: Vec<&str> = core.split('.').collect();
    let is_number = |text: &&str| {
        !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_digit())
            && (text.len() == 1 || !text.starts_with('0'))
    };
    let is_more = |text: &str| {
        text.split(['.', '-', '+'])
            .all(|part| part.bytes().all(|b| b.is_ascii_alphanumeric()))
    };
    numbers.len() <= 3
        && numbers.iter().all(is_number)
        && (more.is_empty() || numbers.len() == 3 && more.len() > 1 && is_more(more))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFS: &str = "ref: refs/heads/main\tHEAD\n\
        aaa\tHEAD\n\
        aaa\trefs/heads/main\n\
        bbb\trefs/heads/v1\n\
        ccc\trefs/tags/v1\n\
        ddd\trefs/tags/v1^{}\n\
        eee\trefs/tags/sub/v1\n\
        fff\trefs/tags/sub/stable\n\
        abc\trefs/heads/feature/x\n";

    #[track_caller]
    fn finds(subdir: &str, version: Option<&str>, want: Option<(&str, &str)>) {
        let reference = Reference {
            repository: "r.git".into(),
            subdir: subdir.into(),
            version: version.map(str::to_owned),
        };
        let found = among(REFS, &reference);
        let found = found
            .as_ref()
            .map(|found| (found.name.as_str(), found.commit.as_str()));
        assert_eq!(found, want);
    }

    #[test]
    fn no_version_is_the_default_branch() {
        finds("", None, Some(("main", "aaa")));
    }

    #[test]
    fn a_semantic_version_is_the_modules_tag_or_the_repositorys() {
        finds("sub", Some("v1"), Some(("sub/v1", "eee")));
        finds("other", Some("v1"), Some(("v1", "ddd")));
        finds("", Some("v1"), Some(("v1", "ddd")));
        finds("", Some("v2"), None);
    }

    #[test]
    fn any_other_version_is_a_tag_branch_or_commit_by_its_own_name() {
        finds("sub", Some("sub/v1"), Some(("sub/v1", "eee")));
        finds("sub", Some("feature/x"), Some(("feature/x", "abc")));
        finds("sub", Some("stable"), None);
        finds("sub", Some("HEAD^{}"), None);
        let commit = "0123456789012345678901234567890123456789";
        finds("", Some(commit), Some((commit, commit)));
    }

    #[test]
    fn semantic_versions_are_those_of_go() {
        for version in ["v1", "v1.2", "v1.2.3", "v0.0.0-rc.1+build.5"] {
            assert!(is_semantic(version), "{version}");
        }
        for version in [
            "1.2.3", "v", "v1.", "v01.2.3", "v1.2-rc", "v1.2.3-", "vnext", "v1.2.3.4",
        ] {
            assert!(!is_semantic(version), "{version}");
        }
    }
}
