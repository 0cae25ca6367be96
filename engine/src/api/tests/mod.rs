//! The API from within: real files, real containers, one state directory.

mod commands;
mod defaults;
mod git;
mod gpus;
mod lock;
mod module_source;
mod query;
mod recall;
mod secrets;
mod served;
mod type_defs;

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::QueryError;
use super::client::{Client, Core, Shared};
use crate::exec::Terminal;
use crate::graph::engine::{Engine, Options};
use crate::lock::Mode;
use crate::progress::Progress;

/// A project and a state directory.
pub(super) struct Bench(tempfile::TempDir);

impl Bench {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["work", "run"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        Self(dir)
    }

    fn work(&self, path: &str) -> PathBuf {
        self.0.path().join("work").join(path)
    }

    fn state(&self) -> PathBuf {
        self.0.path().join("state")
    }

    /// The caller in a run of its own.
    pub(super) fn caller(&self) -> Arc<Client> {
        self.caller_with(Mode::Disabled)
    }

    /// The caller in a run of its own with a lock.
    fn caller_with(&self, lock: Mode) -> Arc<Client> {
        let engine = Engine::start(Options {
            state_dir: self.state(),
            workdir: self.work(""),
            config: None,
            run_dir: self.0.path().join("run"),
            progress: Progress::silent(),
            terminal: Terminal::refused("there is no terminal in tests"),
            lock,
        });
        Client::caller(Shared::new(engine.unwrap(), Core::make().unwrap()))
    }
}

/// Runs a query that succeeds; gives the value that all its levels lead to.
async fn value(client: &Arc<Client>, query: &str) -> Json {
    let result = client.query(query, Json::Null).await;
    let mut value = result.unwrap_or_else(|error| panic!("{query}: {error}"));
    while let Some(fields) = value.as_object()
        && fields.len() == 1
    {
        value = fields.values().next().cloned().unwrap();
    }
    value
}

/// Runs `git` in a directory of the project.
fn git(bench: &Bench, dir: &str, args: &[&str]) -> String {
    let output = std::process::Command::new("git")
        .args(["-c", "user.name=Ann", "-c", "user.email=ann@shop.test"])
        .args(args)
        .current_dir(bench.work(dir))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

async fn id(client: &Arc<Client>, query: &str) -> String {
    let value = value(client, query).await;
    value.as_str().expect("an id").to_owned()
}

async fn error(client: &Arc<Client>, query: &str) -> QueryError {
    client.query(query, json!({})).await.unwrap_err()
}

/// Id of a container with a shell of this machine.
async fn shell(bench: &Bench, client: &Arc<Client>) -> String {
    let root = bench.0.path().join("rootfs");
    let program = std::fs::canonicalize("/bin/sh").unwrap();
    let ldd = std::process::Command::new("ldd")
        .arg(&program)
        .output()
        .unwrap();
    let text = String::from_utf8(ldd.stdout).unwrap();
    let libraries = text.split_whitespace().filter(|word| word.starts_with('/'));
    let places = libraries.map(|path| (PathBuf::from(path), path.trim_start_matches('/')));
    for (source, place) in places.chain([(program.clone(), "bin/sh")]) {
        let target = root.join(place);
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(source, target).unwrap();
    }
    let root = root.display();
    let files = id(
        client,
        &format!(r#"{{host{{directory(path:"{root}"){{id}}}}}}"#),
    )
    .await;
    id(
        client,
        &format!(r#"{{container{{withRootfs(directory:"{files}"){{id}}}}}}"#),
    )
    .await
}
