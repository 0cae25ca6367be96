//! A project out of a git repository, at a commit that is known to be the one.

use poniard_sdk::api::{GitRefTreeOptsBuilder, QueryGitOptsBuilder};
use poniard_sdk::prelude::*;

/// Where a checkout came from.
pub struct Checkout {
    pub tree: Directory,
    pub commit: String,
    /// Without credentials.
    pub url: String,
}

/// Checks `reference` out, at `commit` when one is given.
pub async fn checkout(
    url: &str,
    reference: Option<&str>,
    commit: Option<&str>,
    token: Option<&Secret>,
    ssh: Option<&Socket>,
) -> Result<Checkout> {
    let shown = without_credentials(url)?;
    if let Some(commit) = commit {
        ensure!(
            commit.len() == 40 && commit.bytes().all(|c| c.is_ascii_hexdigit()),
            "`{commit}` is no commit: pass all 40 digits, such as `$CI_COMMIT_SHA`"
        );
    }
    let mut opts = QueryGitOptsBuilder::default();
    if let Some(token) = token {
        ensure!(
            url.starts_with("https://"),
            "a token goes over https only, and `{shown}` is not an https address"
        );
        opts.http_auth_username(username(url))
            .http_auth_token(token.id().await?);
    }
    if let Some(ssh) = ssh {
        opts.ssh_auth_socket(ssh.id().await?);
    }
    let repository = dag().git_opts(url, opts.build()?);
    let name = reference.unwrap_or("HEAD");
    let branch = match reference {
        Some(name) => repository.r#ref(name),
        None => repository.head(),
    };
    let newest = branch.commit().await.wrap_err_with(|| {
        let with = token.map_or("", |_| " with the token");
        format!("cannot read `{name}` of `{shown}`{with}")
    })?;
    let (wanted, commit) = match commit {
        // The branch may have moved on since: the commit must be one of its.
        Some(commit) if commit != newest => {
            let wanted = repository.commit(commit);
            let common = branch.common_ancestor(wanted.clone()).commit().await;
            let common =
                common.wrap_err_with(|| format!("cannot find commit `{commit}` in `{shown}`"))?;
            ensure!(
                common == commit,
                "commit `{commit}` is not on `{name}` of `{shown}`, which is at `{newest}`"
            );
            (wanted, commit.to_owned())
        }
        _ => (branch, newest),
    };
    let opts = GitRefTreeOptsBuilder::default()
        .discard_git_dir(true)
        .build()?;
    Ok(Checkout {
        tree: wanted.tree_opts(opts),
        commit,
        url: shown,
    })
}

/// The name that goes with a token.
fn username(url: &str) -> &'static str {
    let host = url
        .trim_start_matches("https://")
        .split('/')
        .next()
        .unwrap_or_default();
    match host {
        host if host.contains("github") => "x-access-token",
        host if host.contains("bitbucket") => "x-token-auth",
        _ => "oauth2",
    }
}

fn without_credentials(url: &str) -> Result<String> {
    if let Some((scheme, rest)) = url.split_once("://") {
        let host = rest.split('/').next().unwrap_or_default();
        if let Some((who, _)) = host.rsplit_once('@') {
            ensure!(
                scheme == "ssh" && !who.contains(':'),
                "the address of the repository holds credentials: pass them as `--token`"
            );
        }
    }
    Ok(url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_host_has_its_name_for_tokens() {
        assert_eq!(username("https://github.com/a/b"), "x-access-token");
        assert_eq!(username("https://bitbucket.org/a/b"), "x-token-auth");
        assert_eq!(username("https://gitlab.com/group/below/b"), "oauth2");
        assert_eq!(username("https://git.example.com/github/b"), "oauth2");
    }

    #[test]
    fn credentials_in_an_address_are_refused() {
        assert!(without_credentials("https://me:secret@gitlab.com/a/b").is_err());
        assert!(without_credentials("ssh://git@gitlab.com/a/b").is_ok());
        assert!(without_credentials("git@gitlab.com:a/b.git").is_ok());
    }
}
