//! `git`, and the fields of `GitRepository` and `GitRef`.

use std::sync::Arc;

use eyre::{Result, bail, eyre};
use serde_json::Value as Json;

use super::lookup::{Wanted, git_ref};
use super::unsupported;
use crate::api::client::Client;
use crate::graph::git::{Auth, Ref, Repository, Source, Tree};
use crate::graph::node::Answer;
use crate::graph::{Args, Object};
use crate::module::git::version::is_commit;

pub fn remote(client: &Client, args: &Args) -> Result<Answer> {
    if args.node("experimentalServiceHost")?.is_some() {
        bail!("`experimentalServiceHost` of `Query.git` is not supported by poniard");
    }
    let auth = Auth {
        username: args.text("httpAuthUsername")?,
        token: args.opt_secret("httpAuthToken")?,
        header: args.opt_secret("httpAuthHeader")?,
        ssh_known_hosts: args.text("sshKnownHosts")?,
        ssh_socket: args.opt_socket("sshAuthSocket")?.map(|socket| socket.path),
    };
    of_url(client, &args.str("url")?, auth)
}

/// The repository at an address; without a scheme, https is meant.
pub fn of_url(client: &Client, url: &str, auth: Auth) -> Result<Answer> {
    let path = client.engine().host_path(url);
    let is_local = url.starts_with(['.', '/']) && path.exists();
    if is_local || url.starts_with("file:") {
        super::callers_only(client, "Query.git")?;
    }
    let url = if is_local {
        format!("file://{}", path.display())
    } else if url.contains("://") || url.contains('@') {
        url.to_owned()
    } else {
        format!("https://{url}")
    };
    let repository = Repository::new(Source::Remote { url, auth });
    Ok(Answer::Object(
        "GitRepository",
        Object::GitRepository(repository),
    ))
}

fn found(reference: Ref) -> Answer {
    Answer::Object("GitRef", Object::GitRef(Arc::new(reference)))
}

pub async fn repository(
    client: &Arc<Client>,
    this: &Arc<Repository>,
    field: &str,
    args: &Args,
) -> Result<Answer> {
    let engine = client.engine();
    let name = || args.str("name");
    Ok(match field {
        "branch" => found(git_ref(engine, this, &Wanted::Branch(name()?)).await?),
        "tag" => found(git_ref(engine, this, &Wanted::Tag(name()?)).await?),
        "ref" => found(git_ref(engine, this, &Wanted::Ref(name()?)).await?),
        "commit" => {
            let id = args.str("id")?;
            if !is_commit(&id) {
                bail!("`{id}` is no commit: expected 40 hex digits");
            }
            found(this.at(&id, &id))
        }
        "head" => found(git_ref(engine, this, &Wanted::Head).await?),
        "branches" => this
            .names(engine, "refs/heads/", &args.list("patterns")?)
            .await?
            .into(),
        "tags" => this
            .names(engine, "refs/tags/", &args.list("patterns")?)
            .await?
            .into(),
        "latestVersion" => {
            let tags = this.names(engine, "refs/tags/", &[]).await?;
            let latest = tags
                .iter()
                .filter_map(|tag| Some((version(tag)?, tag)))
                .max();
            let (_, tag) =
                latest.ok_or_else(|| eyre!("the repository has no tag that is a version"))?;
            let wanted = Wanted::Ref(format!("refs/tags/{tag}"));
            found(git_ref(engine, this, &wanted).await?)
        }
        "uncommitted" => {
            let changes = this.uncommitted(engine).await?;
            Answer::Object("Changeset", Object::Changeset(Box::new(changes)))
        }
        "url" => this.url().map(Json::from).unwrap_or_default().into(),
        _ => unsupported("GitRepository", field)?,
    })
}

/// Numbers of a version like `v1.2.3`; pre-releases are none.
fn version(tag: &str) -> Option<(u64, u64, u64)> {
    let mut parts = tag
        .strip_prefix('v')
        .unwrap_or(tag)
        .split('.')
        .map(|part| part.parse().ok());
    let version = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some(version)
}

pub async fn reference(
    client: &Arc<Client>,
    this: &Arc<Ref>,
    field: &str,
    args: &Args,
) -> Result<Answer> {
    Ok(match field {
        "commit" => this.commit.clone().into(),
        "ref" => this.name.clone().into(),
        "commonAncestor" => found(
            this.common_ancestor(client.engine(), &*args.git_ref("other")?)
                .await?,
        ),
        "tree" => {
            let options = Tree {
                discard_git_dir: args.flag("discardGitDir")?,
                depth: args.opt("depth")?.unwrap_or(1),
                include_tags: args.flag("includeTags")?,
            };
            this.tree(client.engine(), options).into()
        }
        _ => unsupported("GitRef", field)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        assert!(version("v1.10.0") > version("v1.9.9"));
        assert_eq!(version("v1.2.3-rc.1"), None);
        assert_eq!(version("modules/a"), None);
    }
}
