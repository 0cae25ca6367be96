//! What the account holds: workers with their versions, deployments, secrets and
//! assets. Everything that an endpoint reads or writes is here, nothing else is.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use axum::body::Bytes;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::assets::Session;

#[derive(Debug, Default)]
pub struct State {
    pub workers: BTreeMap<String, Worker>,
    /// Upload sessions by the token that was issued for them.
    pub sessions: HashMap<String, Session>,
    /// Contents by worker and hash: what one worker uploaded, it need not upload again.
    pub contents: HashMap<(String, String), Asset>,
    /// Requests that no endpoint here answers.
    pub unknown: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct Worker {
    pub name: String,
    /// 32 hexadecimal digits; the `worker_tag` of Wrangler's output.
    pub tag: String,
    pub created_on: String,
    pub modified_on: String,
    pub tags: Vec<String>,
    /// `wrangler` or `api`, by the client of the last upload.
    pub last_deployed_from: &'static str,
    pub subdomain: Subdomain,
    /// Settings that are not part of a version: logpush, observability, tail consumers.
    pub settings: Map<String, Value>,
    pub schedules: Vec<Value>,
    /// Oldest first; the last is the newest.
    pub versions: Vec<Arc<Version>>,
    /// Oldest first; the last is live.
    pub deployments: Vec<Deployment>,
    /// Preview aliases, and the version that each stands for.
    pub aliases: BTreeMap<String, Uuid>,
    /// How many requests its deployments have answered.
    pub visits: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Subdomain {
    pub enabled: bool,
    pub previews_enabled: bool,
}

/// An uploaded version: never changed once it is there.
#[derive(Debug, Clone)]
pub struct Version {
    pub id: Uuid,
    pub number: usize,
    pub created_on: String,
    /// What led to it: `upload`, `version_upload`, `secret`.
    pub triggered_by: &'static str,
    pub annotations: BTreeMap<String, String>,
    pub source: &'static str,
    pub etag: String,
    pub main_module: Option<String>,
    pub compatibility_date: Option<String>,
    pub compatibility_flags: Vec<String>,
    pub modules: Vec<Module>,
    pub bindings: Vec<Binding>,
    pub assets: Option<Assets>,
    /// The uploaded metadata, without secrets and tokens.
    pub metadata: Value,
}

#[derive(Debug, Clone)]
pub struct Module {
    pub name: String,
    pub content_type: String,
    pub contents: Bytes,
}

/// A binding as it was uploaded; the text of a secret is only ever served to the worker.
#[derive(Clone)]
pub struct Binding {
    pub name: String,
    pub kind: String,
    pub rest: Map<String, Value>,
}

impl Binding {
    pub fn is_secret(&self) -> bool {
        self.kind == "secret_text" || self.kind == "secret_key"
    }

    /// As the API shows it: secrets by name and type alone.
    pub fn shown(&self) -> Value {
        let mut shown = Map::new();
        shown.insert("name".into(), self.name.clone().into());
        shown.insert("type".into(), self.kind.clone().into());
        if !self.is_secret() {
            shown.extend(self.rest.clone());
        }
        Value::Object(shown)
    }
}

impl std::fmt::Debug for Binding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.shown())
    }
}

/// Files of a version and how they are served.
#[derive(Debug, Clone)]
pub struct Assets {
    /// By path, as in the manifest: `/index.html`.
    pub files: BTreeMap<String, Asset>,
    /// `html_handling`, `not_found_handling`, `run_worker_first`, `_headers`, `_redirects`.
    pub config: Map<String, Value>,
}

#[derive(Debug, Clone)]
pub struct Asset {
    pub hash: String,
    pub content_type: Option<String>,
    pub contents: Bytes,
}

#[derive(Debug, Clone)]
pub struct Deployment {
    pub id: Uuid,
    pub created_on: String,
    pub source: &'static str,
    pub annotations: BTreeMap<String, String>,
    /// Versions and the percentage of requests that each answers.
    pub versions: Vec<(Uuid, f64)>,
}

impl Worker {
    pub fn new(name: &str, from: &'static str) -> Worker {
        let now = now();
        Worker {
            name: name.to_owned(),
            tag: Uuid::new_v4().simple().to_string(),
            created_on: now.clone(),
            modified_on: now,
            tags: Vec::new(),
            last_deployed_from: from,
            subdomain: Subdomain::default(),
            settings: Map::new(),
            schedules: Vec::new(),
            versions: Vec::new(),
            deployments: Vec::new(),
            aliases: BTreeMap::new(),
            visits: 0,
        }
    }

    pub fn version(&self, id: Uuid) -> Option<&Arc<Version>> {
        self.versions.iter().find(|version| version.id == id)
    }

    pub fn latest(&self) -> Option<&Arc<Version>> {
        self.versions.last()
    }

    pub fn live(&self) -> Option<&Deployment> {
        self.deployments.last()
    }

    /// Adds a version under the next number, and moves the alias that it names.
    pub fn add(&mut self, mut version: Version) -> Arc<Version> {
        version.number = self.versions.len() + 1;
        self.modified_on = version.created_on.clone();
        self.last_deployed_from = version.source;
        if let Some(alias) = version.annotations.get("workers/alias") {
            self.aliases.insert(alias.clone(), version.id);
        }
        let version = Arc::new(version);
        self.versions.push(version.clone());
        version
    }

    /// Makes one version answer every request.
    pub fn deploy(&mut self, version: &Version, triggered_by: &str) {
        let mut annotations = version.annotations.clone();
        annotations.retain(|name, _| name == "workers/message");
        annotations.insert("workers/triggered_by".into(), triggered_by.into());
        self.deployments.push(Deployment {
            id: Uuid::new_v4(),
            created_on: now(),
            source: version.source,
            annotations,
            versions: vec![(version.id, 100.0)],
        });
    }

    pub fn secret_names(&self) -> BTreeSet<String> {
        let bindings = self.latest().map(|version| version.bindings.as_slice());
        bindings
            .unwrap_or_default()
            .iter()
            .filter(|binding| binding.is_secret())
            .map(|binding| binding.name.clone())
            .collect()
    }
}

/// The time as the API writes it.
pub fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}
