//! A server of git repositories over SSH, and the ways in which a user gives git
//! the key: by options, by a configuration, by an agent. Nothing of it is in the
//! home directory of who runs the tests.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::place::GRACE;
use tempfile::TempDir;

/// Variables of git.
type Variables = Vec<(String, String)>;

/// Dropbear for one connection. It looks for the keys of a user in the home
/// directory that `/etc/passwd` names, so it gets a file of ours in its place,
/// which nobody else sees.
const SERVE: &str = "mount --bind \"$1\" /etc/passwd && \
    PATH=$PATH:/usr/sbin exec dropbear -i -s -j -k -m -r \"$2\"";

/// A server that listens until it is dropped. Its user `git` is at home where
/// the repositories are.
pub struct Server {
    dir: TempDir,
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
}

/// An agent that holds the key, until it is dropped.
pub struct Agent {
    process: Child,
    pub variables: Variables,
}

impl Server {
    pub fn start(root: &Path) -> Self {
        let dir = tempfile::Builder::new().prefix("ssh-").tempdir();
        let dir = dir.expect("a directory");
        let path = |name: &str| dir.path().join(name);
        for name in ["key", "other-key"] {
            let line = ["-q", "-t", "ed25519", "-N", "", "-C", "tests", "-f"];
            run(Command::new("ssh-keygen").args(line).arg(path(name)));
        }
        let line = ["-t", "ed25519", "-f"];
        let said = run(Command::new("dropbearkey").args(line).arg(path("host-key")));
        let host_key = said.lines().find(|line| line.starts_with("ssh-ed25519 "));
        let host_key = host_key.expect("a public key");

        let home = root.join(".ssh");
        fs::create_dir_all(&home).expect("a directory");
        fs::copy(path("key.pub"), home.join("authorized_keys")).expect("a copy");
        let (user, group) = (rustix::process::getuid(), rustix::process::getgid());
        let (user, group) = (user.as_raw(), group.as_raw());
        let users = format!("git:x:{user}:{group}::{}:/bin/sh\n", root.display());
        fs::write(path("passwd"), users).expect("written");

        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (ip, port) = (address.ip(), address.port());
        let known = format!("git.test {host_key}\n[{ip}]:{port} {host_key}\n");
        fs::write(path("known-hosts"), known).expect("written");
        let stopped = Arc::<AtomicBool>::default();
        let (stop, files) = (stopped.clone(), [path("passwd"), path("host-key")]);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let files = files.clone();
                // Who goes away in the middle has no answer.
                thread::spawn(move || drop(serve(stream, &files)));
            }
        });
        Self {
            dir,
            address,
            stopped,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// By a configuration, in which the host `git.test` is this one.
    pub fn by_configuration(&self) -> Variables {
        let Self { address, .. } = self;
        let text = format!(
            "Host git.test\n\tHostName {}\n\tPort {}\n\tHostKeyAlias git.test\n\
             \tUserKnownHostsFile {}\n\tIdentitiesOnly yes\n\tIdentityFile {}\n",
            address.ip(),
            address.port(),
            self.path("known-hosts").display(),
            self.path("key").display()
        );
        let path = self.path("config");
        fs::write(&path, text).expect("written");
        command(&format!("-F {}", path.display()))
    }

    /// By options, with the key.
    pub fn by_key(&self) -> Variables {
        self.by_options("key", "known-hosts")
    }

    /// With a key that the server does not know.
    pub fn by_other_key(&self) -> Variables {
        self.by_options("other-key", "known-hosts")
    }

    /// As one who was never on the server.
    pub fn by_stranger(&self) -> Variables {
        self.by_options("key", "none")
    }

    fn by_options(&self, key: &str, known_hosts: &str) -> Variables {
        command(&format!(
            "-F none -o IdentitiesOnly=yes -i {} -o UserKnownHostsFile={}",
            self.path(key).display(),
            self.path(known_hosts).display()
        ))
    }

    pub fn by_agent(&self) -> Agent {
        let socket = self.path("agent");
        let mut agent = Command::new("ssh-agent");
        agent.arg("-D").arg("-a").arg(&socket).stdout(Stdio::null());
        let process = agent.spawn().expect("ssh-agent runs");
        let late = Instant::now() + GRACE;
        while !socket.exists() {
            assert!(Instant::now() < late, "ssh-agent does not listen");
            thread::sleep(Duration::from_millis(10));
        }
        let mut variables = command(&format!(
            "-F none -o IdentityFile=none -o UserKnownHostsFile={}",
            self.path("known-hosts").display()
        ));
        let socket = socket.display().to_string();
        let mut add = Command::new("ssh-add");
        run(add.arg(self.path("key")).env("SSH_AUTH_SOCK", &socket));
        variables.push(("SSH_AUTH_SOCK".into(), socket));
        Agent { process, variables }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Wakes the listener.
        drop(TcpStream::connect(self.address));
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn command(options: &str) -> Variables {
    let command = format!("ssh {options}");
    vec![("GIT_SSH_COMMAND".to_owned(), command)]
}

fn serve(stream: TcpStream, files: &[PathBuf]) -> io::Result<()> {
    let (input, output) = (stream.try_clone()?, stream);
    let served = Command::new("unshare")
        .args(["--mount", "sh", "-c", SERVE, "sh"])
        .args(files)
        .stdin(OwnedFd::from(input))
        .stdout(OwnedFd::from(output))
        .stderr(Stdio::null())
        .status();
    served.map(drop)
}

#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
