//! What this GitLab knows.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::call::Answer;
use super::{COMMIT, PROJECT, PROJECT_PATH};

#[derive(Default)]
pub struct World {
    /// The instance's address.
    pub url: String,
    pub archived: bool,
    pub limit: Option<u32>,
    pub users: Vec<User>,
    pub notes: Vec<Note>,
    pub merge_requests: Vec<MergeRequest>,
    pub statuses: Vec<Status>,
    pub deployments: Vec<Deployment>,
    pub environments: Vec<Environment>,
    /// Besides those that are always there.
    pub commits: Vec<String>,
    tokens: BTreeMap<String, (u64, Scope)>,
    window: Option<(Instant, u32)>,
    /// Counts everything that is made: it is the clock and the source of ids.
    made: u32,
}

/// What a user may do in the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    None,
    Reporter,
    Developer,
    Maintainer,
}

/// What a token may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Api,
    ReadApi,
    /// A token with neither.
    ReadRepository,
    /// The scope `api`, but over.
    Expired,
    /// `CI_JOB_TOKEN`.
    Job,
}

#[derive(Debug, Clone)]
pub struct User {
    pub id: u64,
    pub username: String,
    pub role: Role,
}

#[derive(Debug, Clone)]
pub struct MergeRequest {
    /// Over all projects of the instance.
    pub id: u64,
    /// Within the project.
    pub iid: u64,
    pub state: String,
    pub created_at: String,
}

#[derive(Debug, Clone)]
pub struct Note {
    pub id: u64,
    /// The merge request's.
    pub iid: u64,
    pub author: u64,
    pub body: String,
    pub created_at: String,
    pub updated_at: String,
}

#[derive(Debug, Clone)]
pub struct Status {
    pub id: u64,
    pub sha: String,
    pub git_ref: String,
    pub name: String,
    pub state: String,
    pub target_url: Option<String>,
    pub description: Option<String>,
    pub author: u64,
    pub created_at: String,
}

#[derive(Debug, Clone)]
pub struct Deployment {
    pub id: u64,
    pub iid: u64,
    pub sha: String,
    pub git_ref: String,
    pub tag: bool,
    pub status: String,
    pub environment: u64,
    pub user: u64,
    pub created_at: String,
    pub updated_at: String,
}

#[derive(Debug, Clone)]
pub struct Environment {
    pub id: u64,
    pub name: String,
    pub external_url: Option<String>,
}

/// Ids of gitlab.com are above 32 bits.
const FIRST_ID: u64 = 2_300_000_000;

impl World {
    pub fn user(&self, id: u64) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    pub fn token(&self, token: &str) -> Option<(User, Scope)> {
        let (id, scope) = self.tokens.get(token)?;
        Some((self.user(*id)?.clone(), *scope))
    }

    pub fn add_user(&mut self, name: &str, role: Role) -> User {
        let user = User {
            id: 1000 + u64::try_from(self.users.len()).unwrap_or_default(),
            username: name.to_owned(),
            role,
        };
        self.users.push(user.clone());
        user
    }

    pub fn add_token(&mut self, token: &str, user: u64, scope: Scope) {
        self.tokens.insert(token.to_owned(), (user, scope));
    }

    pub fn add_merge_request(&mut self, id: Option<u64>) -> MergeRequest {
        let iid = 1 + u64::try_from(self.merge_requests.len()).unwrap_or_default();
        let created_at = self.now();
        let found = MergeRequest {
            id: id.unwrap_or(400_000_000 + 10 * iid),
            iid,
            state: "opened".into(),
            created_at,
        };
        self.merge_requests.push(found.clone());
        found
    }

    pub fn merge_request_mut(&mut self, iid: u64) -> Option<&mut MergeRequest> {
        self.merge_requests.iter_mut().find(|one| one.iid == iid)
    }

    pub fn add_note(&mut self, iid: u64, author: u64, body: &str) -> Note {
        let created_at = self.now();
        let note = Note {
            id: self.new_id(),
            iid,
            author,
            body: body.to_owned(),
            updated_at: created_at.clone(),
            created_at,
        };
        self.notes.push(note.clone());
        note
    }

