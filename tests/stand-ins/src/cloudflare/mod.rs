//! Cloudflare's API for Workers, as far as Wrangler asks it, and the workers
//! themselves behind it.
//!
//! [`api`] answers and checks, [`state`] keeps what was uploaded, [`serving`]
//! answers visitors with it. Tests read and visit through [`Cloudflare`].

mod answer;
mod api;
mod assets;
pub mod faults;
mod names;
mod open;
mod serving;
mod state;
mod upload;

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::middleware;

use api::Access;
pub use open::Page;
pub use state::{Asset, Assets, Binding, Deployment, Module, Subdomain, Version, Worker};

use crate::{Faults, Request, Server};

/// A running stand-in. It ends with this value.
pub struct Cloudflare {
    server: Server,
    /// The same for names that resolve to this machine itself.
    local: Server,
    shared: Shared,
}

/// Who the account belongs to and who may ask.
#[derive(Debug, Clone)]
pub struct Settings {
    /// May read and write.
    pub token: String,
    /// May read, and is refused everything else.
    pub read_only_token: String,
    /// 32 hexadecimal digits.
    pub account_id: String,
    pub account_name: String,
    pub email: String,
    /// Workers answer at `<worker>.<subdomain>.workers.dev`.
    pub subdomain: String,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            token: "cf-test-token-1fN9cYkV3mQ8".into(),
            read_only_token: "cf-test-token-readonly-7Hd2".into(),
            account_id: "023e105f4ecef8ad9ca31a8372d0c353".into(),
            account_name: "Stand-in".into(),
            email: "deploy@example.com".into(),
            subdomain: "stand-in".into(),
        }
    }
}

impl Settings {
    fn access(&self, token: &str) -> Access {
        match token {
            token if token == self.token => Access::Write,
            token if token == self.read_only_token => Access::Read,
            _ => Access::None,
        }
    }

    /// Where workers answer.
    fn domain(&self) -> String {
        format!("{}.workers.dev", self.subdomain)
    }
}

/// What the endpoints share.
#[derive(Clone)]
pub(crate) struct Shared {
    settings: Arc<Settings>,
    state: Arc<Mutex<state::State>>,
    runtime: Arc<serving::runtime::Runtime>,
    client: reqwest::Client,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, state::State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cloudflare {
    pub fn start() -> std::io::Result<Cloudflare> {
        Cloudflare::start_on(0, Settings::default())
    }

    pub fn start_on(port: u16, settings: Settings) -> std::io::Result<Cloudflare> {
        let shared = Shared {
            settings: Arc::new(settings),
            state: Arc::default(),
            runtime: Arc::default(),
            client: open::client()?,
        };
        let by_host = middleware::from_fn_with_state(shared.clone(), serving::by_host);
        let router = api::router(shared.clone()).layer(by_host);
        let server = Server::start_on(port, router.clone())?;
        // On the same port, unless that is taken there.
        let loopback = |port| Server::start_at((Ipv4Addr::LOCALHOST, port).into(), router.clone());
        let local = loopback(server.address().port()).or_else(|_| loopback(0))?;
        Ok(Cloudflare {
            local,
            server,
            shared,
        })
    }

    /// For `CLOUDFLARE_API_BASE_URL`.
    pub fn api_url(&self) -> String {
        format!("{}/client/v4", self.server.url())
    }

    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    pub fn faults(&self) -> &Faults {
        self.server.faults()
    }

    /// What the API was asked; visits to workers are not among it.
    pub fn requests(&self) -> Vec<Request> {
        let mut requests = self.server.requests();
        requests.retain(|request| request.path.starts_with("/client/v4/"));
        requests
    }

    pub fn forget_requests(&self) {
        self.server.forget_requests();
    }

    /// A worker as it is now.
    pub fn worker(&self, name: &str) -> Option<Worker> {
        self.shared.state().workers.get(name).cloned()
    }

    pub fn worker_names(&self) -> Vec<String> {
        self.shared.state().workers.keys().cloned().collect()
    }

    /// Requests that no endpoint answers: each is a gap of the stand-in, or a
    /// client that asks for what Cloudflare does not have.
    pub fn unknown_requests(&self) -> Vec<String> {
        self.shared.state().unknown.clone()
    }
}

impl Drop for Cloudflare {
    fn drop(&mut self) {
        self.shared.runtime.stop();
    }
}
