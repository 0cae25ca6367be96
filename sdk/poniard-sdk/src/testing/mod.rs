//! An engine for unit tests: no containers, no network, answers set by hand.
//!
//! ```
//! # use poniard_sdk::prelude::*;
//! # use poniard_sdk::testing::FakeEngine;
//! # use serde_json::json;
//! # #[object] pub struct Hello;
//! # #[functions] impl Hello {
//! #     pub async fn list(&self, dir: Directory) -> Result<Vec<String>> { Ok(dir.entries().await?) }
//! # }
//! # use poniard_sdk::serde_json;
//! let engine = FakeEngine::new().on("Directory.entries", json!(["a.txt"]));
//! let hello = engine.construct::<Hello>(json!({}))?;
//! let files = hello.call("list", json!({ "dir": "some-id" }))?;
//! assert_eq!(files.value(), &json!(["a.txt"]));
//! # Ok::<(), eyre::Report>(())
//! ```
//!
//! Objects get readable ids: a directory made by a function comes back as
//! `directory.withNewFile(contents: "made", path: "made.txt")`.

mod call;
mod chain;
mod current;
mod fake;

pub use call::Called;
pub use chain::{Chain, Step};
pub use current::assert_types_current;
pub use fake::FakeEngine;
