//! Dagger modules in Rust.
//!
//! A module is a crate with a struct and its functions:
//!
//! ```
//! # // Clients of dependencies need a `dagger.json`; the core is enough here.
//! use poniard_sdk::prelude::*;
//!
//! /// Greets people.
//! #[object]
//! pub struct Hello {
//!     /// Word to greet with.
//!     pub greeting: String,
//! }
//!
//! #[functions]
//! impl Hello {
//!     pub fn new(#[arg(default = "Hello")] greeting: String) -> Self {
//!         Self { greeting }
//!     }
//!
//!     /// Greeting for somebody.
//!     pub fn greet(&self, /** Whom to greet. */ name: String) -> String {
//!         format!("{}, {name}!", self.greeting)
//!     }
//!
//!     /// Files of a directory.
//!     #[function(cache = "never")]
//!     pub async fn list(
//!         &self,
//!         #[arg(default_path = ".", ignore = ["target"])] source: Directory,
//!     ) -> Result<Vec<String>> {
//!         Ok(source.entries().await?)
//!     }
//! }
//!
//! # mod hide {
//! # use super::Hello;
//! poniard_sdk::main!(Hello);
//! # }
//! # fn main() {}
//! ```
//!
//! `#[object]` and `#[functions]` describe the module and read and write its
//! state; `<module> types` prints the description, which is kept beside
//! `dagger.json` as `dagger.types.json` so that engines need not compile the
//! module to list its functions. Started by an engine, the program serves one
//! call: `serve` reads it, `registry` finds the function, `value` and
//! `core` convert what goes in and out, `session` carries requests, typed
//! ones of `dagger-sdk` and raw ones alike, and [`error`] brings failures back
//! whole. What the macros' code stands on is not documented and may change.
//! [`testing`] is an engine for unit tests.

#![deny(missing_docs)]
#![deny(rustdoc::broken_intra_doc_links)]

#[doc(hidden)]
pub mod core;
pub mod dag;
#[doc(hidden)]
pub mod dependency;
pub mod error;
#[doc(hidden)]
pub mod http;
#[doc(hidden)]
pub mod item;
#[doc(hidden)]
pub mod registry;
#[doc(hidden)]
pub mod serve;
#[doc(hidden)]
pub mod session;
pub mod testing;
pub mod types;
#[doc(hidden)]
pub mod value;

pub use dag::{Dag, dag};
pub use error::{EngineError, Nullable};
pub use eyre;
pub use eyre::Result;
/// ```compile_fail
/// # // Without a `dagger.json` there is nothing to make clients of.
/// mod deps {
///     poniard_sdk::dependencies!();
/// }
/// use deps::Dependencies as _;
/// use poniard_sdk::dag;
///
/// # async fn example() -> poniard_sdk::Result<()> {
/// let url = dag().config().gitlab_url().await?;
/// # Ok(()) }
/// ```
pub use poniard_macros::dependencies;
/// ```
/// use poniard_sdk::prelude::*;
///
/// /// How to write.
/// #[enumeration]
/// #[derive(Clone, Copy, PartialEq)]
/// pub enum Mode {
///     /// Update in place.
///     Upsert,
///     #[member(deprecated = "Use `UPSERT`.")]
///     OnlyCreate,
/// }
///
/// assert_eq!(Mode::OnlyCreate.name(), "ONLY_CREATE");
/// ```
pub use poniard_macros::enumeration;
/// ```
/// use poniard_sdk::prelude::*;
///
/// /// Looks after a site.
/// #[object]
/// pub struct Site {
///     source: Directory,
/// }
///
/// #[functions]
/// impl Site {
///     pub fn new(#[arg(default_path = "/", ignore = ["**/target"])] source: Directory) -> Self {
///         Self { source }
///     }
///
///     /// Names of the pages.
///     pub async fn pages(&self) -> Result<Vec<String>> {
///         Ok(self.source.glob("**/*.html").await?)
///     }
///
///     /// Fails when there is no page.
///     #[function(check)]
///     pub async fn complete(&self) -> Result<()> {
///         ensure!(!self.pages().await?.is_empty(), "there is no page");
///         Ok(())
///     }
///
///     /// Writes the list of pages down.
///     #[function(generate)]
///     pub async fn list(&self) -> Result<Changeset> {
///         let list = self.pages().await?.join("\n");
///         Ok(self.source.with_new_file("pages.txt", list).changes(self.source.clone()))
///     }
///
///     /// Serves the pages on port 80.
///     #[function(up)]
///     pub fn web(&self) -> Service {
///         let server = dag().container().from("nginx:1");
///         server.with_directory("/usr/share/nginx/html", self.source.clone()).as_service()
///     }
/// }
/// ```
pub use poniard_macros::functions;
/// ```
/// use poniard_sdk::prelude::*;
///
/// /// A page of the site.
/// #[object]
/// pub struct Page {
///     /// What it is called.
///     pub title: String,
///     /// Where it is.
///     #[field(name = "url")]
///     pub address: Option<String>,
///     // State that callers do not see.
///     source: Option<File>,
/// }
/// ```
pub use poniard_macros::object;
pub use registry::{Enumeration, Object};
pub use serde;
pub use serde_json;
pub use value::State;

