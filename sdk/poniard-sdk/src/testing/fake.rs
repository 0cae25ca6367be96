//! [`FakeEngine`]: answers chains of selections from rules.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};

use eyre::Result;
use serde_json::{Map, Value};

use super::call::{Called, construct};
use super::chain::{Chain, Selected, Step, parse};
use crate::dag::{Dag, set_for_thread};
use crate::error::EngineError;
use crate::registry::Object;
use crate::serve::runtime;
use crate::session::{Answer, Session, Transport};

type Reply = Box<dyn Fn(&Chain) -> Result<Value, EngineError> + Send + Sync>;

/// An engine that answers what a test sets.
///
/// Ids and `sync` need no rule. A rule's path is the names of a chain
/// (`container.from.withExec.stdout`), the whole chain with its arguments in
/// alphabetical order (`secret(uri: "env:A").plaintext`), the end of a chain
/// after `*.` (`*.stdout`), or, for requests that are no chain, the text of
/// the document. The rule that was set last wins.
///
/// ```
/// # use poniard_sdk::testing::FakeEngine;
/// # use poniard_sdk::prelude::*;
/// # use poniard_sdk::serde_json::{self, json};
/// # use poniard_sdk::eyre;
/// let engine = FakeEngine::new()
///     .on("*.stdout", "whatever command it is\n")
///     .on(r#"container.from(address: "alpine").stdout"#, "Alpine's\n");
/// let said = engine.run(async { dag().container().from("alpine").stdout().await })?;
/// assert_eq!(said, "Alpine's\n");
/// # Ok::<(), eyre::Report>(())
/// ```
#[derive(Clone, Default)]
pub struct FakeEngine(Arc<Rules>);

#[derive(Default)]
struct Rules {
    replies: Mutex<Vec<(String, Reply)>>,
    /// Which chain an id stands for.
    objects: Mutex<HashMap<String, Chain>>,
    asked: Mutex<Vec<String>>,
}

impl FakeEngine {
    /// One that has no answers yet.
    ///
    /// ```
    /// let engine = poniard_sdk::testing::FakeEngine::new();
    /// assert!(engine.asked().is_empty());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers the chain at `path`; null is an answer too.
    ///
    /// ```
    /// # use poniard_sdk::testing::FakeEngine;
    /// # use poniard_sdk::prelude::*;
    /// # use poniard_sdk::serde_json::{self, json};
    /// # use poniard_sdk::eyre;
    /// let engine = FakeEngine::new().on("container.stdout", "hi");
    /// assert_eq!(engine.run(async { dag().container().stdout().await })?, "hi");
    /// # Ok::<(), eyre::Report>(())
    /// ```
    pub fn on(self, path: &str, answer: impl Into<Value>) -> Self {
        let answer = answer.into();
        self.on_with(path, move |_| Ok(answer.clone()))
    }

    /// Fails the chain at `path`.
    ///
    /// ```
    /// # use poniard_sdk::testing::FakeEngine;
    /// # use poniard_sdk::prelude::*;
    /// # use poniard_sdk::serde_json::{self, json};
    /// let engine = FakeEngine::new().on_error("container.stdout", EngineError::new("no network"));
    /// assert!(engine.run(async { dag().container().stdout().await }).is_err());
    /// ```
    pub fn on_error(self, path: &str, error: EngineError) -> Self {
        self.on_with(path, move |_| Err(error.clone()))
    }

    /// Answers the chain at `path` by its arguments.
    ///
    /// ```
    /// # use poniard_sdk::testing::FakeEngine;
    /// # use poniard_sdk::prelude::*;
    /// # use poniard_sdk::serde_json::{self, json};
    /// # use poniard_sdk::eyre;
    /// let engine = FakeEngine::new()
    ///     .on_with("container.envVariable", |chain| Ok(json!(chain.arg("envVariable", "name"))));
    /// let name = engine.run(async { dag().container().env_variable("HOME").await })?;
    /// assert_eq!(name, "HOME");
    /// # Ok::<(), eyre::Report>(())
    /// ```
    pub fn on_with(
        self,
        path: &str,
        reply: impl Fn(&Chain) -> Result<Value, EngineError> + Send + Sync + 'static,
    ) -> Self {
        lock(&self.0.replies).push((path.to_owned(), Box::new(reply)));
        self
    }

    /// Every chain that was asked so far, in order, ids included.
    ///
    /// ```
    /// # use poniard_sdk::testing::FakeEngine;
    /// # use poniard_sdk::prelude::*;
    /// # use poniard_sdk::serde_json::{self, json};
    /// # use poniard_sdk::eyre;
    /// let engine = FakeEngine::new().on("*.stdout", "");
    /// engine.run(async { dag().container().from("alpine").stdout().await })?;
    /// assert_eq!(engine.asked(), [r#"container.from(address: "alpine").stdout"#]);
    /// # Ok::<(), eyre::Report>(())
    /// ```
    pub fn asked(&self) -> Vec<String> {
        lock(&self.0.asked).clone()
    }

    /// A client of this engine.
    ///
    /// ```
    /// # use poniard_sdk::testing::FakeEngine;
    /// # use poniard_sdk::prelude::*;
    /// # use poniard_sdk::serde_json::{self, json};
    /// # use poniard_sdk::eyre;
    /// let engine = FakeEngine::new().on("version", "v0.21.8");
    /// let dag = engine.dag();
    /// assert_eq!(engine.run(async { dag.version().await })?, "v0.21.8");
    /// # Ok::<(), eyre::Report>(())
    /// ```
    pub fn dag(&self) -> Dag {
        Dag::new(Session::new(self.clone()))
    }

