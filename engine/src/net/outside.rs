//! Where the network meets the world: in the host's own network or, for an ordinary
//! user who may not change that, in a namespace that `slirp4netns` connects. It
//! carries packets as a program of the user would send them.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use eyre::{Result, WrapErr, bail, eyre};
use rtnetlink::Handle;
use tokio::process::{Child, Command};

use super::netns::{Netns, open};

/// The host's network, or one that stands for it.
pub(super) struct Outside(Option<User>);

struct User {
    netns: Netns,
    handle: Handle,
    _slirp: Child,
}

/// No invocation claims it for containers.
const SUBNET: &str = "10.87.0.0/24";
/// Packets never are on a wire: few large ones cost less.
const MTU: u32 = 65520;
/// Time that `slirp4netns` may take.
const PATIENCE: Duration = Duration::from_secs(10);

impl Outside {
    pub(super) async fn make(run_dir: &Path) -> Result<Self> {
        Ok(Self(match is_foreign() {
            true => Some(User::start(run_dir).await?),
            false => None,
        }))
    }

    /// Runs `f` there. What it starts and opens belongs there.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        f: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let Some(user) = &self.0 else { return Ok(f()) };
        let runtime = tokio::runtime::Handle::current();
        let f = move || {
            let _context = runtime.enter();
            f()
        };
        user.netns.run(f).await
    }

    /// What configures it.
    pub(super) fn handle(&self) -> Result<Handle> {
        if let Some(user) = &self.0 {
            return Ok(user.handle.clone());
        }
        let runtime = tokio::runtime::Handle::current();
        open(&runtime).wrap_err("cannot open a netlink socket")
    }

    /// Largest packet, unless the host's own interfaces say it.
    pub(super) fn mtu(&self) -> Option<u32> {
        self.0.as_ref().map(|_| MTU)
    }
}

/// Whether the network around us belongs to others, so that we may not change it:
/// namespaces above our own cannot be asked for.
fn is_foreign() -> bool {
    const NS_GET_USERNS: libc::Ioctl = 0xb701;
    let Ok(network) = File::open("/proc/thread-self/ns/net") else {
        return false;
    };
    // SAFETY: ioctl_ns(2); gives a new descriptor or fails.
    let owner = unsafe { libc::ioctl(network.as_raw_fd(), NS_GET_USERNS) };
    if owner < 0 {
        return io::Error::last_os_error().raw_os_error() == Some(libc::EPERM);
    }
    // SAFETY: the descriptor is new and ours.
    drop(unsafe { std::os::fd::OwnedFd::from_raw_fd(owner) });
    false
}

impl User {
    async fn start(run_dir: &Path) -> Result<Self> {
        tunnels()?;
        let (netns, handle) = Netns::make().await?;
        let (mut told, tell) = io::pipe().wrap_err("cannot make a pipe")?;
        let log = run_dir.join("slirp4netns");
        let file = File::create(&log).wrap_err("cannot write a log")?;
        let ready = tell.as_raw_fd();
        let mut command = Command::new("slirp4netns");
        command
            .args(["--configure", "--disable-host-loopback", "--disable-dns"])
            .args(["--enable-sandbox", "--enable-seccomp"])
            .arg(format!("--mtu={MTU}"))
            .arg(format!("--cidr={SUBNET}"))
            .arg(format!("--ready-fd={ready}"))
            // Ends with us.
            .arg("--exit-fd=0")
            .arg("--netns-type=path")
            .arg(netns.path())
            .arg("tap0")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(file)
            // Out of reach of the terminal's signals.
            .process_group(0)
            .kill_on_drop(true);
        // SAFETY: a plain system call.
        unsafe {
            command.pre_exec(move || match libc::fcntl(ready, libc::F_SETFD, 0) {
                -1 => Err(io::Error::last_os_error()),
                _ => Ok(()),
            });
        }
        let slirp = command.spawn().map_err(|e| {
            eyre!("cannot run `slirp4netns`: {e}; install it (`apt-get install slirp4netns`) and have it in `PATH`: containers of an ordinary user reach the network by it; or run poniard as root")
        })?;
        drop(tell);
        let wait = tokio::task::spawn_blocking(move || told.read_exact(&mut [0]).is_ok());
        if !matches!(tokio::time::timeout(PATIENCE, wait).await, Ok(Ok(true))) {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            let said = said
                .trim()
                .lines()
                .next_back()
                .unwrap_or("it is not ready")
                .to_owned();
            bail!("cannot connect containers to the network: `slirp4netns`: {said}");
        }
        Ok(Self {
            netns,
            handle,
            _slirp: slirp,
        })
    }
}

/// Whether this user can make network interfaces for programs.
pub fn tunnels() -> Result<()> {
    const PATH: &str = "/dev/net/tun";
    let opened = File::options().read(true).write(true).open(PATH);
    opened.map(drop).map_err(|e| {
        let mend = match e.kind() {
            io::ErrorKind::PermissionDenied => "let users open it: `chmod 0666 /dev/net/tun`",
            _ => "load the kernel's module: `modprobe tun`",
        };
        eyre!("cannot open `{PATH}`: {e}; {mend}")
    })
}
