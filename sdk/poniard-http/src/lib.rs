//! HTTP client for modules that talk to an API.
//!
//! An [`Api`] knows the address, the credentials and how long to be patient; a
//! [`Request`] is one call of it. What can be repeated is repeated: requests
//! that change nothing twice (`GET`, `PUT`, `DELETE`, …) after a fault of the
//! network or the server, all others only when they were surely not taken. An
//! [`Error`] says which API, which request, what it answered and what to do
//! next, and never a credential.
//!
//! ```no_run
//! # async fn example(token: &str) -> Result<(), poniard_http::Error> {
//! let api = poniard_http::Api::new("GitLab", "https://gitlab.com/api/v4")?
//!     .secret_header("PRIVATE-TOKEN", token)?;
//! let user: serde_json::Value = api.get("/user").send().await?.json()?;
//! # Ok(()) }
//! ```
//!
//! Who speaks another protocol takes the [`authorities`] that it trusts, or the
//! [`agent`] alone.
//!
//! Requests block a thread of tokio's pool: `ureq` compiles in a third of the
//! time of an asynchronous client, and a module makes few requests at once.

#![cfg_attr(test, allow(clippy::unwrap_used))]
#![deny(missing_docs)]
#![deny(rustdoc::broken_intra_doc_links)]

mod api;
mod error;
mod request;
mod response;
mod retry;
mod tls;

pub use api::Api;
pub use error::Error;
pub use request::Request;
pub use response::Response;
pub use tls::{agent, authorities};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// RFC 3986's unreserved characters stay as they are.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// `text` as one segment of a path, or as a value of a query: `group/site` is
/// `group%2Fsite`.
///
/// ```
/// assert_eq!(poniard_http::encode("group/site"), "group%2Fsite");
/// ```
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}
