//! Which work asks: known to every task that does something for it.
//!
//! Steps are announced deep in the engine, far from who wanted them. So whoever
//! begins work runs the rest of it [`Current::scope`]d, tasks [`inherit`], and
//! what is announced meanwhile is a part of that work.

use std::future::Future;

tokio::task_local! {
    static CURRENT: Current;
}

/// The work on whose behalf a task runs, if there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Current(Option<u64>);

impl Current {
    pub(super) fn of(span: u64) -> Self {
        Self(Some(span))
    }

    /// That of the running task.
    pub fn get() -> Self {
        CURRENT.try_with(|current| *current).unwrap_or_default()
    }

    pub(super) fn span(self) -> Option<u64> {
        self.0
    }

    /// Does the work on behalf of this one.
    pub fn scope<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, work)
    }
}

/// Carries the current work over to another task.
pub fn inherit<F: Future>(work: F) -> impl Future<Output = F::Output> {
    Current::get().scope(work)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::progress::{Event, Progress};

    #[tokio::test]
    async fn what_is_announced_in_a_task_belongs_to_the_work_that_began_it() {
        let parents: Arc<Mutex<Vec<_>>> = Arc::default();
        let seen = parents.clone();
        let progress = Progress::new(move |event| {
            if let Event::Started { name, parent, .. } = event {
                seen.lock().unwrap().push((name, parent));
            }
        });
        let outer = progress.start("outer");
        let deep = progress.clone();
        let work =
            async move { tokio::spawn(inherit(async move { drop(deep.start("deep")) })).await };
        outer.current().scope(work).await.unwrap();
        drop(progress.start("after"));
        let want = [("outer", None), ("deep", Some(1)), ("after", None)];
        let want: Vec<_> = want
            .iter()
            .map(|(name, parent)| ((*name).to_owned(), *parent))
            .collect();
        assert_eq!(*parents.lock().unwrap(), want);
    }
}
