//! Sessions of an engine that listens, for clients elsewhere.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, TcpStream, UdpSocket};
use std::sync::Arc;

use dagger_sdk::Query;
use dagger_sdk::core::config::Config;
use dagger_sdk::core::connect_params::ConnectParams;
use dagger_sdk::core::graphql_client::DefaultGraphQLClient;
use rustix::process::Signal;
use test_support::Running;

use crate::lambda::registry::free_port;
use crate::place::{GRACE, LIMIT, Place, nonce};

const TOKEN: &str = "token-of-the-fleet-5Jx8Qw";
const TOKEN_IN_BASE64: &str = "dG9rZW4tb2YtdGhlLWZsZWV0LTVKeDhRdzo=";
const IMAGE: &str = "debian:bookworm-slim";

/// What a job on another machine calls this one.
fn own_address() -> IpAddr {
    let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
    // No packet is sent for this.
    socket.connect("192.0.2.1:9").expect("a route");
    socket.local_addr().expect("an address").ip()
}

fn listen(place: &Place, address: &str) -> Running {
    let mut command = place.command(&["listen", "-M", "--listen", address]);
    command.env("DAGGER_SESSION_TOKEN", TOKEN);
    Running::start(&mut command, "").expect("a start")
}

/// A program with a Dagger SDK, in whose environment are `DAGGER_SESSION_PORT` and
/// `DAGGER_SESSION_TOKEN`.
fn client(port: u16, token: &str) -> Query {
    let parameters = ConnectParams::new(port.into(), token);
    let config = Config::default();
    Query {
        proc: None,
        selection: dagger_sdk::Selection::default(),
        graphql_client: Arc::new(DefaultGraphQLClient::new(&parameters, &config)),
    }
}

/// A job in a container, which sends a query there.
fn job(place: &Place, port: u16, authorization: &str) -> String {
    let query = r#"{"query":"{container{from(address:\"debian:bookworm-slim\"){withExec(args:[\"echo\",\"hello\"]){stdout}}}}"}"#;
    let script = format!(
        "exec 3<>/dev/tcp/{}/{port}; printf \"POST /query HTTP/1.0\\r\\nAuthorization: Basic %s\\r\\nContent-Type: application/json\\r\\nContent-Length: {}\\r\\n\\r\\n%s\" {authorization} \"$QUERY\" >&3; cat <&3",
        own_address(),
        query.len()
    );
    let run = format!(
        "container | from {IMAGE} | with-env-variable NONCE {} | with-env-variable QUERY '{query}' | with-exec -- bash -c '{script}' | stdout",
        nonce()
    );
    let done = place.run(&["-M", "-c", &run]);
    assert_eq!(done.code, 0, "{}", done.stderr());
    done.stdout()
}

#[test]
fn jobs_elsewhere_have_a_session_over_tcp_when_they_know_the_token() {
    let place = Place::new();
    let port = free_port();
    let engine = listen(&place, &format!("0.0.0.0:{port}"));
    assert!(
        engine.says("server listening on", LIMIT),
        "it does not listen"
    );

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    let hello = |token: &str| {
        let container = client(port, token).container().from(IMAGE);
        let echo = container.with_exec(vec!["sh", "-c", "echo hello from $((6 * 7))"]);
        runtime.block_on(echo.stdout())
    };
    assert_eq!(hello(TOKEN).expect("a session"), "hello from 42\n");
    assert!(hello("another-token-of-the-fleet").is_err());

    let answer = job(&place, port, TOKEN_IN_BASE64);
    assert!(answer.contains(r#""stdout":"hello\n""#), "{answer}");
    let answer = job(&place, port, "YW5vdGhlcjo=");
    assert!(
        answer.contains(" 401 ") && !answer.contains("hello"),
        "{answer}"
    );

    // A session is no runner host: who speaks gRPC is not kept waiting.
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    let limit = Some(GRACE);
    stream.set_read_timeout(limit).expect("a limit");
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    stream.write_all(preface).expect("a request");
    let mut answer = Vec::new();
    let closed = stream.read_to_end(&mut answer);
    let closed = closed.map_err(|error| error.kind());
    assert!(
        matches!(closed, Ok(_) | Err(ErrorKind::ConnectionReset)),
        "{closed:?}"
    );

    engine.signal(Signal::TERM).expect("a signal");
    let done = engine.finish(GRACE).expect("an end");
    assert!(
        !done.late && !done.stderr().contains(TOKEN),
        "{}",
        done.stderr()
    );
    place.nothing_is_left();
}

#[test]
fn an_engine_does_not_listen_without_a_token() {
    let place = Place::new();
    if !place.cli.is_built_here() {
        return;
    }
    let words = [
        "whoever can connect",
        "set DAGGER_SESSION_TOKEN to a secret",
    ];
    place.fails(&["listen", "-M"], &words);
    let mut command = place.command(&["listen", "-M", "--listen", "nowhere"]);
    command.env("DAGGER_SESSION_TOKEN", TOKEN);
    let done = Running::to_end(&mut command, "", LIMIT).expect("a run");
    place.failed(&done, &["cannot listen at `nowhere`"]);
}
