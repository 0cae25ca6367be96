//! Puts the whole invocation into namespaces of its own, so that the kernel
//! clears up after it: when poniard ends, however it ends, every process and
//! every mount that it made is gone.
//!
//! Three processes come out of it: the *outer* one, which the caller sees and
//! which only passes on signals and the end; *init*, PID 1 of the new PID
//! namespace, which reaps orphans; and the *worker*, in which [`isolate`]
//! returns. The worker alone waits for processes that it starts, so nothing
//! takes a child away from it.
//!
//! PIDs are small and the same in every invocation: they name nothing outside.

use std::io;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, MountPropagationFlags};

use super::signals::{Ended, SignalSet};

/// What an isolated process may rely on.
#[derive(Debug)]
pub struct Isolation {
    /// A private directory in memory that vanishes with this process.
    pub run_dir: PathBuf,
}

/// Why a process cannot be isolated.
#[derive(Debug, thiserror::Error)]
pub enum IsolationError {
    #[error(
        "cannot make namespaces: {0}; run poniard as root, or allow it the capability `CAP_SYS_ADMIN`"
    )]
    Namespaces(io::Error),
    #[error("cannot start a process: {0}")]
    Fork(io::Error),
    #[error("cannot mount `{}`: {cause}; run poniard with the capability `CAP_SYS_ADMIN` and without a security profile that forbids mounts", path.display())]
    Mount { path: PathBuf, cause: io::Error },
    #[error(
        "cannot mount `/proc`: {0}; a part of `/proc` is masked, as in most containers: run this one with `--security-opt systempaths=unconfined`, on Kubernetes with `procMount: Unmasked`, or run poniard as root"
    )]
    Masked(io::Error),
    #[error("cannot make a run directory `{}`: {cause}", path.display())]
    RunDir { path: PathBuf, cause: io::Error },
}

/// Moves the caller into new mount and PID namespaces. Returns in the worker
/// only. To be called first thing in `main`, while there is one thread.
pub fn isolate() -> Result<Isolation, IsolationError> {
    without_core_dumps();
    let flags = rustix::thread::UnshareFlags::NEWNS | rustix::thread::UnshareFlags::NEWPID;
    // SAFETY: file descriptors stay shared; only namespaces change.
    unsafe { rustix::thread::unshare_unsafe(flags) }
        .map_err(|e| IsolationError::Namespaces(e.into()))?;
    let (run_dir, temporary) = choose_run_dir()?;

    let signals = SignalSet::block();
    let status = std::io::pipe().map_err(IsolationError::Fork)?;
    match fork().map_err(IsolationError::Fork)? {
        Some(init) => {
            drop(status.1);
            outer(
                init,
                &signals,
                status.0,
                temporary.then_some(run_dir.as_path()),
            )
        }
        None => {
            drop(status.0);
            die_with_parent();
            match fork().map_err(IsolationError::Fork)? {
                Some(worker) => init(worker, &signals, status.1),
                None => {
                    drop(status.1);
                    signals.restore();
                    mount(&run_dir)?;
                    Ok(Isolation { run_dir })
                }
            }
        }
    }
}

/// The process that the caller sees: ends as the worker does.
fn outer(init: i32, signals: &SignalSet, status: io::PipeReader, remove: Option<&Path>) -> ! {
    let mut own = Ended::Code(0);
    signals.relay(init, |_, ended| own = ended);
    let ended = Ended::read(status).unwrap_or(own);
    if let Some(dir) = remove {
        let _ = rustix::mount::unmount(dir, rustix::mount::UnmountFlags::DETACH);
        let _ = std::fs::remove_dir(dir);
    }
    ended.follow()
}

/// PID 1: its end is the end of all others.
fn init(worker: i32, signals: &SignalSet, status: io::PipeWriter) -> ! {
    let mut status = Some(status);
    signals.relay(worker, |pid, ended| {
        if pid == worker
            && let Some(status) = status.take()
        {
            ended.write(status);
        }
    });
    // SAFETY: ends this process without running exit handlers of the program.
    unsafe { libc::_exit(0) }
}

