//! The module `{{name}}`: its objects and functions are what callers see, its
//! doc comments are their help.

use poniard_sdk::prelude::*;

/// Greets people.
#[object]
pub struct {{TypeName}} {
    /// Word to greet with.
    pub greeting: String,
}

#[functions]
impl {{TypeName}} {
    pub fn new(
        /// Word to greet with.
        #[arg(default = "Hello")]
        greeting: String,
    ) -> Self {
        Self { greeting }
    }

    /// Greeting for somebody.
    pub fn greet(
        &self,
        /// Whom to greet.
        name: String,
    ) -> String {
        format!("{}, {name}!", self.greeting)
    }

    /// Greeting for everybody who is named in a file, one a line.
    pub async fn greet_all(
        &self,
        /// File with the names.
        names: File,
    ) -> Result<Vec<String>> {
        let names = names.contents().await?;
        ensure!(!names.trim().is_empty(), "nobody is named in the file");
        Ok(names.lines().map(|name| self.greet(name.into())).collect())
    }
}

#[cfg(test)]
mod tests;
