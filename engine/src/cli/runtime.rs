//! The frame of commands that need the engine.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use tokio::signal::unix::{SignalKind, signal};

use crate::api::{LoadedModule, Options, Session};
use crate::client::{Engine, Failure};
use crate::exec::{Isolation, Terminal};
use crate::progress::{Mode, Renderer};
use crate::shell::Printer;
use crate::trace::otlp::Exporter;

use super::args::Global;
use super::fault;
use super::tracing::Tracing;

/// What a command works with.
pub struct Context {
    pub session: Arc<Session>,
    pub global: Global,
    pub workdir: PathBuf,
    pub state_dir: PathBuf,
    pub renderer: Renderer,
    /// For programs that the run is made for, when there is a trace.
    pub traceparent: Option<String>,
}

impl Context {
    pub fn engine(&self) -> Arc<dyn Engine> {
        self.session.clone()
    }

    /// Writes to stdout.
    pub fn printer(&self) -> Printer {
        printer(&self.renderer, std::io::stdout)
    }

    /// Writes to stderr.
    pub fn teller(&self) -> Printer {
        printer(&self.renderer, std::io::stderr)
    }

    /// The module that was asked for, or that of the working directory.
    pub async fn module(&self) -> Result<Option<LoadedModule>, Failure> {
        Ok(match &self.global.module {
            Some(reference) => Some(
                self.session
                    .load_flag(reference, &self.workdir)
                    .await
                    .map_err(|e| {
                        Failure::from(e).within(format!("cannot load module `{reference}`"))
                    })?,
            ),
            None if self.global.no_module => None,
            None => self.session.find_module(&self.workdir).await?,
        })
    }
}

fn printer<W: Write + 'static>(renderer: &Renderer, open: fn() -> W) -> Printer {
    let renderer = renderer.clone();
    Arc::new(move |text| {
        let mut result = Ok(());
        renderer.suspend(&mut || {
            let mut out = open();
            result = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        });
        renderer.wrote(text);
        result
    })
}

/// Stack of a thread: a query nests as deep as a pipeline is long.
const STACK_BYTES: usize = 64 << 20;

/// How long the end may take.
const SETTLE: std::time::Duration = std::time::Duration::from_secs(10);

/// Who gets Ctrl-C.
#[derive(Clone, Copy, PartialEq)]
pub enum Interrupts {
    /// It ends the program.
    End,
    /// The command takes care of it.
    Own,
}

/// Runs a command with a session, and closes the session whatever happens.
pub fn with_engine<F>(
    global: &Global,
    interrupts: Interrupts,
    command: impl FnOnce(Arc<Context>) -> F + Send,
) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let workdir = workdir()?;
    let state_dir = state_dir()?;
    let isolation = isolation()?;
    let mode = if global.silent {
        Mode::Silent
    } else {
        global.progress
    };
    let more = if global.debug {
        3
    } else {
        i16::from(global.verbose)
    };
    let renderer = Renderer::new(mode, more - i16::from(global.quiet));
    let (tracing, exporter) = Tracing::begin(global)?;
    let options = Options {
        state_dir: state_dir.clone(),
        config: config_file(&workdir),
        workdir: workdir.clone(),
        run_dir: isolation.run_dir.clone(),
        progress: tracing.progress(&renderer),
        terminal: terminal(global, mode, &renderer),
        lock: global.lock.unwrap_or_default(),
    };
    let (global, shown) = (global.clone(), renderer.clone());
    let traceparent = tracing.traceparent();
    let work = async move |session: Arc<Session>| {
        let context = Context {
            session,
            global,
            workdir,
            state_dir,
            renderer: shown,
            traceparent,
        };
        command(Arc::new(context)).await
    };
    // The main thread has a small stack, so the work gets another.
    let result = std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().name("poniard".to_owned());
        let thread = builder.stack_size(STACK_BYTES).spawn_scoped(scope, || {
            block_on(options, interrupts, (&tracing, exporter), work)
        })?;
        thread.join().unwrap_or_else(|_| {
            let failed = Err(fault::failure());
            tracing.end(&failed);
            failed
        })
    });
    renderer.finish();
    tracing.close(&renderer);
    result
}

