//! The dependency of the fixture `sink`.

use poniard_sdk::prelude::*;

/// A tiny module that sink depends on.
#[object]
pub struct Dep {
    /// Put before every answer
    pub prefix: String,
}

#[functions]
impl Dep {
    pub fn new(#[arg(default = "dep")] prefix: String) -> Self {
        Self { prefix }
    }

    /// Answer with the prefix and a name
    pub fn hello(&self, name: String) -> String {
        format!("{}:{name}", self.prefix)
    }

    /// A directory made by the dependency
    #[function(name = "box")]
    pub fn make_box(&self) -> Directory {
        dag()
            .directory()
            .with_new_file("from-dep.txt", &self.prefix)
    }
}
