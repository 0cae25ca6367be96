//! Work that is done once for all who want it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use eyre::Result;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};

use super::Failure;
use crate::progress::inherit;
use crate::store::Digest;

/// Work under way, waited for by many.
pub type Work<T> = Shared<BoxFuture<'static, Result<T, Failure>>>;

/// Results by key. A failure goes to all who wait for it and is forgotten: the
/// next one may have more luck. Work that nobody waits for any more is dropped.
#[derive(Clone)]
pub struct Memo<T: Clone>(Arc<Mutex<HashMap<Digest, Entry<T>>>>);

enum Entry<T: Clone> {
    Pending(WeakShared<BoxFuture<'static, Result<T, Failure>>>),
    Done(T),
}

impl<T: Clone> Default for Memo<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Clone + Send + Sync + 'static> Memo<T> {
    fn entries(&self) -> MutexGuard<'_, HashMap<Digest, Entry<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The work under a key: that of others, or a new one.
    pub fn once(
        &self,
        key: Digest,
        make: impl FnOnce() -> BoxFuture<'static, Result<T>>,
    ) -> Work<T> {
        let mut entries = self.entries();
        if let Some(work) = entries.get(&key).and_then(Entry::work) {
            return work;
        }
        // Whoever asks first is who it is done for.
        let (memo, made) = (self.clone(), inherit(make()));
        let work = async move {
            let result = made.await.map_err(Failure::from);
            let mut entries = memo.entries();
            match &result {
                Ok(value) => drop(entries.insert(key, Entry::Done(value.clone()))),
                Err(_) => drop(entries.remove(&key)),
            }
            result
        }
        .boxed()
        .shared();
        if let Some(pending) = work.downgrade() {
            entries.insert(key, Entry::Pending(pending));
        }
        work
    }

    /// The work under a key, if it is done or somebody waits for it.
    pub fn get(&self, key: &Digest) -> Option<Work<T>> {
        self.entries().get(key).and_then(Entry::work)
    }

    /// Forgets a result that fits.
    pub fn forget(&self, key: &Digest, fits: impl FnOnce(&T) -> bool) {
        let mut entries = self.entries();
        if matches!(entries.get(key), Some(Entry::Done(value)) if fits(value)) {
            entries.remove(key);
        }
    }

    /// Takes all results out.
    pub fn drain(&self) -> Vec<T> {
        let entries = self.entries().drain().collect::<Vec<_>>();
        let done = entries.into_iter().filter_map(|(_, entry)| match entry {
            Entry::Done(value) => Some(value),
            Entry::Pending(_) => None,
        });
        done.collect()
    }
}

impl<T: Clone + Send + Sync + 'static> Entry<T> {
    fn work(&self) -> Option<Work<T>> {
        match self {
            Self::Pending(work) => work.upgrade(),
            Self::Done(value) => Some(futures::future::ready(Ok(value.clone())).boxed().shared()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use eyre::bail;

    use super::*;

    fn key() -> Digest {
        Digest::of(b"key")
    }

    #[tokio::test]
    async fn those_who_wait_share_a_failure_and_the_next_one_tries_again() {
        let (memo, runs) = (Memo::<u8>::default(), Arc::new(AtomicUsize::new(0)));
        let work = || {
            let runs = runs.clone();
            memo.once(key(), move || {
                async move {
                    tokio::task::yield_now().await;
                    match runs.fetch_add(1, Ordering::SeqCst) {
                        0 => bail!("not yet"),
                        _ => Ok(7),
                    }
                }
                .boxed()
            })
        };
        let (one, two) = tokio::join!(work(), work());
        assert_eq!(one.unwrap_err().message, "not yet");
        assert_eq!(two.unwrap_err().message, "not yet");
        assert_eq!(work().await.unwrap(), 7);
        assert_eq!(work().await.unwrap(), 7);
        assert_eq!(runs.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_is_dropped_with_what_it_holds() {
        let (memo, held) = (Memo::<u8>::default(), Arc::new(()));
        let kept = held.clone();
        let work = memo.once(key(), move || {
            async move {
                let _kept = kept;
                std::future::pending().await
            }
            .boxed()
        });
        let waited = tokio::time::timeout(std::time::Duration::from_millis(10), work).await;
        assert!(waited.is_err());
        assert_eq!(Arc::strong_count(&held), 1);
        assert!(memo.get(&key()).is_none());
        assert_eq!(
            memo.once(key(), || async { Ok(1) }.boxed()).await.unwrap(),
            1
        );
    }
}
