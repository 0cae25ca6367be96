//! Remembers results of functions: for the run, or longer, as they ask for.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use eyre::{Result, bail};
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::Invocation;
use super::run::run;
use crate::api::client::{Client, ids_in};
use crate::api::reads::{Read, Reads};
use crate::api::resolve;
use crate::duration;
use crate::graph::memo::Memo;
use crate::module::Module;
use crate::module::types::FunctionDoc;
use crate::store::{Digest, Hasher};

/// How long a result is good for when the function does not say.
const DEFAULT_TTL: Duration = Duration::from_secs(7 * 24 * 3600);
/// Results in this run, with what was read for them.
pub type Results = Memo<Arc<(Json, Vec<Read>)>>;

/// A result kept for later runs.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Seconds since 1970.
    until: u64,
    value: Json,
    reads: Vec<Read>,
    /// What the value's objects are made of.
    objects: Vec<Digest>,
}

/// When a function runs again.
#[derive(Debug, PartialEq)]
enum Policy {
    Never,
    Session,
    For(Duration),
}

impl Policy {
    fn of(module: &Module, function: &FunctionDoc) -> Result<Self> {
        let is_default_off = module.config.disable_default_function_caching;
        Self::asked(function, is_default_off)
    }

    fn asked(function: &FunctionDoc, is_default_off: bool) -> Result<Self> {
        Ok(match function.cache.as_deref() {
            Some("never") => Self::Never,
            Some("session") => Self::Session,
            Some(text) => match duration::parse(text) {
                Some(Duration::ZERO) => Self::Never,
                Some(ttl) => Self::For(ttl),
                None => bail!(
                    "cache policy `{text}` of `{}`: expected never, session or a duration like 20s",
                    function.name
                ),
            },
            None if is_default_off => Self::Session,
            None => Self::For(DEFAULT_TTL),
        })
    }
}

/// The remembered result, or that of running the function.
pub(super) async fn result(client: &Arc<Client>, invocation: Invocation) -> Result<Json> {
    let policy = Policy::of(&invocation.module, &invocation.doc)?;
    if let Policy::Never = policy {
        return run(client, &invocation, client.reads.below()).await;
    }
    let key = key(client, &invocation).await?;
    let owned = client.clone();
    let work = client.shared.results.once(key, || {
        async move {
            let reads = owned.reads.below();
            let value = match policy {
                // What an earlier run was given need not be what the lock says.
                Policy::For(ttl) if !owned.engine().lock.counts() => {
                    kept(&owned, &invocation, &reads, ttl, key).await?
                }
                _ => run(&owned, &invocation, reads.clone()).await?,
            };
            Ok(Arc::new((value, reads.all())))
        }
        .boxed()
    });
    let done = work.await?;
    // Whoever else asked depends on what was read as well.
    for read in &done.1 {
        client.reads.record(read.clone());
    }
    Ok(done.0.clone())
}

async fn kept(
    client: &Arc<Client>,
    invocation: &Invocation,
    reads: &Reads,
    ttl: Duration,
    key: Digest,
) -> Result<Json> {
    let store = &client.engine().store;
    if let Some(value) = usable(client, invocation, reads, ttl, &key).await {
        return Ok(value);
    }
    let _lock = store.lock(&format!("function-{}", key.hex())).await?;
    if let Some(value) = usable(client, invocation, reads, ttl, &key).await {
        return Ok(value);
    }
    let value = run(client, invocation, reads.clone()).await?;
    if let Some(objects) = client.persist(&value)? {
        let kept = Kept {
            until: now().saturating_add(ttl.as_secs()),
            value: value.clone(),
            reads: reads.all(),
            objects,
        };
        store.remember("function", &key, &kept)?;
    }
    Ok(value)
}