fn fork() -> io::Result<Option<i32>> {
    // SAFETY: there is one thread, so the child may go on as usual.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(None),
        pid => Ok(Some(pid)),
    }
}

/// Secrets in memory are not to be in a file when a process crashes. A limit of
/// one byte, for it is heeded also where dumps go to a program, unlike zero
/// (core(5)). Not `PR_SET_DUMPABLE`: the runtime has to look into `/proc/<pid>`
/// of processes of ours.
fn without_core_dumps() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Core);
    limit.current = Some(limit.maximum.map_or(1, |maximum| maximum.min(1)));
    let _ = setrlimit(Resource::Core, limit);
}

fn die_with_parent() {
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
}

fn mount(run_dir: &Path) -> Result<(), IsolationError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |e: rustix::io::Errno| IsolationError::Mount {
            path,
            cause: e.into(),
        }
    };
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", private).map_err(failed(Path::new("/")))?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    let is_nested = crate::rootless::is_nested();
    // The kernel gives a whole `/proc` to nobody who has had less of it.
    rustix::mount::mount("proc", "/proc", "proc", flags, None).map_err(|e| match e {
        rustix::io::Errno::PERM if is_nested => IsolationError::Masked(e.into()),
        _ => failed(Path::new("/proc"))(e),
    })?;
    if !is_nested {
        super::cgroup::make_writable();
    }
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    rustix::mount::mount("poniard", run_dir, "tmpfs", flags, Some(c"mode=0700"))
        .map_err(failed(run_dir))
}

/// Where to mount: a directory that all invocations share (each has its own
/// mount there), or a temporary one, which is removed in the end. The shared one
/// stays: to remove it would take away the mounts of others.
fn choose_run_dir() -> Result<(PathBuf, bool), IsolationError> {
    for shared in [Some("/run/poniard".into()), of_user()]
        .into_iter()
        .flatten()
    {
        let made = std::fs::create_dir_all(&shared);
        if made.is_ok() || shared.is_dir() {
            return Ok((shared, false));
        }
    }
    let dir = std::env::temp_dir();
    tempfile::Builder::new()
        .prefix("poniard-")
        .tempdir_in(&dir)
        .map(|made| (made.keep(), true))
        .map_err(|cause| IsolationError::RunDir { path: dir, cause })
}

