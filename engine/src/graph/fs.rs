//! File systems that are made when somebody looks.

use std::future::Future;

use eyre::Result;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};

use super::{Engine, Failure};
use crate::progress::inherit;
use crate::store::{Snapshot, Store};

/// A lazy, shared [`Snapshot`]: made at most once, whoever asks.
#[derive(Clone)]
pub struct Fs(Shared<BoxFuture<'static, Result<Snapshot, Failure>>>);

impl Fs {
    pub fn lazy(make: impl Future<Output = Result<Snapshot>> + Send + 'static) -> Self {
        Self(
            async move { make.await.map_err(Failure::from) }
                .boxed()
                .shared(),
        )
    }

    pub fn ready(snapshot: Snapshot) -> Self {
        Self::lazy(async move { Ok(snapshot) })
    }

    /// The empty file system.
    pub fn scratch() -> Self {
        Self::ready(Store::scratch())
    }

    /// Somebody looked, and it could not be made.
    pub fn failed_before(&self) -> bool {
        matches!(self.0.peek(), Some(Err(_)))
    }

    pub async fn snapshot(&self) -> Result<Snapshot> {
        Ok(on_task(self.0.clone()).await?)
    }

    /// Looks at the files, off the async threads.
    pub async fn read<T: Send + 'static>(
        &self,
        engine: &Engine,
        look: impl FnOnce(&crate::store::Tree) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let snapshot = self.snapshot().await?;
        let store = engine.store.clone();
        tokio::task::spawn_blocking(move || look(&store.mount(&snapshot)?.tree())).await?
    }
}

/// Waits for shared work on a task of its own: a long chain of lazy steps would
/// otherwise nest polls, and stack, without end.
pub(super) async fn on_task<T: Clone + Send + Sync + 'static>(
    work: Shared<BoxFuture<'static, Result<T, Failure>>>,
) -> Result<T, Failure> {
    if let Some(done) = work.peek() {
        return done.clone();
    }
    let done = AbortOnDrop(tokio::spawn(inherit(work))).await;
    done.unwrap_or_else(|error| Err(Failure::new(format!("a worker task ended early: {error}"))))
}

/// A task that ends with the one that waits for it.
struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Future for AbortOnDrop<T> {
    type Output = Result<T, tokio::task::JoinError>;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        self.0.poll_unpin(context)
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
