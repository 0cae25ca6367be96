//! Which paths of a directory count: include, exclude, `.gitignore`.

use serde::{Deserialize, Serialize};

/// Patterns as Dagger takes them. All empty: everything counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Only what matches one of these.
    pub include: Vec<String>,
    /// Nothing that matches these; a later `!pattern` brings back.
    pub exclude: Vec<String>,
    /// Obey the `.gitignore` files of the directory.
    pub gitignore: bool,
}

impl Filter {
    pub fn is_empty(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty() && !self.gitignore
    }
}
