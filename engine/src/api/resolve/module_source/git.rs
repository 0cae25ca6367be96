//! What is known of a module source that is a commit, and where to look at it.

use eyre::{Result, bail};

use super::super::unsupported;
use crate::graph::node::Answer;
use crate::module::git::Reference;
use crate::module::git::version::Found;
use crate::module::origin::{ModuleSource, Place};

pub fn resolve(this: &ModuleSource, field: &str) -> Result<Answer> {
    let Place::Git(reference, found) = &this.place else {
        return Ok(match field {
            "commit" | "htmlRepoURL" | "pin" | "version" => "".into(),
            "cloneRef" | "htmlURL" | "repoRootPath" => bail!(
                "module source `{}` is not from git: it has no `{field}`",
                this.name()
            ),
            _ => unsupported("ModuleSource", field)?,
        });
    };
    Ok(match field {
        "cloneRef" => reference.repository.clone().into(),
        "commit" | "pin" => found.commit.clone().into(),
        "htmlRepoURL" => page(&reference.repository).into(),
        "htmlURL" => page_of(&page(&reference.repository), &found.commit, &this.root).into(),
        "repoRootPath" => root(&reference.repository).into(),
        "version" => short(&found.name).into(),
        _ => unsupported("ModuleSource", field)?,
    })
}

/// The reference that means just this.
pub fn address(this: &ModuleSource, reference: &Reference, found: &Found) -> Reference {
    Reference {
        subdir: this.root.clone(),
        version: Some(short(&found.name).to_owned()),
        ..reference.clone()
    }
}

fn short(name: &str) -> &str {
    let branch = name.strip_prefix("refs/heads/");
    branch
        .or_else(|| name.strip_prefix("refs/tags/"))
        .unwrap_or(name)
}

/// The repository without scheme, user and port; `:` stays after the host where
/// it is written in ssh's way.
fn root(repository: &str) -> String {
    let Some((_, rest)) = repository.split_once("://") else {
        let rest = repository
            .split_once('@')
            .map_or(repository, |(_, rest)| rest);
        return rest.to_owned();
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.rsplit('@').next().unwrap_or(host);
    let host = host.split(':').next().unwrap_or(host);
    format!("{host}/{path}")
}

/// Where a browser finds the repository; empty for one on this machine.
fn page(repository: &str) -> String {
    if repository.starts_with("file:") {
        return String::new();
    }
    let root = root(repository).replacen(':', "/", 1);
    format!("https://{}", root.strip_suffix(".git").unwrap_or(&root))
}

/// Where it finds a directory of a commit, as the host's pages have it.
fn page_of(page: &str, commit: &str, dir: &str) -> String {
    if page.is_empty() {
        return String::new();
    }
    let host = page.trim_start_matches("https://").split('/').next();
    let below = match dir {
        "" => String::new(),
        dir => format!("/{dir}"),
    };
    match host {
        Some("github.com" | "gitlab.com") => format!("{page}/tree/{commit}{below}"),
        Some("dev.azure.com") if dir.is_empty() => format!("{page}/commit/{commit}"),
        Some("dev.azure.com") => format!("{page}/commit/{commit}?path={below}"),
        _ => format!("{page}/src/{commit}{below}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_has_a_path_and_a_page_however_it_is_written() {
        for (repository, path, want) in [
            ("github.com/o/r", "github.com/o/r", "https://github.com/o/r"),
            (
                "https://git.test/g/r.git",
                "git.test/g/r.git",
                "https://git.test/g/r",
            ),
            (
                "git@github.com:o/r",
                "github.com:o/r",
                "https://github.com/o/r",
            ),
            (
                "ssh://git@git.test:22/r.git",
                "git.test/r.git",
                "https://git.test/r",
            ),
        ] {
            assert_eq!(
                (root(repository).as_str(), page(repository).as_str()),
                (path, want)
            );
        }
        assert_eq!(page("file:///srv/r"), "");
    }

    #[test]
    fn the_page_of_a_directory_is_as_its_host_has_it() {
        for (page, dir, want) in [
            (
                "https://github.com/o/r",
                "a/b",
                "https://github.com/o/r/tree/c0/a/b",
            ),
            (
                "https://gitlab.com/o/r",
                "",
                "https://gitlab.com/o/r/tree/c0",
            ),
            ("https://git.test/r", "a", "https://git.test/r/src/c0/a"),
            (
                "https://dev.azure.com/o/_git/r",
                "a",
                "https://dev.azure.com/o/_git/r/commit/c0?path=/a",
            ),
            ("", "a", ""),
        ] {
            assert_eq!(page_of(page, "c0", dir), want);
        }
    }
}
