//! Network namespaces: made and entered by threads that end afterwards, so that
//! no thread of the program is ever left in a foreign one.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use eyre::{Result, WrapErr, eyre};
use rtnetlink::Handle;
use rustix::thread::{LinkNameSpaceType, UnshareFlags};
use tokio::net::{TcpListener, TcpSocket};

/// What names the namespace of this process as long as it is there.
pub(super) fn of_this_process() -> Result<u64> {
    let path = "/proc/self/ns/net";
    let found = std::fs::metadata(path).wrap_err_with(|| format!("cannot read `{path}`"))?;
    Ok(found.ino())
}

/// A network namespace; the kernel removes it with the last holder.
#[derive(Clone)]
pub(super) struct Netns(Arc<OwnedFd>);

impl Netns {
    /// A new namespace and a handle that configures it.
    pub(super) async fn make() -> Result<(Self, Handle)> {
        let runtime = tokio::runtime::Handle::current();
        on_thread(move || {
            // SAFETY: file descriptors stay shared; only the network changes.
            unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNET) }?;
            let fd = std::fs::File::open("/proc/thread-self/ns/net")?;
            let _context = runtime.enter();
            Ok((Self(Arc::new(fd.into())), open(&runtime)?))
        })
        .await?
        .map_err(|e: io::Error| {
            eyre!("cannot make a network namespace: {e}; poniard needs root with `CAP_SYS_ADMIN` and `CAP_NET_ADMIN`")
        })
    }

    /// Path by which other processes find the namespace while this one lives.
    pub(super) fn path(&self) -> PathBuf {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd()).into()
    }

    /// Runs `f` inside.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        f: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let fd = self.0.clone();
        on_thread(move || {
            rustix::thread::move_into_link_name_space(
                fd.as_fd(),
                Some(LinkNameSpaceType::Network),
            )?;
            Ok(f())
        })
        .await?
        .map_err(|e: io::Error| eyre!("cannot enter a network namespace: {e}"))
    }

    /// A socket that belongs to the namespace, fit for `address`.
    pub(super) async fn tcp_socket(&self, address: SocketAddr) -> Result<TcpSocket> {
        let make = move || match address {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        };
        self.run(make).await?.wrap_err("cannot make a socket")
    }

    pub(super) async fn listen(&self, address: SocketAddr) -> Result<TcpListener> {
        let socket = self.tcp_socket(address).await?;
        socket
            .set_reuseaddr(true)
            .and_then(|()| socket.bind(address))
            .and_then(|()| socket.listen(1024))
            .wrap_err_with(|| format!("cannot listen on `{address}`"))
    }
}

impl AsFd for Netns {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A handle that configures the network namespace of the calling thread.
pub(super) fn open(runtime: &tokio::runtime::Handle) -> io::Result<Handle> {
    let (connection, handle, _) = rtnetlink::new_connection()?;
    runtime.spawn(connection);
    Ok(handle)
}

async fn on_thread<T: Send + 'static>(
    f: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<io::Result<T>> {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("netns".into())
        .spawn(move || tell.send(f()).ok())
        .wrap_err("cannot start a thread")?;
    told.await
        .wrap_err("a thread in a network namespace has panicked")
}
