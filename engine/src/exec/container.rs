//! One container: its bundle, its processes, and how all of it goes away.

use std::io::PipeWriter;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use eyre::{Result, WrapErr, bail};
use rustix::process::Signal;
use tokio::io::AsyncWriteExt;

use super::console::Handover;
use super::handle::ProcessHandle;
use super::launch::{Launch, Start};
use super::mounts::Mounts;
use super::output::Streams;
use super::points::MountPoints;
use super::scrub::Secrets;
use super::user::User;
use super::{Engine, Output, Process, SandboxError, gpu, hosts, spec};
use crate::net::Attachment;
use crate::progress::Span;

/// A container that was started. Dropping it kills everything in it and removes
/// what was made for it; that blocks for some milliseconds.
pub(super) struct Container {
    pub(super) engine: Arc<Engine>,
    pub(super) id: String,
    /// Bundle and files, in memory.
    pub(super) dir: PathBuf,
    pub(super) command: spec::Command,
    pub(super) secrets: Secrets,
    /// PID 1; none if the command itself is.
    init: Option<Arc<ProcessHandle>>,
    launch: Option<Launch>,
    streams: Option<Streams>,
    /// Its terminal, when it has one.
    pub(super) console: Option<OwnedFd>,
    stdin: Vec<u8>,
    /// Removed when all processes are dead.
    points: MountPoints,
    hosts: Option<hosts::Attached>,
    attachment: Attachment,
}

/// The processes that matter.
#[derive(Clone)]
pub(super) struct Processes {
    init: Option<Arc<ProcessHandle>>,
    /// The command.
    pub(super) main: Arc<ProcessHandle>,
}

impl Processes {
    /// Kills everything inside. Does not wait.
    pub(super) fn kill(&self) {
        for process in self.init.iter().chain([&self.main]) {
            process.signal(Signal::KILL);
        }
    }
}

impl Container {
    /// Starts the command. When this future is dropped, nothing is left.
    pub(super) async fn start(
        engine: Arc<Engine>,
        process: Process,
        terminal: bool,
    ) -> Result<Self> {
        engine.prepare()?;
        let id = engine.next_id();
        let dir = engine.run_dir.join(&id);
        let user = User::resolve(&process.rootfs, &process.user)?;
        let command = command(&engine, &process, user, terminal)?;
        let init = match process.no_init {
            true => None,
            false => {
                let init = engine
                    .nursery()?
                    .init()
                    .wrap_err("cannot start an init process")?;
                Some(Arc::new(init))
            }
        };
        let Process {
            rootfs,
            binds,
            temps,
            files,
            hostname,
            hosts,
            hosts_file,
            gpus,
            turn: _turn,
            ..
        } = process;
        let mut container = Self {
            engine,
            id,
            dir,
            command,
            secrets: Secrets::new(process.scrub),
            init,
            launch: None,
            streams: None,
            console: None,
            stdin: process.stdin,
            points: MountPoints::default(),
            hosts: None,
            attachment: process.attachment,
        };
        let dir = container.dir.clone();
        make_private(&dir).wrap_err("cannot make the directory of a container")?;

        let mut mounts = Mounts::default();
        let resolv_conf = dir.join("resolv.conf");
        std::fs::write(&resolv_conf, container.engine.network.resolv_conf())
            .wrap_err("cannot write `resolv.conf` of a container")?;
        mounts.own(&resolv_conf, "/etc/resolv.conf".as_ref());
        let file = dir.join("hosts");
        let address = IpAddr::from(container.attachment.address);
        let attached = hosts_file
            .unwrap_or_default()
            .write(&file, (&hostname, address), &hosts);
        container.hosts = Some(attached.wrap_err("cannot write `hosts` of a container")?);
        mounts.own(&file, "/etc/hosts".as_ref());
        if let Some((bundle, target)) = container.engine.trust.bind() {
            mounts.own(bundle, target);
        }
        mounts.add(&dir, &rootfs, &temps, &binds, &files)?;
        mounts.make_points(&rootfs, &mut container.points)?;
        mounts.make_cwd(&rootfs, &container.command)?;

        let what = spec::Container {
            id: &container.id,
            rootfs: &rootfs,
            hostname: &hostname,
            netns: &container.attachment.netns,
            init: container.init.as_ref().map(|init| init.pid()),
            max_processes: container.engine.cgroups.max_processes(),
            mounts: mounts.into_list(),
            gpus: &gpus,
        };
        spec::write(&dir.join("config.json"), what, &container.command)?;
        container.launch().await?;
        Ok(container)
    }

