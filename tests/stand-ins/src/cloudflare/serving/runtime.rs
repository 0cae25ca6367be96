//! One Node.js process that runs every version that was asked for, each in a
//! workerd of its own. It is started with the first of them, and ends when its
//! input does: on drop, and however else this process may end.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::{OnceCell, oneshot};
use uuid::Uuid;

use crate::cloudflare::state::Version;

/// Why a version does not run, in the words of workerd.
#[derive(Debug, Clone)]
pub struct Failure(pub String);

#[derive(Default)]
pub struct Runtime {
    node: Mutex<Option<Node>>,
    ports: Mutex<HashMap<Uuid, Arc<OnceCell<u16>>>>,
    waiting: Waiting,
    folders: Mutex<Vec<TempDir>>,
}

type Waiting = Arc<Mutex<HashMap<Uuid, oneshot::Sender<Started>>>>;

/// A line of `serve.mjs`.
#[derive(Debug, Deserialize)]
struct Started {
    id: Uuid,
    port: Option<u16>,
    error: Option<String>,
}

struct Node {
    process: Child,
    input: Option<ChildStdin>,
}

impl Runtime {
    /// Where the version answers; starts it when it does not run.
    pub async fn port(
        &self,
        version: &Version,
        definition: impl FnOnce() -> std::io::Result<(Value, Option<TempDir>)>,
    ) -> Result<u16, Failure> {
        let cell = lock(&self.ports).entry(version.id).or_default().clone();
        let start = || async {
            let (definition, folder) = definition().map_err(failure)?;
            lock(&self.folders).extend(folder);
            self.start(version.id, &definition).await
        };
        cell.get_or_try_init(start).await.copied()
    }

    async fn start(&self, id: Uuid, definition: &Value) -> Result<u16, Failure> {
        let (sender, started) = oneshot::channel();
        lock(&self.waiting).insert(id, sender);
        self.send(definition).map_err(failure)?;
        match started.await {
            Ok(Started {
                port: Some(port), ..
            }) => Ok(port),
            Ok(Started { error, .. }) => Err(Failure(reason(&error.unwrap_or_default()))),
            Err(_) => Err(Failure(
                "workerd/serve.mjs ended: does `cargo xtask tools` need to run?".into(),
            )),
        }
    }

    fn send(&self, definition: &Value) -> std::io::Result<()> {
        let mut node = lock(&self.node);
        if node.is_none() {
            *node = Some(Node::start(Arc::clone(&self.waiting))?);
        }
        let input = node.as_mut().and_then(|node| node.input.as_mut());
        match input {
            Some(input) => writeln!(input, "{definition}"),
            None => Err(std::io::ErrorKind::BrokenPipe.into()),
        }
    }
}

impl Node {
    fn start(waiting: Waiting) -> std::io::Result<Node> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/workerd/serve.mjs");
        let mut command: Command = test_support::tools::command("node");
        let mut process = command
            .arg(script)
            .env(
                "STAND_INS_NODE_MODULES",
                test_support::tools::node_modules(),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = process.stdin.take();
        if let Some(output) = process.stdout.take() {
            std::thread::spawn(move || listen(output, &waiting));
        }
        Ok(Node { process, input })
    }
}

fn listen(output: ChildStdout, waiting: &Waiting) {
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        let Ok(started) = serde_json::from_str::<Started>(&line) else {
            continue;
        };
        if let Some(sender) = lock(waiting).remove(&started.id) {
            let _ = sender.send(started);
        }
    }
    lock(waiting).clear();
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.input.take());
        let deadline = Instant::now() + Duration::from_secs(5);
        while Instant::now() < deadline {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Runtime {
    /// Ends what runs. What is asked for later starts again.
    pub fn stop(&self) {
        drop(lock(&self.node).take());
        lock(&self.ports).clear();
        lock(&self.folders).clear();
    }
}

/// What workerd said, out of miniflare's report: `Uncaught Error: … at index.js:1:7`.
fn reason(report: &str) -> String {
    #[derive(Deserialize)]
    struct Line {
        message: String,
    }
    let said = report
        .lines()
        .filter_map(|line| serde_json::from_str::<Line>(line).ok());
    let said: Vec<String> = said
        .map(|line| match line.message.split_once("Uncaught") {
            Some((_, rest)) => format!("Uncaught{rest}"),
            None => line.message,
        })
        .collect();
    if said.is_empty() {
        report.to_owned()
    } else {
        said.join("\n")
    }
}

fn failure(error: std::io::Error) -> Failure {
    Failure(error.to_string())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
