//! GitLab's REST API, as far as notes on merge requests, commit statuses,
//! deployments and environments go, and pages that show the notes.
//!
//! A request is read and checked ([`call`]), its token becomes a user
//! ([`access`]), and one file for each kind of thing answers. [`world`] is what
//! GitLab knows; tests read it through [`Gitlab`].
//!
//! Sources: <https://docs.gitlab.com/api/rest/> and what GitLab's own API code
//! answers. Stricter than GitLab in one thing: a parameter that an endpoint does
//! not have is an error, where GitLab ignores it.

mod access;
mod call;
mod deployments;
mod environments;
mod merge_requests;
mod notes;
mod page;
mod statuses;
mod world;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::response::Response;

pub use world::{Deployment, Environment, MergeRequest, Note, Role, Scope, Status, User};

use crate::{Faults, Request, Server};
use call::{Answer, Call};
use world::World;

/// A running stand-in, with the project 42 `shop/site`. It ends with this value.
pub struct Gitlab {
    server: Server,
    world: Arc<Mutex<World>>,
    /// What the address has behind the host.
    root: String,
}

/// Number and path of the project.
pub const PROJECT: u64 = 42;
pub const PROJECT_PATH: &str = "shop/site";
/// A commit that the project has.
pub const COMMIT: &str = "6104942438c14ec7bd21c6cd5bd995272b3faff6";

impl Gitlab {
    pub fn start() -> std::io::Result<Self> {
        Self::start_on(0, "")
    }

    /// An installation below a path: `/gitlab`.
    pub fn start_at(root: &str) -> std::io::Result<Self> {
        Self::start_on(0, root)
    }

    pub fn start_on(port: u16, root: &str) -> std::io::Result<Self> {
        let world = Arc::new(Mutex::new(World::default()));
        let (of_router, below) = (Arc::clone(&world), root.to_owned());
        let router = Router::new().fallback(move |request: axum::extract::Request| {
            answer(Arc::clone(&of_router), below.clone(), request)
        });
        let server = Server::start_on(port, router)?;
        lock(&world).url = format!("{}{root}", server.url());
        Ok(Self {
            server,
            world,
            root: root.to_owned(),
        })
    }

    /// Its address, as `$CI_SERVER_URL`.
    pub fn url(&self) -> String {
        format!("{}{}", self.server.url(), self.root)
    }

    pub fn faults(&self) -> &Faults {
        self.server.faults()
    }

    /// What the API was asked, without the requests for pages.
    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }

    pub fn forget_requests(&self) {
        self.server.forget_requests();
    }

    /// A new user of the project, none with [`Role::None`].
    pub fn user(&self, name: &str, role: Role) -> User {
        self.world().add_user(name, role)
    }

    /// Lets `token` act for a user.
    pub fn token(&self, token: &str, user: &User, scope: Scope) {
        self.world().add_token(token, user.id, scope);
    }

    /// A new open merge request; its instance-wide id is far above its number.
    pub fn merge_request(&self) -> MergeRequest {
        self.world().add_merge_request(None)
    }

    /// One with this instance-wide id.
    pub fn merge_request_with_id(&self, id: u64) -> MergeRequest {
        self.world().add_merge_request(Some(id))
    }

    /// Another commit that the project has.
    pub fn commit(&self, sha: &str) {
        self.world().commits.push(sha.to_owned());
    }

    /// `opened`, `closed` or `merged`.
    pub fn set_state(&self, iid: u64, state: &str) {
        if let Some(found) = self.world().merge_request_mut(iid) {
            state.clone_into(&mut found.state);
        }
    }

    /// A note that somebody writes by other means.
    pub fn note(&self, iid: u64, author: &User, body: &str) -> Note {
        self.world().add_note(iid, author.id, body)
    }

    /// The notes of a merge request, oldest first.
    pub fn notes(&self, iid: u64) -> Vec<Note> {
        let world = self.world();
        let notes = world.notes.iter().filter(|note| note.iid == iid);
        notes.cloned().collect()
    }

    pub fn state_of(&self, iid: u64) -> String {
        let mut world = self.world();
        let found = world.merge_request_mut(iid);
        found.map_or_else(String::new, |found| found.state.clone())
    }

    pub fn statuses(&self) -> Vec<Status> {
        self.world().statuses.clone()
    }

    pub fn deployments(&self) -> Vec<Deployment> {
        self.world().deployments.clone()
    }

    pub fn environments(&self) -> Vec<Environment> {
        self.world().environments.clone()
    }

    /// Makes the project read-only.
    pub fn archive(&self) {
        self.world().archived = true;
    }

    /// After so many requests, the others are over the limit until a second has
    /// passed.
    pub fn limit(&self, requests: u32) {
        self.world().limit = Some(requests);
    }

    fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }
}

fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(
    world: Arc<Mutex<World>>,
    root: String,
    request: axum::extract::Request,
) -> Response {
    let call = match Call::read(request, &root).await {
        Ok(call) => call,
        Err(answer) => return answer.into(),
    };
    let mut world = lock(&world);
    let result = match call.segments().as_slice() {
        ["api", "v4", path @ ..] => api(&mut world, &call, path),
        [group, project, "-", "merge_requests", iid] => {
            page::merge_request(&world, &format!("{group}/{project}"), iid)
        }
        _ => Err(Answer::not_found()),
    };
    result.unwrap_or_else(|refusal| refusal).into()
}

fn api(world: &mut World, call: &Call, path: &[&str]) -> Result<Answer, Answer> {
    world.count_request()?;
    let user = access::user(world, call)?;
    let (method, project) = match path {
        ["user"] => return access::show(world, call, &user),
        ["projects", project, ..] => (call.method(), *project),
        _ => return Err(Answer::not_found()),
    };
    access::project(world, &user, project)?;
    match (method, &path[2..]) {
        ("GET", []) => merge_requests::project(world, call),
        ("GET", ["merge_requests"]) => merge_requests::list(world, call),
        ("GET", ["merge_requests", iid]) => merge_requests::show(world, call, iid),
        (_, ["merge_requests", iid, "notes", rest @ ..]) => {
            notes::answer(world, call, &user, iid, rest)
        }
        ("POST", ["statuses", sha]) => statuses::set(world, call, &user, sha),
        ("GET", ["repository", "commits", sha, "statuses"]) => statuses::list(world, call, sha),
        (_, ["deployments", rest @ ..]) => deployments::answer(world, call, &user, rest),
        (_, ["environments", rest @ ..]) => environments::answer(world, call, &user, rest),
        _ => Err(Answer::not_found()),
    }
}