/// For a user who may not write to `/run`.
fn of_user() -> Option<PathBuf> {
    let of = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let base = of("XDG_RUNTIME_DIR").map(PathBuf::from);
    let base = base.or_else(|| Some(PathBuf::from(of("HOME")?).join(".cache")))?;
    crate::rootless::is_nested().then(|| base.join("poniard"))
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    use super::*;

    /// Not a test of its own: what the tests start in a process of its own.
    #[test]
    fn worker() {
        let Ok(mode) = std::env::var("PONIARD_TEST_WORKER") else {
            return;
        };
        let start = Instant::now();
        let isolation = match isolate() {
            Err(e) if mode == "refused" => return println!("{e}"),
            isolation => isolation.unwrap(),
        };
        let took = start.elapsed();
        match mode.as_str() {
            "tell" => {
                std::fs::write(isolation.run_dir.join("x"), "").unwrap();
                println!("dir {}", isolation.run_dir.display());
                println!("pid {}", std::process::id());
                println!(
                    "init {}",
                    std::fs::read_to_string("/proc/1/comm").unwrap().trim()
                );
                println!("micros {}", took.as_micros());
                std::process::exit(7);
            }
            "die" => {
                let _ = rustix::process::kill_process(
                    rustix::process::getpid(),
                    rustix::process::Signal::ALARM,
                );
            }
            _ => {
                let mark = std::env::var("PONIARD_TEST_MARK").unwrap();
                let mut child = Command::new("sleep").arg(&mark).spawn().unwrap();
                println!("ready");
                child.wait().unwrap();
            }
        }
    }

    fn start(mode: &str, mark: &str) -> Child {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "exec::isolate::tests::worker", "--nocapture"])
            .env("PONIARD_TEST_WORKER", mode)
            .env("PONIARD_TEST_MARK", mark)
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        // A test has two threads, unlike poniard here: the other one is not to
        // take the news of a child's end, and drop it.
        let block = || {
            // SAFETY: an empty set is a valid one, and outlives the calls.
            unsafe {
                let mut set = std::mem::zeroed();
                libc::sigaddset(&mut set, libc::SIGCHLD);
                libc::sigprocmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
            }
            Ok(())
        };
        // SAFETY: it only calls what may be called between fork and exec.
        unsafe { command.pre_exec(block) };
        command.spawn().unwrap()
    }

    /// How long to sleep: as nobody else on this machine does.
    fn mark(test: u8) -> String {
        format!("987654.{}{test}", std::process::id())
    }

    /// Processes that run `sleep` with this argument.
    fn sleepers(mark: &str) -> usize {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let line = format!("sleep\0{mark}\0");
        processes
            .filter(|entry| {
                std::fs::read(entry.path().join("cmdline")).is_ok_and(|l| l == line.as_bytes())
            })
            .count()
    }

    fn sleeping(mark: &str) -> Child {
        let mut child = start("sleep", mark);
        let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("ready")));
        await_sleepers(mark, 1);
        child
    }

    fn await_sleepers(mark: &str, count: usize) {
        let end = Instant::now() + Duration::from_secs(5);
        while sleepers(mark) != count {
            assert!(
                Instant::now() < end,
                "{} sleep, not {count}",
                sleepers(mark)
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn whoever_may_not_is_told_what_is_missing() {
        use std::os::unix::process::CommandExt;
        // The program may lie where others cannot reach it.
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(
            dir.path(),
            std::os::unix::fs::PermissionsExt::from_mode(0o755),
        )
        .unwrap();
        let copy = dir.path().join("copy");
        // Not copied here: another test may start a program meanwhile, which has
        // what is open to be written, and what is cannot be run.
        let copied = Command::new("cp")
            .arg(std::env::current_exe().unwrap())
            .arg(&copy)
            .status();
        assert!(copied.unwrap().success());
        let output = Command::new(&copy)
            .args(["--exact", "exec::isolate::tests::worker", "--nocapture"])
            .env("PONIARD_TEST_WORKER", "refused")
            .uid(65534)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            text.contains("cannot make namespaces: Operation not permitted"),
            "{text}"
        );
        assert!(text.contains("run poniard as root"), "{text}");
    }

    #[test]
    fn the_worker_has_a_private_directory_and_its_code_comes_out() {
        let output = start("tell", "").wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(7), "{text}");
        let field = |name: &str| {
            let line = text
                .lines()
                .find_map(|line| line.split_once(&format!("{name} ")));
            line.unwrap_or_else(|| panic!("no `{name}` in {text}"))
                .1
                .to_owned()
        };
        assert_eq!(field("pid"), "2");
        assert!(!Path::new(&field("dir")).join("x").exists());
        eprintln!("isolated in {} µs", field("micros"));
    }

    #[test]
    fn the_signal_that_ends_the_worker_comes_out() {
        let status = start("die", "").wait().unwrap();
        assert_eq!(status.signal(), Some(libc::SIGALRM));
    }

    #[test]
    fn a_kill_from_outside_ends_everything() {
        let mark = mark(1);
        let mut child = sleeping(&mark);
        child.kill().unwrap();
        child.wait().unwrap();
        await_sleepers(&mark, 0);
    }

    #[test]
    fn a_request_to_end_reaches_the_worker() {
        let mark = mark(2);
        let mut child = sleeping(&mark);
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGTERM));
        await_sleepers(&mark, 0);
    }
}
