//! A private network for one invocation: a bridge in a network namespace of its
//! own, an address for each container, egress by NAT, and sockets inside.
//!
//! [`claim`] chooses a subnet that no other invocation has, [`netns`] makes and
//! enters namespaces, [`link`] wires them up, [`nat`] lets packets out by the
//! kernel's [`nftables`], and [`dns`] says who answers questions for names. The
//! namespaces are held by file descriptors only and the NAT table by a socket:
//! however poniard ends, the kernel takes all of it away. For an ordinary user, what
//! is the host here is a namespace of its own, which [`outside`] connects.
//!
//! ```text
//! container: eth0 10.87.N.x ── bridge 10.87.N.2 ── poniardN 10.87.N.1 :host ── NAT ──▶
//! ```

mod claim;
mod dns;
mod forward;
mod lease;
mod link;
mod nat;
mod netns;
mod nftables;
mod outside;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use eyre::{Result, WrapErr, eyre};
use tokio::sync::OnceCell;

use claim::Claim;
pub use forward::{Exposed, Forward};
use lease::{Lease, Leases};
pub use nat::packet_filter;
use netns::Netns;
use outside::Outside;
pub use outside::tunnels;

/// The network of this invocation. Made on first use.
pub struct Network {
    session: OnceCell<Session>,
    namespace: u64,
    run_dir: PathBuf,
    leases: Leases,
    /// Free for others when all of the above is gone: fields are dropped in order.
    claim: Claim,
}

/// What there is once the network is made.
struct Session {
    netns: Netns,
    links: link::Links,
    nat: Mutex<Option<nat::Nat>>,
    _dns: Option<dns::Forwarder>,
    _outside: Outside,
}

/// A container's place in the network. Dropping it frees the address.
pub struct Attachment {
    pub address: Ipv4Addr,
    /// Path of the network namespace, for the OCI runtime. Valid while the
    /// attachment lives.
    pub netns: PathBuf,
    namespace: Netns,
    _lease: Lease,
}

impl Network {
    /// `run_dir` is memory-backed and private to this invocation. Reserves a
    /// subnet; nothing is made before the first use.
    pub fn new(run_dir: &Path) -> Result<Self> {
        let claim = Claim::take()?;
        Ok(Self {
            leases: Leases::of(&claim),
            claim,
            namespace: netns::of_this_process()?,
            run_dir: run_dir.to_owned(),
            session: OnceCell::new(),
        })
    }

    /// A number that no other invocation in this network namespace has at the same
    /// time.
    pub(crate) fn number(&self) -> u8 {
        self.claim.number
    }

    /// The network namespace of this process: unique as long as it is there.
    pub(crate) fn namespace(&self) -> u64 {
        self.namespace
    }

    /// Keeps others from taking a number, unless one has it.
    pub(crate) fn reserve(number: u8) -> Option<impl Sized> {
        Claim::of(number).ok()
    }

    /// Makes it, so that the first container need not wait for it.
    pub async fn begin(&self) -> Result<()> {
        self.session().await.map(|_| ())
    }

    /// Takes away the way out, when nothing uses it any more. All else goes by itself.
    pub fn close(&self) {
        if let Some(session) = self.session.get() {
            let nat = session.nat.lock();
            drop(nat.unwrap_or_else(PoisonError::into_inner).take());
        }
    }

    /// A namespace with loopback, an address on the bridge and a default route.
    pub async fn attach(&self) -> Result<Attachment> {
        let (session, namespace) = tokio::try_join!(self.session(), Netns::make())?;
        let lease = self.leases.take()?;
        let links = &session.links;
        let namespace = links.attach(&self.claim, namespace, lease.address).await?;
        Ok(Attachment {
            address: lease.address,
            netns: namespace.path(),
            namespace,
            _lease: lease,
        })
    }

    /// Connects to a container, once: refusal is an error at once.
    pub async fn connect(
        &self,
        to: SocketAddr,
        timeout: Duration,
    ) -> Result<tokio::net::TcpStream> {
        let socket = self.session().await?.netns.tcp_socket(to).await?;
        tokio::time::timeout(timeout, socket.connect(to))
            .await
            .map_err(|_| eyre!("cannot connect to `{to}`: no answer within {timeout:?}"))?
            .wrap_err_with(|| format!("cannot connect to `{to}`"))
    }

    /// Listens on loopback inside of a container's namespace.
    pub async fn listen_in(&self, attachment: &Attachment) -> Result<tokio::net::TcpListener> {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        attachment.namespace.listen(loopback).await
    }

    /// Runs `f` on a thread of its own inside of the network, where it reaches
    /// containers by address.
    pub async fn run_in<T: Send + 'static>(
        &self,
        f: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        self.session().await?.netns.run(f).await
    }

    /// Passes TCP connections to `listen` on the host on to the container
    /// address `to`, until the result is dropped.
    pub async fn forward(&self, listen: SocketAddr, to: SocketAddr) -> Result<Forward> {
        let netns = self.session().await?.netns.clone();
        forward::to_container(listen, netns, to).await
    }

    /// Makes ports of the host (`host:back`) reachable for containers, on an
    /// address of its own at the ports `front`, until the result is dropped.
    pub async fn expose(&self, host: &str, ports: &[(u16, u16)]) -> Result<Exposed> {
        let session = self.session().await?;
        let lease = self.leases.take()?;
        session.links.add_address(lease.address).await?;
        forward::to_host(&session.netns, lease, host, ports).await
    }

    /// Contents of `/etc/resolv.conf` for containers.
    pub fn resolv_conf(&self) -> String {
        dns::Config::of_host().for_containers(self.claim.gateway())
    }

    /// Address under which a container reaches the host.
    pub fn gateway(&self) -> IpAddr {
        self.claim.gateway().into()
    }

    async fn session(&self) -> Result<&Session> {
        self.session.get_or_try_init(|| self.make()).await
    }

    async fn make(&self) -> Result<Session> {
        let outside = Outside::make(&self.run_dir).await?;
        let links = async {
            let made = link::Links::make(&self.claim, &outside).await;
            made.wrap_err("cannot make a private network")
        };
        let nat = nat::Nat::start(&self.claim, &outside);
        let ((netns, links), nat) = tokio::try_join!(links, nat)?;
        let dns = dns::Forwarder::start_if_needed(self.claim.gateway(), &outside).await?;
        Ok(Session {
            netns,
            links,
            nat: Mutex::new(Some(nat)),
            _dns: dns,
            _outside: outside,
        })
    }
}
