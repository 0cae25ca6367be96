//! From an image that is there to an alias that serves it.
//!
//! [`update`] changes the function's code and publishes a version of it, both
//! guarded by revisions; [`wait`] polls as the waiters of AWS do; [`smoke`]
//! invokes the version; [`alias`] moves the alias, never over somebody else's
//! change; [`prune`] deletes old versions. [`plan`] looks and refuses beforehand,
//! [`publication`] is these steps in order, [`shift`] moves an alias by itself.

pub mod alias;
pub mod plan;
pub mod prune;
pub mod publication;
pub mod shift;
pub mod smoke;
pub mod update;
pub mod wait;
