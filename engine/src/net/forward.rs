//! TCP connections passed on between the host and the network.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use eyre::{Result, WrapErr};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::lease::Lease;
use super::netns::Netns;

/// A port of the host that leads to a container, until dropped.
pub struct Forward {
    /// Where it listens: the port is a free one if none was asked for.
    pub listen: SocketAddr,
    _tasks: JoinSet<()>,
}

/// Ports of the host that containers reach, until dropped.
pub struct Exposed {
    /// Address for containers.
    pub address: Ipv4Addr,
    _lease: Lease,
    _tasks: JoinSet<()>,
}

pub(super) async fn to_container(
    listen: SocketAddr,
    netns: Netns,
    to: SocketAddr,
) -> Result<Forward> {
    let listener = TcpListener::bind(listen)
        .await
        .wrap_err_with(|| format!("cannot listen on `{listen}`"))?;
    let listen = listener
        .local_addr()
        .wrap_err("cannot tell the port of a socket")?;
    let mut tasks = JoinSet::new();
    tasks.spawn(pass(listener, move || {
        let netns = netns.clone();
        async move {
            let socket = netns.tcp_socket(to).await.map_err(io::Error::other)?;
            socket.connect(to).await
        }
    }));
    Ok(Forward {
        listen,
        _tasks: tasks,
    })
}

pub(super) async fn to_host(
    netns: &Netns,
    lease: Lease,
    host: &str,
    ports: &[(u16, u16)],
) -> Result<Exposed> {
    let mut tasks = JoinSet::new();
    for (front, back) in ports {
        let listener = netns
            .listen(SocketAddr::from((lease.address, *front)))
            .await?;
        let to = (host.to_owned(), *back);
        tasks.spawn(pass(listener, move || {
            let to = to.clone();
            async move { TcpStream::connect((to.0.as_str(), to.1)).await }
        }));
    }
    Ok(Exposed {
        address: lease.address,
        _lease: lease,
        _tasks: tasks,
    })
}

/// Joins each connection with one that `connect` makes. Connections end with
/// the listener.
async fn pass<F>(listener: TcpListener, connect: impl Fn() -> F)
where
    F: Future<Output = io::Result<TcpStream>> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        // Fails when there are too many open files: other connections go on.
        let Ok((mut client, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        let server = connect();
        connections.spawn(async move {
            if let Ok(mut server) = server.await {
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            }
        });
    }
}
