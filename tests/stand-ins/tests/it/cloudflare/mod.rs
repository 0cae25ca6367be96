//! The real Wrangler against the stand-in of Cloudflare, and visits to what it
//! deployed.

mod deploy;
mod direct;
mod failures;
mod project;
mod secrets;
mod serving;
mod versions;