    pub fn new_id(&mut self) -> u64 {
        self.made += 1;
        FIRST_ID + u64::from(self.made)
    }

    /// A second after the last time it was asked.
    pub fn now(&mut self) -> String {
        self.made += 1;
        let (hours, minutes) = (self.made / 3600, self.made / 60 % 60);
        format!(
            "2026-03-02T{hours:02}:{minutes:02}:{:02}.000Z",
            self.made % 60
        )
    }

    /// GitLab's limit in front of the API answers with plain text; all else here
    /// is JSON, and so is this.
    pub fn count_request(&mut self) -> Result<(), Answer> {
        let Some(limit) = self.limit else {
            return Ok(());
        };
        let (start, count) = match self.window {
            Some((start, count)) if start.elapsed() < Duration::from_secs(1) => (start, count),
            _ => (Instant::now(), 0),
        };
        self.window = Some((start, count + 1));
        if count < limit {
            return Ok(());
        }
        let message =
            json!({ "error": "This endpoint has been requested too many times. Try again later." });
        Err(Answer::message(429, message).header("retry-after", "1".into()))
    }

    pub fn has_commit(&self, sha: &str) -> bool {
        sha == COMMIT
            || sha == COMMIT.chars().rev().collect::<String>()
            || self.commits.iter().any(|one| one == sha)
    }

    pub fn address(&self, merge_request: u64) -> String {
        format!(
            "{}/{PROJECT_PATH}/-/merge_requests/{merge_request}",
            self.url
        )
    }

    pub fn shown_user(&self, id: u64) -> Value {
        let name = self.user(id).map_or("ghost", |user| user.username.as_str());
        json!({
            "id": id,
            "username": name,
            "name": name,
            "state": "active",
            "locked": false,
            "avatar_url": null,
            "web_url": format!("{}/{name}", self.url),
        })
    }

    pub fn shown_merge_request(&self, found: &MergeRequest) -> Value {
        json!({
            "id": found.id,
            "iid": found.iid,
            "project_id": PROJECT,
            "title": format!("Change {}", found.iid),
            "description": "",
            "state": found.state,
            "created_at": found.created_at,
            "updated_at": found.created_at,
            "web_url": self.address(found.iid),
        })
    }

    pub fn shown_note(&self, note: &Note) -> Value {
        let of = self.merge_requests.iter().find(|one| one.iid == note.iid);
        json!({
            "id": note.id,
            "type": null,
            "body": note.body,
            "author": self.shown_user(note.author),
            "created_at": note.created_at,
            "updated_at": note.updated_at,
            "system": false,
            "noteable_id": of.map(|one| one.id),
            "noteable_type": "MergeRequest",
            "project_id": PROJECT,
            "resolvable": false,
            "confidential": false,
            "internal": false,
            "imported": false,
            "imported_from": "none",
            "noteable_iid": note.iid,
            "commands_changes": {},
        })
    }

    pub fn shown_status(&self, status: &Status) -> Value {
        json!({
            "id": status.id,
            "sha": status.sha,
            "ref": status.git_ref,
            "status": status.state,
            "name": status.name,
            "target_url": status.target_url,
            "description": status.description,
            "created_at": status.created_at,
            "started_at": null,
            "finished_at": null,
            "allow_failure": false,
            "coverage": null,
            "pipeline_id": 7001,
            "author": self.shown_user(status.author),
        })
    }

    pub fn shown_environment(environment: &Environment) -> Value {
        json!({
            "id": environment.id,
            "name": environment.name,
            "slug": environment.name.replace('/', "-"),
            "external_url": environment.external_url,
            "state": "available",
            "tier": "other",
        })
    }

    pub fn shown_deployment(&self, deployment: &Deployment) -> Value {
        let environment = self.environments.iter();
        let environment = environment
            .clone()
            .find(|one| one.id == deployment.environment);
        json!({
            "id": deployment.id,
            "iid": deployment.iid,
            "ref": deployment.git_ref,
            "sha": deployment.sha,
            "created_at": deployment.created_at,
            "updated_at": deployment.updated_at,
            "status": deployment.status,
            "user": self.shown_user(deployment.user),
            "environment": environment.map(World::shown_environment),
            "deployable": null,
        })
    }
}