/// A kept result that still holds: what was read is the same, and its objects
/// can be made again.
async fn usable(
    client: &Arc<Client>,
    invocation: &Invocation,
    reads: &Reads,
    ttl: Duration,
    key: &Digest,
) -> Option<Json> {
    let kept = client.engine().store.cached::<Kept>("function", key)?;
    if !is_fresh(kept.until, ttl, now()) {
        return None;
    }
    for read in &kept.reads {
        if resolve::read_again(client, read).await != read.found {
            return None;
        }
    }
    for id in &kept.objects {
        if !client.is_kept(id).await {
            return None;
        }
    }
    for read in kept.reads {
        reads.record(read);
    }
    let progress = &client.engine().progress;
    progress.start(invocation.title()).finish_cached();
    Some(kept.value)
}

/// Whether the time has not come. A time further ahead than results last was told
/// by a clock that was wrong: it would keep them for years.
fn is_fresh(until: u64, ttl: Duration, now: u64) -> bool {
    now < until && until <= now.saturating_add(ttl.as_secs())
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

/// Digest of what a call depends on: secrets count by their plaintext, also
/// those that objects were made with.
async fn key(client: &Arc<Client>, invocation: &Invocation) -> Result<Digest> {
    let Invocation {
        module,
        object,
        doc,
        parent,
        inputs,
    } = invocation;
    let mut hasher = Hasher::new("function-2")
        .with(client.shared.whole_key(module).await?)
        .with(object)
        .with(&doc.name)
        .with(parent.to_string())
        .with_all(inputs.iter().map(|(name, _)| name));
    let mut ids = Vec::new();
    ids_in(parent, &mut |id| ids.push(id));
    for (_, value) in inputs {
        hasher = hasher.with(value.to_string());
        ids_in(value, &mut |id| ids.push(id));
    }
    let given = ids.clone();
    for id in client.secrets_of(ids) {
        let secret = client.node(&id.to_string(), None).await?.secret()?;
        match secret.fingerprint(client.engine()).await {
            Ok(fingerprint) => hasher.add(fingerprint),
            Err(error) if given.contains(&id) => return Err(error),
            // Deep in an object it is an error when it is needed, and no other.
            Err(_) => hasher.add("unreadable"),
        }
    }
    Ok(hasher.digest())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(cache: Option<&str>, is_default_off: bool) -> Result<Policy> {
        let function = FunctionDoc {
            name: "f".to_owned(),
            cache: cache.map(str::to_owned),
            ..FunctionDoc::default()
        };
        Policy::asked(&function, is_default_off)
    }

    #[test]
    fn a_function_is_cached_for_a_week_unless_it_or_its_module_says_otherwise() {
        let week = Duration::from_secs(7 * 24 * 3600);
        for (cache, is_default_off, want) in [
            (None, false, Policy::For(week)),
            (None, true, Policy::Session),
            (Some("never"), false, Policy::Never),
            (Some("session"), false, Policy::Session),
            (Some("20s"), false, Policy::For(Duration::from_secs(20))),
            (Some("20s"), true, Policy::For(Duration::from_secs(20))),
            (Some("0s"), false, Policy::Never),
        ] {
            assert_eq!(asked(cache, is_default_off).unwrap(), want, "{cache:?}");
        }
        let error = asked(Some("soon"), false).unwrap_err().to_string();
        assert!(error.contains("`soon` of `f`"), "{error}");
    }

    #[test]
    fn a_result_is_fresh_until_its_time_and_never_by_a_clock_that_was_wrong() {
        let ttl = Duration::from_secs(20);
        let now = 1_000;
        assert!(is_fresh(now + 1, ttl, now) && is_fresh(now + 20, ttl, now));
        assert!(!is_fresh(now, ttl, now) && !is_fresh(0, ttl, now));
        // Kept while the clock was years ahead.
        assert!(!is_fresh(now + 21, ttl, now) && !is_fresh(u64::MAX, ttl, now));
        assert!(is_fresh(u64::MAX, Duration::from_secs(u64::MAX), now));
    }
}
