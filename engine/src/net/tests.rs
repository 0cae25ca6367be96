use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

fn network() -> (tempfile::TempDir, Network) {
    let dir = tempfile::tempdir().unwrap();
    let network = Network::new(dir.path()).unwrap();
    (dir, network)
}

const PATIENCE: Duration = Duration::from_secs(60);

/// Answers each connection with `greeting`.
fn greet(listener: TcpListener, greeting: &'static str) {
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(greeting.as_bytes()).await.unwrap();
        }
    });
}

async fn heard(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn containers_and_host_reach_each_other_by_address() {
    let (_dir, network) = network();
    let start = Instant::now();
    let (a, b) = (
        network.attach().await.unwrap(),
        network.attach().await.unwrap(),
    );
    eprintln!("two attachments: {:?}", start.elapsed());
    let start = Instant::now();
    let _c = network.attach().await.unwrap();
    eprintln!("one more: {:?}", start.elapsed());
    assert_ne!(a.address, b.address);

    let at_b = SocketAddr::from((b.address, 8080));
    greet(b.namespace.listen(at_b).await.unwrap(), "from b");
    let start = Instant::now();
    assert_eq!(
        heard(network.connect(at_b, PATIENCE).await.unwrap()).await,
        "from b"
    );
    eprintln!("first connection: {:?}", start.elapsed());
    let socket = a.namespace.tcp_socket(at_b).await.unwrap();
    assert_eq!(heard(socket.connect(at_b).await.unwrap()).await, "from b");

    let at_host = TcpListener::bind((network.gateway(), 0)).await.unwrap();
    let address = at_host.local_addr().unwrap();
    greet(at_host, "from the host");
    let socket = a.namespace.tcp_socket(address).await.unwrap();
    assert_eq!(
        heard(socket.connect(address).await.unwrap()).await,
        "from the host"
    );
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_refused_at_once() {
    let (_dir, network) = network();
    let a = network.attach().await.unwrap();
    let error = network
        .connect((a.address, 81).into(), PATIENCE)
        .await
        .unwrap_err();
    assert!(format!("{error:#}").contains("refused"), "{error:#}");
}

#[tokio::test]
async fn listening_inside_is_on_loopback_of_that_container_only() {
    let (_dir, network) = network();
    let (a, b) = (
        network.attach().await.unwrap(),
        network.attach().await.unwrap(),
    );
    let listener = network.listen_in(&a).await.unwrap();
    let address = listener.local_addr().unwrap();
    greet(listener, "api");
    let inside = a.namespace.tcp_socket(address).await.unwrap();
    assert_eq!(heard(inside.connect(address).await.unwrap()).await, "api");
    let outside = b.namespace.tcp_socket(address).await.unwrap();
    assert!(outside.connect(address).await.is_err());
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_forward_leads_from_the_host_into_a_container() {
    let (_dir, network) = network();
    let a = network.attach().await.unwrap();
    let inside = SocketAddr::from((a.address, 80));
    greet(a.namespace.listen(inside).await.unwrap(), "web");
    let forward = network
        .forward(([127, 0, 0, 1], 0).into(), inside)
        .await
        .unwrap();
    assert_eq!(
        heard(TcpStream::connect(forward.listen).await.unwrap()).await,
        "web"
    );
    let listen = forward.listen;
    drop(forward);
    assert!(TcpStream::connect(listen).await.is_err());
}

#[tokio::test]
async fn an_exposed_port_leads_from_a_container_to_the_host() {
    let (_dir, network) = network();
    let a = network.attach().await.unwrap();
    let on_host = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = on_host.local_addr().unwrap().port();
    greet(on_host, "database");
    let exposed = network.expose("localhost", &[(5432, port)]).await.unwrap();
    let address = SocketAddr::from((exposed.address, 5432));
    let socket = a.namespace.tcp_socket(address).await.unwrap();
    assert_eq!(
        heard(socket.connect(address).await.unwrap()).await,
        "database"
    );
}

#[tokio::test]
async fn a_closure_runs_inside_of_the_network() {
    let (_dir, network) = network();
    let a = network.attach().await.unwrap();
    let inside = SocketAddr::from((a.address, 80));
    greet(a.namespace.listen(inside).await.unwrap(), "web");
    let read = move || std::io::read_to_string(std::net::TcpStream::connect(inside).unwrap());
    assert_eq!(network.run_in(read).await.unwrap().unwrap(), "web");
}

#[tokio::test]
async fn nothing_stays_on_the_host() {
    let (_dir, network) = network();
    let name = network.claim.interface();
    let a = network.attach().await.unwrap();
    let tables = || {
        let list = std::process::Command::new("nft")
            .args(["list", "tables"])
            .output()
            .unwrap();
        String::from_utf8(list.stdout).unwrap()
    };
    let line = format!("table ip {name}\n");
    let interface = format!("/sys/class/net/{name}");
    assert!(tables().contains(&line));
    assert!(Path::new(&interface).exists());
    drop((a, network));
    let end = Instant::now() + PATIENCE;
    while tables().contains(&line) || Path::new(&interface).exists() {
        assert!(
            Instant::now() < end,
            "the interface or the table is still there"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_is_begun_is_what_containers_get() {
    let (_dir, network) = network();
    let (begun, attached) = tokio::join!(network.begin(), network.attach());
    begun.unwrap();
    let a = attached.unwrap();
    let at_a = SocketAddr::from((a.address, 80));
    greet(a.namespace.listen(at_a).await.unwrap(), "from a");
    let stream = network.connect(at_a, PATIENCE).await.unwrap();
    assert_eq!(heard(stream).await, "from a");
}

#[tokio::test]
async fn a_closed_network_has_no_rules_any_more() {
    let (_dir, network) = network();
    // Of one that was never made there is nothing to close.
    network.close();
    drop(network.attach().await.unwrap());
    network.close();
    network.close();
    let line = format!("table ip {}\n", network.claim.interface());
    let list = std::process::Command::new("nft")
        .args(["list", "tables"])
        .output()
        .unwrap();
    assert!(!String::from_utf8(list.stdout).unwrap().contains(&line));
}

#[tokio::test]
async fn what_containers_send_leaves_with_the_address_of_the_host() {
    let (_dir, network) = network();
    let a = network.attach().await.unwrap();
    // A neighbour of the host that knows no way back to containers.
    let (neighbour, handle) = Netns::make().await.unwrap();
    let host = netns::open(&tokio::runtime::Handle::current()).unwrap();
    let name = format!("pt{}", network.number());
    let (here, there) = (
        Ipv4Addr::new(198, 51, 100, 1),
        Ipv4Addr::new(198, 51, 100, 2),
    );
    link::pair(&host, &name, here, &handle, &neighbour, there)
        .await
        .unwrap();

    let outside = SocketAddr::from((there, 80));
    let listener = neighbour.listen(outside).await.unwrap();
    let socket = a.namespace.tcp_socket(outside).await.unwrap();
    let connected = tokio::time::timeout(PATIENCE, socket.connect(outside))
        .await
        .unwrap();
    let (_, from) = listener.accept().await.unwrap();
    connected.unwrap();
    assert_eq!(from.ip(), IpAddr::from(here));
}
