//! The site's own module.

use poniard_sdk::prelude::*;

mod deps {
    poniard_sdk::dependencies!();
}
use deps::Dependencies;

/// The website.
#[object]
pub struct Website {}

#[functions]
impl Website {
    /// Builds it.
    pub fn build(&self) -> Directory {
        dag().bun_website().build()
    }
}
