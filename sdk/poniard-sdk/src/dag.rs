//! `dag()`: the API client of the call that is being served.

use std::cell::RefCell;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use dagger_sdk::loadable::Loadable;
use dagger_sdk::{Id, Query, Selection};
use serde_json::Value;

use crate::error::EngineError;
use crate::session::{Answer, Session, Transport};

/// Client of the engine's API: the core through [`Query`]'s methods,
/// dependencies through what [`dependencies!`](crate::dependencies) makes.
#[derive(Clone)]
pub struct Dag {
    query: Query,
    session: Session,
}

impl Dag {
    pub fn new(session: Session) -> Self {
        let query = Query {
            proc: None,
            selection: Selection::default(),
            graphql_client: Arc::new(session.clone()),
        };
        Self { query, session }
    }

    /// The object with an id, without asking the engine whether there is one.
    pub fn object<T: Loadable>(&self, id: impl Into<Id>) -> T {
        self.query.r#ref(id.into())
    }

    /// Sends any GraphQL document with `variables` (an object); gives `data`.
    pub async fn query_raw(&self, query: &str, variables: Value) -> Result<Value, EngineError> {
        self.session.request(query, &variables).await
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }
}

impl Deref for Dag {
    type Target = Query;

    fn deref(&self) -> &Query {
        &self.query
    }
}

static PROCESS: OnceLock<Dag> = OnceLock::new();

thread_local! {
    // Tests run many sessions in one process, each on its own thread.
    static THREAD: RefCell<Option<Dag>> = const { RefCell::new(None) };
}

/// The API client of the call that is being served.
///
/// Outside of a call, and outside of
/// [`FakeEngine::run`](crate::testing::FakeEngine::run), each request fails.
pub fn dag() -> Dag {
    THREAD
        .with_borrow(Clone::clone)
        .or_else(|| PROCESS.get().cloned())
        .unwrap_or_else(|| Dag::new(Session::new(NoEngine)))
}

/// Runs `future` with [`dag`] giving `dag` on this thread: for programs that
/// hold several sessions, each on a thread of its own.
pub async fn on_this_thread<T>(dag: Dag, future: impl Future<Output = T>) -> T {
    let _connected = set_for_thread(dag);
    future.await
}

/// Sets what [`dag`] gives in this process. The first one stays.
pub(crate) fn set_for_process(dag: Dag) {
    let _ = PROCESS.set(dag);
}

/// Sets what [`dag`] gives on this thread until the guard is dropped.
pub(crate) fn set_for_thread(dag: Dag) -> ThreadDag {
    ThreadDag(THREAD.replace(Some(dag)))
}

pub(crate) struct ThreadDag(Option<Dag>);

impl Drop for ThreadDag {
    fn drop(&mut self) {
        THREAD.set(self.0.take());
    }
}

struct NoEngine;

impl Transport for NoEngine {
    fn send<'a>(&'a self, _: &'a str, _: &'a Value) -> Answer<'a> {
        Box::pin(async {
            Err(EngineError::new(
                "no session with an engine: `dag()` works inside a function call and in `FakeEngine::run`",
            ))
        })
    }
}
