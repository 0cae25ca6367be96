//! Who answers questions for names. Names of services are in `/etc/hosts`; for
//! the rest, containers ask the name servers of the host. A server that listens
//! on the host's loopback cannot be reached from a container: then we pass on
//! questions, on the gateway's address.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use eyre::{Result, WrapErr};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::AbortHandle;

use super::outside::Outside;

/// The parts of `resolv.conf` that containers get.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Config {
    servers: Vec<IpAddr>,
    /// Lines `search`, `domain` and `options`.
    rest: Vec<String>,
}

impl Config {
    /// That of the host; where it is only a local cache of systemd, what stands
    /// behind the cache.
    pub(super) fn of_host() -> Self {
        let read = |path| Self::parse(&std::fs::read_to_string(path).unwrap_or_default());
        let config = read("/etc/resolv.conf");
        if config.servers.iter().all(IpAddr::is_loopback) {
            let behind = read("/run/systemd/resolve/resolv.conf");
            if !behind.servers.is_empty() {
                return behind;
            }
        }
        config
    }

    fn parse(text: &str) -> Self {
        let mut config = Self::default();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("nameserver"), Some(server)) => {
                    // A zone (`fe80::1%eth0`) has no meaning elsewhere.
                    config.servers.extend(server.parse::<IpAddr>());
                }
                (Some("search" | "domain" | "options"), Some(_)) => {
                    config.rest.push(line.trim().to_owned());
                }
                _ => {}
            }
        }
        // The resolver's own default, resolv.conf(5).
        if config.servers.is_empty() {
            config.servers.push(Ipv4Addr::LOCALHOST.into());
        }
        config
    }

    pub(super) fn for_containers(&self, gateway: Ipv4Addr) -> String {
        let mut lines = Vec::new();
        for server in &self.servers {
            // The network has no IPv6 route: such servers are asked by us.
            let reachable = server.is_ipv4() && !server.is_loopback();
            let server = if reachable { *server } else { gateway.into() };
            let line = format!("nameserver {server}");
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        lines.extend(self.rest.iter().cloned());
        lines.join("\n") + "\n"
    }

    /// The server that we pass questions on to, if containers cannot reach it.
    fn hidden(&self) -> Option<IpAddr> {
        self.servers
            .iter()
            .copied()
            .find(|server| server.is_loopback() || server.is_ipv6())
    }
}

/// Passes questions on until dropped.
pub(super) struct Forwarder(Vec<AbortHandle>);

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

impl Forwarder {
    pub(super) async fn start_if_needed(
        gateway: Ipv4Addr,
        outside: &Outside,
    ) -> Result<Option<Self>> {
        let Some(server) = Config::of_host().hidden() else {
            return Ok(None);
        };
        match Self::start((gateway, 53).into(), (server, 53).into(), outside).await {
            Ok(forwarder) => Ok(Some(forwarder)),
            // A name server of the host that listens on every address: it will
            // answer itself.
            Err(e) if e.kind() == io::ErrorKind::AddrInUse => Ok(None),
            Err(e) => {
                Err(e).wrap_err_with(|| format!("cannot answer questions for names on `{gateway}`"))
            }
        }
    }

    /// Listens outside, and asks as the host.
    async fn start(listen: SocketAddr, server: SocketAddr, outside: &Outside) -> io::Result<Self> {
        let bind = move || {
            let udp = std::net::UdpSocket::bind(listen)?;
            let tcp = std::net::TcpListener::bind(udp.local_addr()?)?;
            udp.set_nonblocking(true)?;
            tcp.set_nonblocking(true)?;
            Ok::<_, io::Error>((udp, tcp))
        };
        let (udp, tcp) = outside.run(bind).await.map_err(io::Error::other)??;
        let (udp, tcp) = (
            Arc::new(UdpSocket::from_std(udp)?),
            TcpListener::from_std(tcp)?,
        );
        let datagrams = tokio::spawn(pass_datagrams(udp, server));
        let streams = tokio::spawn(pass_streams(tcp, server));
        Ok(Self(vec![datagrams.abort_handle(), streams.abort_handle()]))
    }
}

async fn pass_datagrams(socket: Arc<UdpSocket>, server: SocketAddr) {
    let mut question = vec![0; 65536];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut question).await else {
            continue;
        };
        let (socket, question) = (socket.clone(), question[..length].to_vec());
        tokio::spawn(async move {
            if let Some(answer) = ask(&question, server).await {
                let _ = socket.send_to(&answer, from).await;
            }
        });
    }
}

async fn ask(question: &[u8], server: SocketAddr) -> Option<Vec<u8>> {
    let any = match server {
        SocketAddr::V4(_) => "0.0.0.0:0",
        SocketAddr::V6(_) => "[::]:0",
    };
    let socket = UdpSocket::bind(any).await.ok()?;
    socket.connect(server).await.ok()?;
    socket.send(question).await.ok()?;
    let mut answer = vec![0; 65536];
    let patience = Duration::from_secs(10);
    let length = tokio::time::timeout(patience, socket.recv(&mut answer))
        .await
        .ok()?
        .ok()?;
    answer.truncate(length);
    Some(answer)
}

async fn pass_streams(listener: TcpListener, server: SocketAddr) {
    loop {
        let Ok((mut client, _)) = listener.accept().await else {
            continue;
        };
        tokio::spawn(async move {
            if let Ok(mut server) = TcpStream::connect(server).await {
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 87, 1, 1);

    #[test]
    fn servers_of_the_host_are_kept_with_its_search_list() {
        let config =
            Config::parse("# c\nnameserver 192.0.2.53\nsearch a.test b.test\noptions ndots:5\n");
        assert_eq!(
            config.for_containers(GATEWAY),
            "nameserver 192.0.2.53\nsearch a.test b.test\noptions ndots:5\n"
        );
        assert_eq!(config.hidden(), None);
    }

    #[test]
    fn servers_out_of_reach_are_replaced_by_the_gateway() {
        let config = Config::parse("nameserver 127.0.0.53\nnameserver ::1\nnameserver 192.0.2.1\n");
        assert_eq!(
            config.for_containers(GATEWAY),
            "nameserver 10.87.1.1\nnameserver 192.0.2.1\n"
        );
        assert_eq!(config.hidden(), Some("127.0.0.53".parse().unwrap()));
        assert_eq!(
            Config::parse("").for_containers(GATEWAY),
            "nameserver 10.87.1.1\n"
        );
    }

    #[tokio::test]
    async fn a_question_and_its_answer_are_passed_on() {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        tokio::spawn(async move {
            let mut buffer = [0; 512];
            let (length, from) = server.recv_from(&mut buffer).await.unwrap();
            buffer[..length].reverse();
            server.send_to(&buffer[..length], from).await.unwrap();
        });
        let listen = std::net::UdpSocket::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let outside = Outside::make(std::path::Path::new("/")).await.unwrap();
        let _forwarder = Forwarder::start(listen, address, &outside).await.unwrap();
        assert_eq!(ask(b"abc", listen).await.unwrap(), b"cba");
    }
}
