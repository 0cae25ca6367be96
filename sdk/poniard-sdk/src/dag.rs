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
///
/// ```
/// # use poniard_sdk::{eyre, testing::FakeEngine};
/// let engine = FakeEngine::new().on("defaultPlatform", "linux/amd64");
/// let dag = engine.dag();
/// let platform = engine.run(async { dag.default_platform().await })?;
/// assert_eq!(platform.0, "linux/amd64");
/// # Ok::<(), eyre::Report>(())
/// ```
#[derive(Clone)]
pub struct Dag {
    query: Query,
    session: Session,
}

impl Dag {
    /// Over a session: [`dag`] has the one of the call that is served.
    ///
    /// ```
    /// # use poniard_sdk::testing::FakeEngine;
    /// let dag = FakeEngine::new().dag();
    /// let same = dag.clone();
    /// ```
    pub fn new(session: Session) -> Self {
        let query = Query {
            proc: None,
            selection: Selection::default(),
            graphql_client: Arc::new(session.clone()),
        };
        Self { query, session }
    }

    /// The object with an id, without asking the engine whether there is one.
    ///
    /// ```
    /// # use poniard_sdk::testing::FakeEngine;
    /// # use poniard_sdk::prelude::*;
    /// # use poniard_sdk::serde_json::{self, json};
    /// # use poniard_sdk::eyre;
    /// let engine = FakeEngine::new().on("Directory.entries", json!(["a.txt"]));
    /// let entries = engine.run(async {
    ///     let directory: Directory = dag().object("an-id");
    ///     directory.entries().await
    /// })?;
    /// assert_eq!(entries, ["a.txt"]);
    /// # Ok::<(), eyre::Report>(())
    /// ```
    pub fn object<T: Loadable>(&self, id: impl Into<Id>) -> T {
        self.query.r#ref(id.into())
    }

    /// Sends any GraphQL document with `variables` (an object); gives `data`.
    ///
    /// ```
    /// # use poniard_sdk::testing::FakeEngine;
    /// # use poniard_sdk::prelude::*;
    /// # use poniard_sdk::serde_json::{self, json};
    /// # use poniard_sdk::eyre;
    /// let engine = FakeEngine::new().on("version", "v0.21.8");
    /// let data = engine.run(async { dag().query_raw("query{version}", json!({})).await })?;
    /// assert_eq!(data, json!({"version": "v0.21.8"}));
    /// # Ok::<(), eyre::Report>(())
    /// ```
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
///
/// ```
/// # use poniard_sdk::testing::FakeEngine;
/// # use poniard_sdk::prelude::*;
/// # use poniard_sdk::serde_json::{self, json};
/// # use poniard_sdk::eyre;
/// let engine = FakeEngine::new().on("container.from.withExec.stdout", "hello\n");
/// let said = engine.run(async {
///     dag().container().from("alpine").with_exec(vec!["echo", "hello"]).stdout().await
/// })?;
/// assert_eq!(said, "hello\n");
/// # Ok::<(), eyre::Report>(())
/// ```
pub fn dag() -> Dag {
    THREAD
        .with_borrow(Clone::clone)
        .or_else(|| PROCESS.get().cloned())
        .unwrap_or_else(|| Dag::new(Session::new(NoEngine)))
}

/// Runs `future` with [`dag`] giving `dag` on this thread: for programs that
/// hold several sessions, each on a thread of its own.
///
/// ```
/// use poniard_sdk::dag::on_this_thread;
/// # use poniard_sdk::{dag, eyre, testing::FakeEngine};
///
/// let first = FakeEngine::new().on("version", "1");
/// let second = FakeEngine::new().on("version", "2");
/// let version = first.run(async {
///     on_this_thread(second.dag(), async { dag().version().await }).await
/// })?;
/// assert_eq!(version, "2");
/// # Ok::<(), eyre::Report>(())
/// ```
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
