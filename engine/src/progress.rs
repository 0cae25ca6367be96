//! What is going on, told to whoever shows it.
//!
//! Everything that takes time reports here; [`Progress`] is cheap to clone and
//! never blocks. The CLI decides with a [`Renderer`] how events look (a tree, plain
//! lines, nothing).

mod current;
mod dots;
mod mode;
mod plain;
mod tree;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use eyre::Result;

pub use current::{Current, inherit};
pub use mode::{Mode, Renderer};

use crate::credentials::hidden;
use crate::trace::Context;

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// Work began. `parent` is the span that asked for it.
    Started {
        span: u64,
        parent: Option<u64>,
        name: String,
        waited: Waited,
    },
    /// A chunk of output of the work (already scrubbed of secrets).
    Output {
        span: u64,
        stderr: bool,
        bytes: Vec<u8>,
    },
    /// Work ended. `cached` means that it was not done again.
    Finished {
        span: u64,
        cached: bool,
        error: Option<String>,
        /// Given up, or stopped: nobody said how it went.
        dropped: bool,
    },
    /// A remark to the user that belongs to no work.
    Note { text: String },
}

/// What work waited for before it began.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Waited {
    /// What it works on was made.
    pub inputs: Duration,
    /// Somebody else did the same, or held what it needs.
    pub turn: Duration,
}

/// Where events go.
#[derive(Clone)]
pub struct Progress {
    sink: Arc<dyn Fn(Event) + Send + Sync>,
    next: Arc<AtomicU64>,
    parent: Option<u64>,
    context: Option<Arc<Context>>,
}

impl Progress {
    pub fn new(sink: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self {
            sink: Arc::new(sink),
            next: Arc::new(AtomicU64::new(1)),
            parent: None,
            context: None,
        }
    }

    /// Lets programs know which trace they are part of.
    pub fn in_trace(mut self, context: Option<Arc<Context>>) -> Self {
        self.context = context;
        self
    }

    /// Drops every event.
    pub fn silent() -> Self {
        Self::new(|_| {})
    }

    /// Announces work; it ends when the span is finished or dropped.
    pub fn start(&self, name: impl Into<String>) -> Span {
        self.start_after(Waited::default(), name)
    }

    /// Announces work that had to wait.
    pub fn start_after(&self, waited: Waited, name: impl Into<String>) -> Span {
        let span = self.next.fetch_add(1, Ordering::Relaxed);
        (self.sink)(Event::Started {
            span,
            parent: self.parent.or_else(|| Current::get().span()),
            name: hidden(&name.into()).into_owned(),
            waited,
        });
        Span {
            progress: self.clone(),
            span,
            done: false,
        }
    }

    /// Tells the user something.
    pub fn note(&self, text: impl Into<String>) {
        let text = hidden(&text.into()).into_owned();
        (self.sink)(Event::Note { text });
    }
}

/// What went wrong with work whose name is known.
fn cause(error: &str) -> &str {
    let error = error.trim();
    let named = "did not complete successfully: ";
    error.split_once(named).map_or(error, |(_, cause)| cause)
}

/// Work under way.
pub struct Span {
    progress: Progress,
    span: u64,
    done: bool,
}

impl Span {
    /// Progress of the work that this work asks for.
    pub fn child(&self) -> Progress {
        Progress {
            parent: Some(self.span),
            ..self.progress.clone()
        }
    }

    /// For the work that this work asks for, whoever announces it.
    pub fn current(&self) -> Current {
        Current::of(self.span)
    }

    /// The value of `TRACEPARENT` for a program of this work, if there is a trace.
    pub fn traceparent(&self) -> Option<String> {
        let context = self.progress.context.as_ref()?;
        Some(context.traceparent(self.span))
    }

    pub fn output(&self, stderr: bool, bytes: &[u8]) {
        (self.progress.sink)(Event::Output {
            span: self.span,
            stderr,
            bytes: bytes.to_vec(),
        });
    }

    pub fn finish(mut self) {
        self.end(false, None, false);
    }

    pub fn finish_cached(mut self) {
        self.end(true, None, false);
    }

    pub fn fail(mut self, error: impl Into<String>) {
        self.end(false, Some(hidden(&error.into()).into_owned()), false);
    }

    /// Ends as what was worked at did.
    pub fn end_as<T>(self, result: Result<T>) -> Result<T> {
        match &result {
            Ok(_) => self.finish(),
            Err(error) => self.fail(format!("{error:#}")),
        }
        result
    }

    fn end(&mut self, cached: bool, error: Option<String>, dropped: bool) {
        self.done = true;
        (self.progress.sink)(Event::Finished {
            span: self.span,
            cached,
            error,
            dropped,
        });
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if !self.done {
            self.end(false, None, true);
        }
    }
}
