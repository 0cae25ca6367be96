//! The end of a run: what is under way is dropped, and waited for.
//!
//! Work hangs on many threads: tasks, results that several wait for, objects
//! that know how they are made. So it is not enough that nobody asks any more;
//! whatever holds processes asks the gate whether the run goes on.

use std::future::Future;
use std::time::Duration;

use eyre::{Result, bail};
use tokio::sync::watch;

/// How long the end waits for what was dropped to be cleared away.
const LIMIT: Duration = Duration::from_secs(10);

/// Open as long as the run goes on.
pub struct Gate {
    over: watch::Sender<bool>,
    inside: watch::Sender<usize>,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            over: watch::Sender::new(false),
            inside: watch::Sender::new(0),
        }
    }
}

impl Gate {
    /// Does the work, unless the run ends first: then the work is dropped.
    pub async fn pass<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let _inside = Inside::enter(&self.inside);
        let mut over = self.over.subscribe();
        tokio::select! {
            done = work => done,
            _ = over.wait_for(|over| *over) => bail!("cancelled"),
        }
    }

    /// Whether the run is ending.
    pub fn is_over(&self) -> bool {
        *self.over.borrow()
    }

    /// Ends what is under way, and waits until it is gone.
    pub async fn close(&self) {
        self.over.send_replace(true);
        let mut inside = self.inside.subscribe();
        // What does not end in time ends with the process.
        let _ = tokio::time::timeout(LIMIT, inside.wait_for(|count| *count == 0)).await;
    }
}

struct Inside<'a>(&'a watch::Sender<usize>);

impl<'a> Inside<'a> {
    fn enter(count: &'a watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    struct Tells(Arc<AtomicBool>);

    impl Drop for Tells {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    #[tokio::test]
    async fn closing_drops_what_is_under_way_before_it_returns() {
        let gate = Arc::new(Gate::default());
        let dropped = Arc::new(AtomicBool::new(false));
        let tells = Tells(dropped.clone());
        let passing = gate.clone();
        let task = tokio::spawn(async move {
            passing
                .pass(async move {
                    let _tells = tells;
                    std::future::pending::<Result<()>>().await
                })
                .await
        });
        while *gate.inside.borrow() == 0 {
            tokio::task::yield_now().await;
        }
        gate.close().await;
        assert!(dropped.load(Ordering::SeqCst));
        let error = task.await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), "cancelled");
    }
}
