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
//! call: [`serve`] reads it, [`registry`] finds the function, [`value`] and
//! [`core`] convert what goes in and out, [`session`] carries requests, typed
//! ones of `dagger-sdk` and raw ones alike, and [`error`] brings failures back
//! whole. [`testing`] is an engine for unit tests.

pub mod core;
pub mod dag;
pub mod dependency;
pub mod error;
pub mod http;
pub mod registry;
pub mod serve;
pub mod session;
pub mod testing;
pub mod types;
pub mod value;

pub use dag::{Dag, dag};
pub use error::{EngineError, Nullable};
pub use eyre;
pub use eyre::Result;
pub use poniard_macros::{dependencies, enumeration, functions, object};
pub use registry::{Enumeration, Object};
pub use serde;
pub use serde_json;
pub use value::State;

/// The core API: `dagger-sdk`'s types.
pub use dagger_sdk as api;

/// What a module's files start with.
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
/// ```ignore
/// #[test]
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
    pub use crate::registry::{
        Args, Enumeration, Fields, Functions, NoFunctions, Object, Registry, member_from_api,
        member_into_api, no_function, put,
    };
    pub use crate::types;
    pub use crate::value::{ApiType, DefaultValue, FromApi, IntoApi, Later, default_text};
    pub use eyre::{Report, Result};
    pub use serde_json::{Map, Value};
}