    /// Runs `future` with `dag()` connected to this engine.
    ///
    /// # Panics
    /// When the runtime cannot start; and with whatever panics in `future`.
    ///
    /// ```
    /// # use poniard_sdk::testing::FakeEngine;
    /// # use poniard_sdk::prelude::*;
    /// # use poniard_sdk::serde_json::{self, json};
    /// # use poniard_sdk::eyre;
    /// let engine = FakeEngine::new().on("Directory.entries", json!([]));
    /// let empty = engine.run(async { Ok::<_, eyre::Report>(dag().object::<Directory>("x").entries().await?.is_empty()) })?;
    /// assert!(empty);
    /// # Ok::<(), eyre::Report>(())
    /// ```
    #[track_caller]
    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let _connected = set_for_thread(self.dag());
        match runtime() {
            Ok(runtime) => runtime.block_on(future),
            Err(report) => panic!("{report:#}"),
        }
    }

    /// Makes the main object of a module as an engine does, from an object of
    /// arguments by API name.
    ///
    /// ```
    /// # use poniard_sdk::prelude::*;
    /// # use poniard_sdk::testing::FakeEngine;
    /// # use poniard_sdk::serde_json::{self, json};
    /// # #[object] pub struct Hello { pub greeting: String }
    /// # #[functions] impl Hello {
    /// #     pub fn new(#[arg(default = "Hello")] greeting: String) -> Self { Self { greeting } }
    /// #     pub fn greet(&self, name: String) -> String { format!("{}, {name}!", self.greeting) }
    /// # }
    /// # use poniard_sdk::eyre;
    /// let hello = FakeEngine::new().construct::<Hello>(json!({ "greeting": "Hi" }))?;
    /// assert_eq!(hello.value()["greeting"], "Hi");
    /// # Ok::<(), eyre::Report>(())
    /// ```
    pub fn construct<Main: Object>(&self, args: Value) -> Result<Called<Main>> {
        construct(self, args)
    }

    fn answer(&self, query: &str) -> Result<Value, EngineError> {
        let query = &self.quoted(query);
        let Some(selected) = parse(query) else {
            lock(&self.0.asked).push(query.to_owned());
            return self.reply(query, query, &Chain::default());
        };
        let chain = self.resolve(&selected);
        lock(&self.0.asked).push(chain.to_string());
        let leaf = match chain.0.split_last() {
            Some((last, object)) if ["id", "sync"].contains(&last.name.as_str()) => {
                let object = Chain(object.to_vec());
                match self.reply(&chain.names(), &chain.to_string(), &chain) {
                    Err(error) if error.message.starts_with(NO_RULE) => self.name(object),
                    reply => reply?,
                }
            }
            _ => self.reply(&chain.names(), &chain.to_string(), &chain)?,
        };
        Ok(nest(&selected, leaf))
    }

    /// The query with its ids as GraphQL strings: dagger-sdk puts them between
    /// quotes as they are, and the ids made here hold quotes themselves.
    fn quoted(&self, query: &str) -> String {
        let objects = lock(&self.0.objects);
        let mut ids: Vec<_> = objects.keys().collect();
        ids.sort_by_key(|id| std::cmp::Reverse(id.len()));
        ids.into_iter().fold(query.to_owned(), |query, id| {
            query.replace(&format!("\"{id}\""), &Value::from(id.as_str()).to_string())
        })
    }

    /// Replaces an id by what it stands for.
    fn resolve(&self, selected: &[Selected]) -> Chain {
        let mut steps: Vec<Step> = Vec::new();
        for step in selected {
            match step {
                Selected::Field(step) => steps.push(step.clone()),
                Selected::Type(name) => {
                    let id = steps.pop().and_then(|mut node| node.args.remove("id"));
                    let known = id
                        .as_ref()
                        .and_then(Value::as_str)
                        .and_then(|id| lock(&self.0.objects).get(id).cloned());
                    match known {
                        Some(chain) => steps.extend(chain.0),
                        None => steps.push(Step {
                            name: name.clone(),
                            args: id.map(|id| ("id".to_owned(), id)).into_iter().collect(),
                        }),
                    }
                }
            }
        }
        Chain(steps)
    }

    /// The id of an object.
    fn name(&self, object: Chain) -> Value {
        if let [Step { args, .. }] = &object.0[..]
            && let Some(id) = args.get("id")
        {
            return id.clone();
        }
        let id = object.to_string();
        lock(&self.0.objects).insert(id.clone(), object);
        id.into()
    }

    fn reply(&self, names: &str, text: &str, chain: &Chain) -> Result<Value, EngineError> {
        let replies = lock(&self.0.replies);
        let rule = replies.iter().rev().find(|(path, _)| {
            path == names
                || path == text
                || path
                    .strip_prefix('*')
                    .is_some_and(|end| names.ends_with(end) || text.ends_with(end))
        });
        match rule {
            Some((_, reply)) => reply(chain),
            None => Err(EngineError::new(format!(
                "{NO_RULE} `{text}`: add `.on(\"{names}\", …)`"
            ))),
        }
    }
}

const NO_RULE: &str = "the fake engine has no answer to";

impl Transport for FakeEngine {
    fn send<'a>(&'a self, query: &'a str, _: &'a Value) -> Answer<'a> {
        Box::pin(async move { self.answer(query) })
    }
}

/// Puts a leaf where the query expects it.
fn nest(selected: &[Selected], leaf: Value) -> Value {
    selected.iter().rev().fold(leaf, |inner, step| match step {
        Selected::Field(step) => Map::from_iter([(step.name.clone(), inner)]).into(),
        Selected::Type(_) => inner,
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}
