//! What deploying needs to know of a configuration, for one environment.

use poniard_sdk::eyre::Report;
use poniard_sdk::prelude::*;

use super::document::{Document, Node, Value};

/// The settings that count in one environment.
#[derive(Debug)]
pub struct Settings {
    pub document: Document,
    /// Name of the worker at Cloudflare.
    pub worker: String,
    /// Name of the worker without environments, when it is set.
    pub service: Option<String>,
    /// The script; none for a site of static files.
    pub main: Option<Named>,
    /// The directory of static files.
    pub assets: Option<Named>,
    pub account_id: Option<String>,
    /// Whether every version gets an address of its own, when that is set.
    pub preview_urls: Option<Flag>,
}

/// A path, the field that holds it and where that is.
#[derive(Clone, Debug)]
pub struct Named {
    pub field: String,
    pub path: String,
    pub at: usize,
}

#[derive(Clone, Copy, Debug)]
pub struct Flag {
    pub set: bool,
    pub at: usize,
}

impl Settings {
    pub fn read(name: &str, text: &str, env: Option<&str>) -> Result<Self> {
        let document = Document::parse(name, text)?;
        let scopes = Scopes::new(&document, env)?;
        if let Some((field, node)) = scopes.find("pages_build_output_dir") {
            return Err(document.error(
                node.at,
                format!(
                    "`{field}` belongs to Cloudflare Pages: for Workers, name the directory in `assets.directory`"
                ),
            ));
        }
        let worker = scopes.worker()?;
        let service = match document.root.get("name").map(|node| &node.value) {
            Some(Value::Text(name)) => Some(name.clone()),
            _ => None,
        };
        let main = scopes.path("main")?;
        let assets = match scopes.path("assets.directory")? {
            Some(directory) => Some(directory),
            None => scopes.path("site.bucket")?,
        };
        if main.is_none() && assets.is_none() {
            return Err(document.error(
                document.root.at,
                "neither `main` nor `assets.directory` is set: there is nothing to deploy",
            ));
        }
        // A script of its own would build without its sources, and again.
        if let (None, Some((field, node))) = (&main, scopes.find("build.command")) {
            return Err(document.error(
                node.at,
                format!("`{field}`: build before deploying, and remove it"),
            ));
        }
        let account_id = scopes.text("account_id")?.map(|(_, text, _)| text);
        let preview_urls = scopes.flag("preview_urls")?;
        Ok(Self {
            worker,
            service,
            main,
            assets,
            account_id,
            preview_urls,
            document,
        })
    }

    /// An error at a field that holds a path.
    pub fn error(&self, named: &Named, message: impl std::fmt::Display) -> Report {
        self.document
            .error(named.at, format!("`{}`: {message}", named.field))
    }
}

/// Where settings are looked up: the environment first, then the top.
struct Scopes<'a> {
    document: &'a Document,
    env: Option<(&'a str, &'a Node)>,
}

impl<'a> Scopes<'a> {
    fn new(document: &'a Document, env: Option<&'a str>) -> Result<Self> {
        let Some(name) = env else {
            return Ok(Self {
                document,
                env: None,
            });
        };
        let all = document.root.get("env");
        if let Some(node) = all.and_then(|all| all.get(name)) {
            if node.entries().is_none() {
                let message = format!("`env.{name}` must be an object, it is {}", node.kind());
                return Err(document.error(node.at, message));
            }
            let env = Some((name, node));
            return Ok(Self { document, env });
        }
        let names: Vec<_> = all
            .and_then(Node::entries)
            .unwrap_or_default()
            .iter()
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        let known = match names.is_empty() {
            true => "it has no `env`".to_owned(),
            false => format!("`env` has {}", names.join(", ")),
        };
        let at = all.map_or(document.root.at, |node| node.at);
        Err(document.error(at, format!("no environment `{name}`: {known}")))
    }

    /// The node of a dotted path and its full name. An environment that sets
    /// the first part sets all of it: Wrangler inherits whole values.
    fn find(&self, path: &str) -> Option<(String, &'a Node)> {
        let first = path.split('.').next().unwrap_or(path);
        let (prefix, scope) = match self.env {
            Some((name, node)) if node.get(first).is_some() => (format!("env.{name}."), node),
            _ => (String::new(), &self.document.root),
        };
        let node = path.split('.').try_fold(scope, |node, key| node.get(key))?;
        Some((format!("{prefix}{path}"), node))
    }

    fn text(&self, path: &str) -> Result<Option<(String, String, usize)>> {
        let Some((field, node)) = self.find(path) else {
            return Ok(None);
        };
        match &node.value {
            Value::Text(text) => Ok(Some((field, text.clone(), node.at))),
            _ => Err(self.wrong(&field, node, "a text")),
        }
    }

    fn flag(&self, path: &str) -> Result<Option<Flag>> {
        match self.find(path) {
            None => Ok(None),
            Some((field, node)) => match node.value {
                Value::Flag(set) => Ok(Some(Flag { set, at: node.at })),
                _ => Err(self.wrong(&field, node, "a boolean")),
            },
        }
    }

    fn path(&self, path: &str) -> Result<Option<Named>> {
        let Some((field, path, at)) = self.text(path)? else {
            return Ok(None);
        };
        let problem = if path.trim().is_empty() {
            "is empty"
        } else if path.starts_with('/') {
            "must be relative to the configuration"
        } else {
            return Ok(Some(Named { field, path, at }));
        };
        Err(self.document.error(at, format!("`{field}` {problem}")))
    }

    /// An environment without a name of its own gets `<name>-<environment>`.
    fn worker(&self) -> Result<String> {
        if let Some((env, node)) = self.env
            && node.get("name").is_none()
        {
            let top = Scopes {
                document: self.document,
                env: None,
            };
            return Ok(format!("{}-{env}", top.worker()?));
        }
        let Some((field, name, at)) = self.text("name")? else {
            let message = "`name` is missing: set the worker's name";
            return Err(self.document.error(self.document.root.at, message));
        };
        let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        let good = !name.is_empty() && !name.starts_with('-') && name.chars().all(valid);
        if !good {
            let message = format!(
                "`{field}` is `{name}`: a worker's name has lower-case letters, digits, `-` and `_` only, and does not start with `-`"
            );
            return Err(self.document.error(at, message));
        }
        Ok(name)
    }

    fn wrong(&self, field: &str, node: &Node, wanted: &str) -> Report {
        let message = format!("`{field}` must be {wanted}, it is {}", node.kind());
        self.document.error(node.at, message)
    }
}
