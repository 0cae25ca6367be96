//! Commands: what they run in, what they leave, and remembering it.
//!
//! The cache key of a command is the digest of everything it sees: the content
//! of its file systems, arguments, variables, fingerprints of secrets, names of
//! cache volumes and services. Variables that are volatile do not count.//!
//! [`key`] makes it, [`stage`] mounts what the command sees, with cache volumes
//! by [`volume`]; [`recipes`] runs the steps of image recipes.

mod key;
mod recipes;
mod stage;
pub mod terminal;
mod volume;

use std::sync::Arc;
use std::time::Instant;

use eyre::{Result, bail};
use futures::FutureExt;
use serde::{Deserialize, Serialize};

use super::container::Container;
use super::engine::blocking;
use super::fs::on_task;
use super::memo::Work;
use super::{Engine, Failure, Fs, failure};
use crate::exec::{Running, SandboxError};
use crate::progress::{Span, Waited};
use crate::store::{Digest, Hasher, Snapshot};
pub use recipes::Recipes;
pub use stage::Stage;
use stage::{redirect, stage};

/// A command to be run in a container.
pub struct Exec {
    pub container: Container,
    pub args: Vec<String>,
    pub stdin: String,
    pub redirect_stdin: Option<String>,
    pub redirect_stdout: Option<String>,
    pub redirect_stderr: Option<String>,
    pub expect: Expect,
    pub privileged: bool,
    pub no_init: bool,
    /// Whether it gets a session of the engine.
    pub nested: bool,
}

impl Exec {
    /// Of no command yet.
    pub fn of(container: &Container) -> Self {
        Self {
            container: container.clone(),
            args: Vec::new(),
            stdin: String::new(),
            redirect_stdin: None,
            redirect_stdout: None,
            redirect_stderr: None,
            expect: Expect::Success,
            privileged: false,
            no_init: false,
            nested: false,
        }
    }
}

/// Which exit codes are fine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    Success,
    Failure,
    /// All but those of signals, 128 to 191.
    Any,
}

/// What a command left.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    pub root: Snapshot,
    /// By the place of the mount; none for what is not kept.
    pub mounts: Vec<Option<Snapshot>>,
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    pub combined: String,
    /// Bytes that each of the three lacks at its beginning.
    #[serde(default)]
    pub left_out: [u64; 3],
}

impl Outcome {
    pub fn stdout(&self) -> Result<&String> {
        whole(&self.stdout, "standard output", self.left_out[0])
    }

    pub fn stderr(&self) -> Result<&String> {
        whole(&self.stderr, "standard error", self.left_out[1])
    }

    pub fn combined(&self) -> Result<&String> {
        whole(&self.combined, "output", self.left_out[2])
    }
}

fn whole<'a>(text: &'a String, name: &str, left_out: u64) -> Result<&'a String> {
    if left_out == 0 {
        return Ok(text);
    }
    let bytes = text.len() as u64 + left_out;
    bail!(
        "the {name} of the command has {bytes} bytes, and a string at most {}: let the command write to a file",
        crate::exec::MAX_OUTPUT_BYTES
    )
}

/// A command under way, waited for by many.
pub type Shared = Work<Arc<Outcome>>;

/// Prepares a command; it runs when somebody waits for it.
pub fn shared(engine: &Arc<Engine>, exec: Exec) -> Shared {
    let engine = engine.clone();
    async move { once(&engine, Arc::new(exec)).await.map_err(Failure::from) }
        .boxed()
        .shared()
}

pub async fn wait(shared: &Shared) -> Result<Arc<Outcome>> {
    Ok(on_task(shared.clone()).await?)
}

/// The root file system after the command.
pub fn root(shared: &Shared) -> Fs {
    let shared = shared.clone();
    Fs::lazy(async move { Ok(wait(&shared).await?.root.clone()) })
}

/// A mounted file system after the command.
pub fn mount(shared: &Shared, n: usize) -> Fs {
    let shared = shared.clone();
    Fs::lazy(async move {
        match wait(&shared).await?.mounts.get(n) {
            Some(Some(snapshot)) => Ok(snapshot.clone()),
            _ => bail!("mount {n} was not kept"),
        }
    })
}

/// Runs a command unless an equal one runs or ran.
async fn once(engine: &Arc<Engine>, exec: Arc<Exec>) -> Result<Arc<Outcome>> {
    let asked = Instant::now();
    let key = exec.key(engine).await?;
    let waited = Waited {
        inputs: asked.elapsed(),
        ..Waited::default()
    };
    let running = engine.execs.once(key, || {
        let engine = engine.clone();
        async move { remembered(&engine, &exec, key, waited).await }.boxed()
    });
    Ok(on_task(running).await?)
}