/// What the process may rely on. The first to ask for it does so before there are
/// threads, which do not survive it.
fn isolation() -> Result<&'static Isolation, Failure> {
    static ISOLATION: OnceLock<Isolation> = OnceLock::new();
    if let Some(isolation) = ISOLATION.get() {
        return Ok(isolation);
    }
    crate::rootless::enter().map_err(|error| Failure::new(error.to_string()))?;
    let isolation = crate::exec::isolate().map_err(|error| Failure::new(error.to_string()))?;
    Ok(ISOLATION.get_or_init(|| isolation))
}

fn block_on<F>(
    options: Options,
    interrupts: Interrupts,
    (tracing, exporter): (&Tracing, Option<Exporter>),
    work: impl FnOnce(Arc<Session>) -> F,
) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(STACK_BYTES)
        .build()?;
    let result = runtime.block_on(async {
        let export = tracing.export(exporter);
        let session = Session::start(options).await?;
        let result = tokio::select! {
            result = work(session.clone()) => result,
            code = interrupted(interrupts) => Err(code?),
        };
        tracing.end(&result);
        // A second signal does not wait for the end of what runs. One Ctrl-C may
        // come several times, from the terminal and passed on: for a command that
        // took care of it, that is none.
        let closed = tokio::select! {
            closed = session.close() => closed.map_err(Failure::from),
            code = interrupted(interrupts) => Err(code?),
        };
        let result = result.and(closed);
        if result.is_err() {
            tracing.end(&result);
        }
        export.finish().await;
        result
    });
    // What was dropped on the way kills its containers and removes what they
    // had; that must be done before the process ends.
    runtime.shutdown_timeout(SETTLE);
    result
}

/// Waits for a signal; gives what the program ends with.
async fn interrupted(interrupts: Interrupts) -> Result<Failure, Failure> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let code = loop {
        tokio::select! {
            _ = interrupt.recv() => if interrupts == Interrupts::End { break 130 },
            _ = terminate.recv() => break 143,
            _ = hangup.recv() => break 129,
        }
    };
    Ok(Failure {
        code,
        ..Failure::new("cancelled")
    })
}

/// The terminal for containers: there is one where progress is a live tree.
fn terminal(global: &Global, mode: Mode, renderer: &Renderer) -> Terminal {
    let on_failure = global.interactive.then(|| {
        let command = global.interactive_command.as_deref().unwrap_or("/bin/sh");
        command.split_whitespace().map(str::to_owned).collect()
    });
    let live = matches!(mode, Mode::Auto | Mode::Tty)
        && std::io::stdin().is_terminal()
        && std::io::stdout().is_terminal();
    let mut terminal = match mode {
        Mode::Silent => Terminal::refused("running shell in silent mode is not supported"),
        _ if !live => Terminal::refused("running shell without the TUI is not supported"),
        _ => {
            let renderer = renderer.clone();
            Terminal::new(move |paused| renderer.pause(paused))
        }
    };
    terminal.on_failure = on_failure;
    terminal
}

fn workdir() -> Result<PathBuf, Failure> {
    std::env::current_dir().map_err(|e| Failure::new(format!("there is no working directory: {e}")))
}

/// `PONIARD_STATE`, or `poniard` among the user's state.
pub fn state_dir() -> Result<PathBuf, Failure> {
    let of = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(dir) = of("PONIARD_STATE") {
        return Ok(absolute(&dir));
    }
    let base = of("XDG_STATE_HOME").or_else(|| Some(of("HOME")?.join(".local/state")));
    match base {
        Some(base) => Ok(absolute(&base.join("poniard"))),
        None => Err(Failure::new(
            "there is no place for the state: set `PONIARD_STATE` or `HOME`",
        )),
    }
}

/// `PONIARD_CONFIG`, or the nearest `poniard.toml` upward, or the user's.
pub fn config_file(workdir: &Path) -> Option<PathBuf> {
    const NAME: &str = "poniard.toml";
    if let Some(file) = std::env::var_os("PONIARD_CONFIG").filter(|value| !value.is_empty()) {
        return Some(absolute(Path::new(&file)));
    }
    let upward = workdir
        .ancestors()
        .map(|dir| dir.join(NAME))
        .find(|file| file.is_file());
    let of_user = || {
        let base = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
        let base =
            base.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".config")))?;
        Some(base.join("poniard").join(NAME)).filter(|file| file.is_file())
    };
    upward.or_else(of_user)
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
