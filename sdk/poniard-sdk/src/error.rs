//! Errors of the engine, with everything that it told about them.
//!
//! `dagger-sdk` keeps only part of an engine's error. The session therefore
//! remembers each one under a token and puts the token where `dagger-sdk`
//! carries it through; [`EngineError::find`] gets the whole error back.

use std::fmt;
use std::sync::{Mutex, OnceLock};

use dagger_sdk::core::gql_client::{GraphQLErrorMessage, GraphQLErrorPathParam};
use dagger_sdk::core::graphql_client::GraphQLError;
use dagger_sdk::errors::{DaggerError, DaggerUnpackError};
use serde_json::{Map, Value};

/// A failed request to the engine.
///
/// `extensions` are the error's values: `_type`, `cmd`, `exitCode`, `stdout`
/// and `stderr` when a command of a container failed, else what the failing
/// module attached. They travel on to the caller when a function fails with
/// this error anywhere in its chain.
///
/// ```
/// use poniard_sdk::EngineError;
///
/// let error = EngineError::new("no such page").with_value("code", "E404");
/// assert_eq!(error.to_string(), "no such page");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct EngineError {
    /// What happened, as the caller sees it.
    pub message: String,
    /// Values by name.
    pub extensions: Map<String, Value>,
}

impl EngineError {
    /// With a message, for a module's own errors.
    ///
    /// ```
    /// let error = poniard_sdk::EngineError::new("no such page");
    /// assert!(error.extensions.is_empty());
    /// ```
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            extensions: Map::new(),
        }
    }

    /// Attaches a value that a calling module can read.
    ///
    /// ```
    /// let error = poniard_sdk::EngineError::new("no").with_value("code", "E42");
    /// assert_eq!(error.extensions["code"], "E42");
    /// ```
    pub fn with_value(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extensions.insert(name.into(), value.into());
        self
    }

    /// The engine's error in the chain of `report`, when there is one.
    ///
    /// ```
    /// use poniard_sdk::{EngineError, eyre::eyre};
    ///
    /// let report = eyre!(EngineError::new("exit code: 1").with_value("exitCode", 1)).wrap_err("cannot build");
    /// let error = EngineError::find(&report).expect("the engine's error");
    /// assert_eq!(error.exit_code(), Some(1));
    /// ```
    pub fn find(report: &eyre::Report) -> Option<Self> {
        report.chain().find_map(|cause| {
            cause
                .downcast_ref::<EngineError>()
                .cloned()
                .or_else(|| cause.downcast_ref::<DaggerError>().map(Self::from))
        })
    }

    /// Exit code of the command that failed, when one did.
    ///
    /// ```
    /// let error = poniard_sdk::EngineError::new("failed").with_value("exitCode", 3);
    /// assert_eq!(error.exit_code(), Some(3));
    /// ```
    pub fn exit_code(&self) -> Option<i64> {
        self.extensions.get("exitCode")?.as_i64()
    }

    /// What the failed command printed, when one failed.
    ///
    /// ```
    /// let error = poniard_sdk::EngineError::new("failed").with_value("stdout", "so far\n");
    /// assert_eq!(error.stdout(), Some("so far\n"));
    /// ```
    pub fn stdout(&self) -> Option<&str> {
        self.extensions.get("stdout")?.as_str()
    }

    /// What the failed command printed to its standard error, when one failed.
    ///
    /// ```
    /// let error = poniard_sdk::EngineError::new("failed").with_value("stderr", "why\n");
    /// assert_eq!(error.stderr(), Some("why\n"));
    /// ```
    pub fn stderr(&self) -> Option<&str> {
        self.extensions.get("stderr")?.as_str()
    }

    /// Keeps the error and returns the text that stands for it.
    pub(crate) fn remember(self) -> String {
        let mut kept = lock(&REMEMBERED);
        kept.push(self);
        format!("{}{}:", token(), kept.len() - 1)
    }

    /// The error whose token is in `text`.
    pub(crate) fn recall(text: &str) -> Option<Self> {
        let at = text.find(token())? + token().len();
        let (number, _) = text[at..].split_once(':')?;
        lock(&REMEMBERED)
            .get(number.parse::<usize>().ok()?)
            .cloned()
    }

    pub(crate) fn into_graphql(self) -> GraphQLError {
        let message = self.message.clone();
        let carrier = GraphQLErrorMessage {
            message: message.clone(),
            locations: None,
            extensions: None,
            path: Some(vec![GraphQLErrorPathParam::String(self.remember())]),
        };
        GraphQLError::DomainError {
            message,
            fields: vec![carrier],
        }
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for EngineError {}

impl From<&DaggerError> for EngineError {
    fn from(error: &DaggerError) -> Self {
        match error {
            DaggerError::Query(GraphQLError::DomainError { message, fields }) => fields
                .iter()
                .flat_map(|field| field.path.iter().flatten())
                .find_map(|step| match step {
                    GraphQLErrorPathParam::String(text) => Self::recall(text),
                    GraphQLErrorPathParam::Number(_) => None,
                })
                .unwrap_or_else(|| Self::new(message)),
            DaggerError::Query(GraphQLError::HttpError(message)) => Self::new(message),
            DaggerError::Unpack(DaggerUnpackError::Deserialize(cause)) => {
                let cause = cause.to_string();
                Self::recall(&cause).unwrap_or_else(|| {
                    Self::new(format!("unexpected answer of the engine: {cause}"))
                })
            }
            other => Self::new(chain(other)),
        }
    }
}

impl From<DaggerError> for EngineError {
    fn from(error: DaggerError) -> Self {
        Self::from(&error)
    }
}

/// Takes a result of the API that may be null.
///
/// `dagger-sdk` declares every result non-null, and fails on the null of
/// `findUp`, `envVariable`, `label`, `stat` or a function that returns nothing.
///
/// ```
/// # use poniard_sdk::testing::FakeEngine;
/// # use poniard_sdk::prelude::*;
/// # use poniard_sdk::serde_json::{self, json};
/// # use poniard_sdk::eyre;
/// let engine = FakeEngine::new().on("container.envVariable", serde_json::Value::Null);
/// let home = engine.run(async { dag().container().env_variable("HOME").await.nullable() })?;
/// assert_eq!(home, None);
/// # Ok::<(), eyre::Report>(())
/// ```
pub trait Nullable<T> {
    /// `None` for null; other failures stay errors.
    ///
    /// ```
    /// # use poniard_sdk::testing::FakeEngine;
    /// # use poniard_sdk::prelude::*;
    /// # use poniard_sdk::serde_json::{self, json};
    /// # use poniard_sdk::eyre;
    /// let engine = FakeEngine::new().on("container.label", "me");
    /// let author = engine.run(async { dag().container().label("author").await.nullable() })?;
    /// assert_eq!(author.as_deref(), Some("me"));
    /// # Ok::<(), eyre::Report>(())
    /// ```
    fn nullable(self) -> Result<Option<T>, EngineError>;
}

impl<T> Nullable<T> for Result<T, DaggerError> {
    fn nullable(self) -> Result<Option<T>, EngineError> {
        match self {
            Ok(value) => Ok(Some(value)),
            Err(DaggerError::Unpack(DaggerUnpackError::Deserialize(cause)))
                if cause.to_string().starts_with("invalid type: null") =>
            {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// The text that a caller sees: `outer: inner: …`, the engine's own words for
/// a failed request.
pub(crate) fn message(report: &eyre::Report) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in report.chain() {
        if let Some(error) = cause.downcast_ref::<DaggerError>() {
            parts.push(EngineError::from(error).message);
            break;
        }
        push_part(&mut parts, cause.to_string());
    }
    parts.join(": ")
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut parts = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        push_part(&mut parts, error.to_string());
        next = error.source();
    }
    parts.join(": ")
}

// Many errors already end with the text of their cause.
fn push_part(parts: &mut Vec<String>, part: String) {
    if !parts.last().is_some_and(|last| last.ends_with(&part)) {
        parts.push(part);
    }
}

static REMEMBERED: Mutex<Vec<EngineError>> = Mutex::new(Vec::new());

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A panic elsewhere cannot leave a list of errors half-written.
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Starts every token; differs between processes, so that no text that a user
/// can write is one.
fn token() -> &'static str {
    static TOKEN: OnceLock<String> = OnceLock::new();
    TOKEN.get_or_init(|| {
        let since_epoch = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        format!(
            "poniard-failed-{:x}-{:x}:",
            since_epoch.as_nanos(),
            std::process::id()
        )
    })
}
