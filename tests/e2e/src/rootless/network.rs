//! The network of an ordinary user's containers: out to others, to each other, from the
//! host and to it, and nowhere else.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use axum::{Router, routing::get};
use rustix::process::Signal;
use stand_ins::Server;

use test_support::Running;

use super::user::User;
use crate::place::{GRACE, LIMIT, Place};

/// A web server in a container.
const WEB: &str = "container | from box | with-exposed-port 8080 | as-service \
    --args=sh,-c,'echo from-container > /tmp/index.html; exec busybox httpd -f -p 8080 -h /tmp'";

fn hello(address: Option<SocketAddr>) -> Server {
    let router = Router::new().route("/", get(|| async { "from-host" }));
    let server = match address {
        Some(address) => Server::start_at(address, router),
        None => Server::start(router),
    };
    server.expect("a server")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

#[test]
fn containers_reach_the_host_each_other_and_what_they_are_given() {
    let user = User::new(Place::new());
    let open = hello(None);
    let closed = hello(Some((Ipv4Addr::LOCALHOST, 0).into()));
    let (url, port) = (open.url(), closed.address().port());
    let told = user.pipeline(&format!(
        "given=$(host | service --host 127.0.0.1 --ports 9000:{port})\n\
         web=$({WEB})\n\
         container | from box | with-service-binding web $web | with-service-binding given $given \
         | with-exec -- sh -c 'wget -q -O - {url}/; echo; wget -q -O - http://given:9000/; echo; wget -q -O - http://web:8080/' | stdout\n\
         http $(host | tunnel $web | endpoint --scheme http) | contents",
    ));
    assert_eq!(
        told,
        "from-host\nfrom-host\nfrom-container\nfrom-container\n"
    );

    // What listens on the host's loopback only, containers do not reach by themselves.
    closed.forget_requests();
    let told = user.pipeline(&format!(
        "container | from box | with-exec -- sh -c 'for host in 127.0.0.1 10.87.0.2 $(ip route | grep -o \"via [0-9.]*\" | cut -c 5-); \
         do wget -q -T 3 -O - http://$host:{port}/ || echo none; done' | stdout"
    ));
    assert_eq!(
        (told.as_str(), closed.requests().len()),
        ("none\nnone\nnone\n", 0)
    );
    user.nothing_is_left();
}

#[test]
fn a_service_is_up_on_a_port_of_the_host_until_ctrl_c() {
    let user = User::new(Place::new());
    let port = free_port();
    let script = format!("{WEB} | up --ports {port}:8080");
    let mut command = user.command(&["-M", "--progress", "plain", "-c", &script]);
    let running = Running::start(&mut command, "").expect("a start");
    let is_up = running.says(&format!("listening on http://127.0.0.1:{port}"), LIMIT);
    assert!(is_up, "{}", running.finish(LIMIT).expect("an end").stderr());
    let deadline = Instant::now() + GRACE;
    let said = loop {
        let said = ureq::get(&format!("http://127.0.0.1:{port}/")).call();
        match said {
            Ok(mut answer) => break answer.body_mut().read_to_string().expect("a text"),
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(said, "from-container\n");
    running.signal(Signal::INT).expect("a signal");
    let done = running.finish(LIMIT).expect("an end");
    assert_eq!(done.code, 130, "{}", done.stderr());
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    user.nothing_is_left();
}