    async fn launch(&mut self) -> Result<()> {
        let mut words: Vec<&Path> = vec!["run".as_ref(), "--detach".as_ref()];
        let socket = self.dir.join("console");
        let handover = match self.command.terminal {
            true => {
                words.extend(["--console-socket".as_ref(), socket.as_path()]);
                Some(Handover::at(&socket)?)
            }
            false => None,
        };
        words.extend(["--bundle".as_ref(), self.dir.as_path(), self.id.as_ref()]);
        let (log, pid_file) = (self.dir.join("log"), self.dir.join("pid"));
        let start = Start {
            words: &words,
            log: &log,
            pid_file: &pid_file,
            args: &self.command.args,
            stdin: !self.stdin.is_empty(),
        };
        // Kept here while it goes on: when this future is dropped, PID 1 has to be
        // killed first, on which the runtime gives up.
        let launch = self
            .launch
            .insert(Launch::begin(self.engine.runtime()?, &start)?);
        let (_, streams) = launch.complete(&start).await?;
        self.streams = Some(streams);
        self.console = handover.map(Handover::take).transpose()?;
        Ok(())
    }

    /// Waits for the command's end, passing on what it reads and writes.
    pub(super) async fn finish(mut self, span: &Span) -> Result<Output> {
        let (Some(processes), Some(streams)) = (self.processes(), self.streams.take()) else {
            bail!("the container was not started");
        };
        let input = self.launch.as_mut().and_then(|launch| launch.stdin.take());
        let stdin = std::mem::take(&mut self.stdin);
        let end = async {
            let ended = processes.main.ended().await;
            // Whatever the command has left behind ends with it, and so do the
            // pipes that it may hold open.
            processes.kill();
            ended
        };
        let collect = streams.collect(&self.secrets, Some(span), std::future::pending());
        let ((), ended, output) = tokio::join!(feed(input, stdin), end, collect);
        ended.wrap_err("cannot wait for a container")?;
        let mut output = output?;
        output.code = processes.main.reap().unwrap_or(255);
        if let Some(max) = self.engine.cgroups.exceeded(&self.id) {
            let said = format!("poniard: more than {max} processes were refused\n");
            span.output(true, said.as_bytes());
        }
        // Blocks, so not here. Waited for, as the caller's next step is to unmount
        // the root.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
        Ok(output)
    }

    /// Once started.
    pub(super) fn processes(&self) -> Option<Processes> {
        let main = self.launch.as_ref()?.main()?.clone();
        Some(Processes {
            init: self.init.clone(),
            main,
        })
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if let Some(init) = &self.init {
            init.signal(Signal::KILL);
        }
        drop(self.launch.take());
        if let Some(init) = &self.init {
            init.ended_within(Duration::from_secs(5));
        }
        self.engine.cgroups.remove(&self.id);
        drop(self.hosts.take());
        let _ = std::fs::remove_dir_all(&self.dir);
        if let Ok(runtime) = self.engine.runtime() {
            let _ = std::fs::remove_dir_all(runtime.state(&self.id));
        }
    }
}

async fn feed(pipe: Option<PipeWriter>, bytes: Vec<u8>) {
    let Some(pipe) = pipe else { return };
    if let Ok(mut pipe) = tokio::net::unix::pipe::Sender::from_owned_fd(OwnedFd::from(pipe)) {
        // The command need not read all of it.
        let _ = pipe.write_all(&bytes).await;
    }
}

fn make_private(dir: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
}

/// What is run, with the environment that every container gets.
fn command(
    engine: &Engine,
    process: &Process,
    user: User,
    terminal: bool,
) -> Result<spec::Command> {
    if process.args.is_empty() {
        bail!(SandboxError::Runtime("no command to run".into()));
    }
    let mut env = process.env.clone();
    let mut default = |name: &str, value: &str| {
        if !env.iter().any(|(set, _)| set == name) {
            env.push((name.to_owned(), value.to_owned()));
        }
    };
    default(
        "PATH",
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    );
    default("HOME", &user.home.to_string_lossy());
    if terminal {
        let own = std::env::var("TERM");
        default("TERM", own.as_deref().unwrap_or("xterm"));
    }
    engine.trust.extend(&mut env);
    gpu::extend(&mut env, &process.gpus);
    let cwd = Path::new("/").join(&process.cwd);
    Ok(spec::Command {
        args: process.args.clone(),
        env,
        cwd,
        user,
        privileged: process.privileged,
        terminal,
    })
}
