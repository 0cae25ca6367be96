//! Names that stand for something else over time, by the lock where it counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use eyre::Result;

use crate::graph::Engine;
use crate::graph::git::{Auth, Ref, Repository, Source};
use crate::lock::{Lookup, Policy};
use crate::module::git::version::is_commit;
use crate::module::git::{Reference, version};

/// What is asked of a repository.
pub enum Wanted {
    Head,
    Branch(String),
    Tag(String),
    /// Whatever has the name.
    Ref(String),
}

impl Wanted {
    /// Full names, of which the first that is there counts.
    fn candidates(&self) -> Vec<String> {
        match self {
            Self::Head => vec!["HEAD".to_owned()],
            Self::Branch(name) => vec![full("refs/heads/", name), name.clone()],
            Self::Tag(name) => vec![full("refs/tags/", name), name.clone()],
            Self::Ref(name) => vec![
                format!("refs/heads/{name}"),
                format!("refs/tags/{name}"),
                name.clone(),
            ],
        }
    }

    fn lookup(&self, url: &str) -> Lookup {
        let url = url.to_owned();
        match self {
            Self::Head => Lookup::Head { url },
            Self::Branch(name) => Lookup::Branch {
                url,
                name: name.clone(),
            },
            Self::Tag(name) => Lookup::Tag {
                url,
                name: name.clone(),
            },
            Self::Ref(name) => Lookup::Ref {
                url,
                name: name.clone(),
            },
        }
    }

    /// The full name, as far as it is known without asking.
    fn known_name(&self) -> Option<String> {
        match self {
            Self::Branch(name) => Some(full("refs/heads/", name)),
            Self::Tag(name) => Some(full("refs/tags/", name)),
            Self::Ref(name) => Some(name.clone()).filter(|name| name.starts_with("refs/")),
            Self::Head => None,
        }
    }
}

fn full(prefix: &str, name: &str) -> String {
    format!("{prefix}{}", name.strip_prefix(prefix).unwrap_or(name))
}

/// Finds a ref of a repository: in the lock, or where the repository is.
pub async fn git_ref(
    engine: &Arc<Engine>,
    repository: &Arc<Repository>,
    wanted: &Wanted,
) -> Result<Ref> {
    if let Wanted::Ref(name) = wanted
        && is_commit(name)
    {
        return Ok(repository.at(name, name));
    }
    let lookup = repository.url().map(|url| wanted.lookup(url));
    let Some(lookup) = lookup else {
        return asked(engine, repository, wanted).await;
    };
    if let Some(commit) = engine.lock.pin(&lookup)? {
        let name = wanted.known_name().unwrap_or_else(|| commit.clone());
        return Ok(repository.at(&name, &commit));
    }
    let found = asked(engine, repository, wanted).await?;
    let policy = match wanted {
        Wanted::Ref(_) if found.name.starts_with("refs/tags/") => Policy::Pin,
        _ => lookup.policy(),
    };
    engine.lock.record(&lookup, &found.commit, policy)?;
    Ok(found)
}

async fn asked(engine: &Arc<Engine>, repository: &Arc<Repository>, wanted: &Wanted) -> Result<Ref> {
    match wanted {
        Wanted::Head => repository.head(engine).await,
        other => repository.find(engine, &other.candidates()).await,
    }
}

/// What a lookup gives now, by the caller's own credentials.
pub async fn current(engine: &Arc<Engine>, lookup: Lookup) -> Result<String> {
    let span = engine.progress.start(format!("look up {lookup}"));
    let found = match &lookup {
        Lookup::Image { name, platform } => {
            engine.images.digest(name, platform, &BTreeMap::new()).await
        }
        Lookup::Head { url } => commit(engine, url, Wanted::Head).await,
        Lookup::Branch { url, name } => commit(engine, url, Wanted::Branch(name.clone())).await,
        Lookup::Tag { url, name } => commit(engine, url, Wanted::Tag(name.clone())).await,
        Lookup::Ref { url, name } => commit(engine, url, Wanted::Ref(name.clone())).await,
        Lookup::Module { source } => module(source).await,
    };
    match &found {
        Ok(_) => span.finish(),
        Err(error) => span.fail(format!("{error:#}")),
    }
    found
}

async fn commit(engine: &Arc<Engine>, url: &str, wanted: Wanted) -> Result<String> {
    let repository = Repository::new(Source::Remote {
        url: url.to_owned(),
        auth: Auth::default(),
    });
    Ok(asked(engine, &repository, &wanted).await?.commit)
}

async fn module(source: &str) -> Result<String> {
    Ok(version::find(&Reference::parse(source)?).await?.commit)
}
