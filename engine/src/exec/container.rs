//! One container: its bundle, its processes, and how all of it goes away.

use std::io::PipeWriter;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use eyre::{Result, WrapErr, bail};
use rustix::process::Signal;
use tokio::io::AsyncWriteExt;

use super::handle::ProcessHandle;
use super::output::Streams;
use super::points::{Kind, MountPoints};
use super::runtime::{Launch, Start};
use super::scrub::Secrets;
use super::user::User;
use super::{Engine, Output, Process, SandboxError, hosts, inside, spec};
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
    pub(super) async fn start(engine: Arc<Engine>, process: Process) -> Result<Self> {
        engine.prepare()?;
        let id = engine.next_id();
        let dir = engine.run_dir.join(&id);
        let user = User::resolve(&process.rootfs, &process.user)?;
        let command = command(&engine, &process, user)?;
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
        mounts.own(&resolv_conf, "/etc/resolv.conf");
        let file = dir.join("hosts");
        let address = IpAddr::from(container.attachment.address);
        let attached = hosts_file
            .unwrap_or_default()
            .write(&file, (&hostname, address), &hosts);
        container.hosts = Some(attached.wrap_err("cannot write `hosts` of a container")?);
        mounts.own(&file, "/etc/hosts");
        if let Some((bundle, target)) = container.engine.trust.bind() {
            mounts.0.push(spec::bind(bundle, target, true));
        }
        let mut wanted = Mounts::default();
        for (path, size) in &temps {
            wanted.0.push(spec::tmpfs(path, *size));
        }
        for bind in &binds {
            wanted
                .0
                .push(spec::bind(&bind.source, &bind.target, bind.read_only));
        }
        for (number, secret) in files.iter().enumerate() {
            let file = dir.join(format!("secret-{number}"));
            write_secret(&file, &rootfs, secret)?;
            wanted.0.push(spec::bind(&file, &secret.path, true));
        }
        // What lies deeper is mounted later, so that nothing is hidden.
        wanted
            .0
            .sort_by_key(|mount| mount.destination().components().count());
        mounts.0.extend(wanted.0);
        mounts.make_points(&rootfs, &mut container.points)?;
        make_cwd(&rootfs, &container.command, &mounts)?;

        let what = spec::Container {
            id: &container.id,
            rootfs: &rootfs,
            hostname: &hostname,
            netns: &container.attachment.netns,
            init: container.init.as_ref().map(|init| init.pid()),
            mounts: mounts.0,
        };
        spec::write(&dir.join("config.json"), what, &container.command)?;
        container.launch().await?;
        Ok(container)
    }

    async fn launch(&mut self) -> Result<()> {
        let words = ["run".as_ref(), "--detach".as_ref(), "--bundle".as_ref()];
        let words: [&Path; 5] = [words[0], words[1], words[2], &self.dir, self.id.as_ref()];
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
fn command(engine: &Engine, process: &Process, user: User) -> Result<spec::Command> {
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
    engine.trust.extend(&mut env);
    let cwd = Path::new("/").join(&process.cwd);
    Ok(spec::Command {
        args: process.args.clone(),
        env,
        cwd,
        user,
        privileged: process.privileged,
    })
}

fn write_secret(file: &Path, rootfs: &Path, secret: &super::SecretFile) -> Result<()> {
    let owner = User::resolve(rootfs, &secret.owner)?;
    let failed = || format!("cannot write the secret for `{}`", secret.path.display());
    std::fs::write(file, &secret.contents).wrap_err_with(failed)?;
    chown(file, Some(owner.uid), Some(owner.gid)).wrap_err_with(failed)?;
    let mode = std::fs::Permissions::from_mode(secret.mode & 0o7777);
    std::fs::set_permissions(file, mode).wrap_err_with(failed)
}

/// Mounts in order.
#[derive(Default)]
struct Mounts(Vec<oci_spec::runtime::Mount>);

impl Mounts {
    fn own(&mut self, file: &Path, target: &str) {
        self.0.push(spec::bind(file, target.as_ref(), true));
    }

    /// Makes the mount points that do not exist: in the root, or in the
    /// directory that is mounted over it there.
    fn make_points(&self, rootfs: &Path, points: &mut MountPoints) -> Result<()> {
        for target in ["/proc", "/dev", "/sys"] {
            make_point(points, rootfs, target.as_ref(), Kind::Directory)?;
        }
        for (number, mount) in self.0.iter().enumerate() {
            let target = mount.destination();
            if ["/dev", "/proc", "/sys"]
                .iter()
                .any(|kernel| target.starts_with(kernel))
            {
                continue;
            }
            let source = mount.source().as_deref().filter(|_| is_bind(mount));
            let kind = match source.map(std::fs::metadata).transpose() {
                Ok(Some(source)) if !source.is_dir() => Kind::File,
                Ok(_) => Kind::Directory,
                Err(e) => bail!(SandboxError::Runtime(format!(
                    "cannot mount at `{}`: cannot find what to mount: {e}",
                    target.display()
                ))),
            };
            match self.covering(number, target) {
                None => make_point(points, rootfs, target, kind)?,
                Some((over, rest)) if is_bind(over) => {
                    let source = over.source().clone().unwrap_or_default();
                    let read_only = over.options().iter().flatten().any(|option| option == "ro");
                    if read_only && !inside::on_host(&source, rest)?.exists() {
                        bail!(SandboxError::Runtime(format!(
                            "cannot mount at `{}`: it is not there in the read-only mount `{}`",
                            target.display(),
                            over.destination().display()
                        )));
                    }
                    make_point(points, &source, rest, kind)?;
                }
                // The runtime makes it in the temporary file system.
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// The mount before `number` on which `target` lies, and the path there.
    fn covering<'a>(
        &'a self,
        number: usize,
        target: &'a Path,
    ) -> Option<(&'a oci_spec::runtime::Mount, &'a Path)> {
        self.0[..number].iter().rev().find_map(|mount| {
            let rest = target.strip_prefix(mount.destination()).ok()?;
            (!rest.as_os_str().is_empty()).then_some((mount, rest))
        })
    }
}

fn is_bind(mount: &oci_spec::runtime::Mount) -> bool {
    mount.typ().as_deref() == Some("bind")
}

fn make_point(points: &mut MountPoints, root: &Path, target: &Path, kind: Kind) -> Result<()> {
    points.ensure(root, target, kind).map_err(|e| {
        SandboxError::Runtime(format!("cannot mount at `{}`: {e}", target.display())).into()
    })
}

/// Makes the working directory, for the user; it stays. Where something is
/// mounted, the runtime makes it.
fn make_cwd(rootfs: &Path, command: &spec::Command, mounts: &Mounts) -> Result<()> {
    let kernel = ["/dev", "/proc", "/sys"].map(Path::new);
    let mut mounted = kernel
        .into_iter()
        .chain(mounts.0.iter().map(|m| m.destination().as_path()));
    if mounted.any(|target| command.cwd.starts_with(target)) {
        return Ok(());
    }
    let make = || {
        let mut path = rootfs.to_owned();
        for name in &inside::resolve(rootfs, &command.cwd)? {
            path.push(name);
            match std::fs::create_dir(&path) {
                Ok(()) => chown(&path, Some(command.user.uid), Some(command.user.gid))?,
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    };
    make().map_err(|e| {
        let path = command.cwd.display();
        SandboxError::Runtime(format!("cannot make the working directory `{path}`: {e}")).into()
    })
}