/// The core API: `dagger-sdk`'s types.
///
/// ```
/// use poniard_sdk::api::{ContainerWithExecOptsBuilder, ReturnType};
/// # use poniard_sdk::dag;
///
/// let opts = ContainerWithExecOptsBuilder::default().expect(ReturnType::Any).build()?;
/// let tried = dag().container().from("alpine").with_exec_opts(vec!["false"], opts);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub use dagger_sdk as api;

/// What a module's files start with.
///
/// ```
/// use poniard_sdk::prelude::*;
/// ```
pub mod prelude {
    pub use dagger_sdk::id::IntoID;
    pub use dagger_sdk::{
        CacheSharingMode, CacheVolume, Changeset, Container, Directory, EnvFile, File, GitRef,
        GitRepository, Id, NetworkProtocol, Platform, ReturnType, Secret, Service, Socket,
        Workspace,
    };
    pub use eyre::{OptionExt, Result, WrapErr, bail, ensure, eyre};

    pub use crate::{
        Dag, EngineError, Enumeration, Nullable, State, dag, enumeration, functions, object,
    };
}

/// Makes the program of the module whose main object is given.
///
/// ```no_run
/// # use poniard_sdk::prelude::*;
/// # #[object] pub struct Hello;
/// # #[functions] impl Hello {}
/// // src/main.rs
/// poniard_sdk::main!(Hello);
/// ```
#[macro_export]
macro_rules! main {
    ($object:ty) => {
        fn main() -> ::std::process::ExitCode {
            $crate::serve::main::<$object>()
        }
    };
}

/// Fails unless `dagger.types.json` beside the crate's manifest is what the
/// module's program prints with `types`. For a test:
///
/// ```
/// # use poniard_sdk::prelude::*;
/// # #[object] pub struct Hello;
/// # #[functions] impl Hello {}
/// // In a `#[test]`:
/// fn types_are_current() {
///     poniard_sdk::assert_types_current!(Hello);
/// }
/// ```
#[macro_export]
macro_rules! assert_types_current {
    ($object:ty) => {
        $crate::testing::assert_types_current::<$object>(
            ::std::env!("CARGO_MANIFEST_DIR"),
            ::std::env!("CARGO_PKG_NAME"),
        )
    };
}

/// For code that macros emit.
#[doc(hidden)]
pub mod __private {
    pub use crate::item::{self, NoFunctions};
    pub use crate::registry::{
        Args, Enumeration, Fields, Object, Registry, member_from_api, member_into_api, put,
    };
    pub use crate::types;
    pub use crate::value::{ApiType, DefaultValue, FromApi, IntoApi, Later, default_text};
    pub use eyre::{Report, Result};
    pub use serde_json::{Map, Value};
}
