//! What a function read of the caller's workspace: its remembered result holds
//! as long as reading again gives the same.

use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One thing read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Read {
    /// Field of `Workspace`.
    pub field: String,
    pub args: Map<String, Value>,
    /// Stands for what came back; none when reading failed.
    pub found: Option<String>,
}

/// Reads of a function, and of those that called it.
#[derive(Clone, Default)]
pub struct Reads {
    own: Arc<Mutex<Vec<Read>>>,
    callers: Option<Arc<Reads>>,
}

impl Reads {
    /// Reads of a function called by the one with these.
    pub fn below(&self) -> Self {
        Self {
            own: Arc::default(),
            callers: Some(Arc::new(self.clone())),
        }
    }

    pub fn record(&self, read: Read) {
        let mut own = self
            .own
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if !own.contains(&read) {
            own.push(read.clone());
        }
        drop(own);
        if let Some(callers) = &self.callers {
            callers.record(read);
        }
    }

    pub fn all(&self) -> Vec<Read> {
        self.own
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .clone()
    }
}