async fn remembered(
    engine: &Arc<Engine>,
    exec: &Exec,
    key: Digest,
    waited: Waited,
) -> Result<Arc<Outcome>> {
    let name = exec.args.join(" ");
    let cached = || engine.store.cached::<Outcome>("exec", &key);
    if let Some(outcome) = cached() {
        engine.progress.start_after(waited, name).finish_cached();
        return Ok(Arc::new(outcome));
    }
    engine.executor.begin();
    // One at a time over all processes: the second one finds it in the cache.
    let asked = Instant::now();
    let _lock = engine.store.lock(&format!("exec-{}", key.hex())).await?;
    let waited = Waited {
        turn: asked.elapsed(),
        ..waited
    };
    if let Some(outcome) = cached() {
        engine.progress.start_after(waited, name).finish_cached();
        return Ok(Arc::new(outcome));
    }
    let span = engine.progress.start_after(waited, name);
    let run = run(engine, exec, key, &span);
    match span.current().scope(run).await {
        Ok(outcome) => {
            engine.store.remember("exec", &key, &outcome)?;
            span.finish();
            Ok(Arc::new(outcome))
        }
        Err(error) => {
            span.fail(error.to_string());
            Err(error)
        }
    }
}

impl Exec {
    fn judge(&self, code: i32) -> bool {
        match self.expect {
            Expect::Success => code == 0,
            Expect::Failure => (1..=127).contains(&code) || code > 191,
            Expect::Any => !(128..=191).contains(&code),
        }
    }
}

async fn run(engine: &Arc<Engine>, exec: &Exec, key: Digest, span: &Span) -> Result<Outcome> {
    let stdin = match &exec.redirect_stdin {
        Some(path) => exec.container.file(engine, path)?.contents(engine).await?,
        None => exec.stdin.clone().into_bytes(),
    };
    let (stage, mut process) = stage(engine, exec).await?;
    process.stdin = stdin;
    process.env.extend(traceparent(span));
    let terminal = terminal::after_failure(engine, &process).await?;
    let output = engine
        .gate
        .pass(engine.executor.run(process, span))
        .await
        .map_err(|error| sandbox(error, exec))?;

    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    if !exec.judge(output.code) {
        let (out, err) = (
            failure::tail(&stdout, output.left_out[0]),
            failure::tail(&stderr, output.left_out[1]),
        );
        let failure = Failure::exec(&exec.args, output.code, &out, &err);
        if let Some(process) = terminal {
            terminal::open(engine, process, &failure.message).await?;
        }
        return Err(failure.into());
    }
    for (path, contents, left_out) in [
        (&exec.redirect_stdout, &output.stdout, output.left_out[0]),
        (&exec.redirect_stderr, &output.stderr, output.left_out[1]),
    ] {
        if let Some(path) = path {
            if left_out > 0 {
                bail!(
                    "cannot redirect output to `{path}`: it has more than {} bytes; let the command write to a file",
                    crate::exec::MAX_OUTPUT_BYTES
                );
            }
            redirect(exec, &stage, &exec.container.absolute(path), contents)?;
        }
    }
    let Stage {
        root,
        mounts,
        _read_only,
        _locks,
        _session,
    } = stage;
    blocking(move || {
        let part = |name: String| Hasher::new("outcome-1").with(key).with(name).digest();
        let kept = mounts
            .into_iter()
            .enumerate()
            .map(|(n, mount)| {
                mount
                    .map(|(mount, _)| mount.commit(part(format!("mount {n}"))))
                    .transpose()
            })
            .collect::<Result<_>>()?;
        Ok(Outcome {
            root: root.commit(part("root".to_owned()))?,
            mounts: kept,
            code: output.code,
            stdout,
            stderr,
            combined: text(&output.combined),
            left_out: output.left_out,
        })
    })
    .await
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A failure of the sandbox with the exit code that Dagger gives it.
fn sandbox(error: eyre::Report, exec: &Exec) -> eyre::Report {
    let code = match error.downcast_ref::<SandboxError>() {
        Some(SandboxError::User { .. }) => 255,
        Some(SandboxError::Command { .. }) => 1,
        _ => return error,
    };
    Failure::with_exec(Failure::of(&error).message, &exec.args, code, "", "").into()
}
/// The variable by which a program's own spans become part of its step.
pub fn traceparent(span: &Span) -> Option<(String, String)> {
    Some(("TRACEPARENT".to_owned(), span.traceparent()?))
}

/// Starts a command as a service; gives what it needs and its address.
pub async fn spawn(
    engine: &Arc<Engine>,
    exec: &Exec,
    hostname: &str,
    span: Span,
) -> Result<(Running, Stage, std::net::Ipv4Addr)> {
    let (stage, mut process) = stage(engine, exec).await?;
    process.hostname = hostname.to_owned();
    process.env.extend(traceparent(&span));
    let address = process.attachment.address;
    let running = engine
        .gate
        .pass(engine.executor.spawn(process, span))
        .await
        .map_err(|error| sandbox(error, exec))?;
    Ok((running, stage, address))
}
