//! A private network for one invocation: a bridge in a network namespace of its
//! own, an address for each container, egress by NAT, and sockets inside.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use eyre::Result;

/// The network of this invocation. Made on first use.
pub struct Network {}

/// A container's place in the network.
pub struct Attachment {
    pub address: Ipv4Addr,
    /// Path of the network namespace, for the OCI runtime.
    pub netns: PathBuf,
}

impl Network {
    /// `run_dir` is memory-backed and private to this invocation.
    pub fn new(run_dir: &Path) -> Result<Self> {
        let _ = run_dir;
        todo!()
    }

    /// A namespace with loopback, an address on the bridge and a default route.
    pub async fn attach(&self) -> Result<Attachment> {
        todo!()
    }

    /// Connects to a container.
    pub async fn connect(&self, to: SocketAddr, timeout: Duration) -> Result<tokio::net::TcpStream> {
        let _ = (to, timeout);
        todo!()
    }

    /// Listens on loopback inside of a container's namespace.
    pub async fn listen_in(&self, attachment: &Attachment) -> Result<tokio::net::TcpListener> {
        let _ = attachment;
        todo!()
    }

    /// Contents of `/etc/resolv.conf` for containers.
    pub fn resolv_conf(&self) -> String {
        todo!()
    }

    /// Address under which a container reaches the host.
    pub fn gateway(&self) -> IpAddr {
        todo!()
    }
}
