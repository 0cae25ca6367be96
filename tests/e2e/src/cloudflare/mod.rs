//! `cloudflare-deploy` with the real Wrangler, and visits to what it deployed.
//!
//! [`stage`] is a site, the account that it goes to and the GitLab that hears
//! of it.

mod configurations;
mod defaults;
mod deploying;
mod failures;
mod previews;
mod rollouts;
mod stage;
