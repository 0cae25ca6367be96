//! An HTTP server in the background of a test.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::middleware::{self, Next};
use axum::serve::IncomingStream;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::fault::Faults;

/// Serves a router until it is dropped.
pub struct Server {
    address: SocketAddr,
    faults: Faults,
    requests: Requests,
    runtime: Option<Runtime>,
}

type Requests = Arc<Mutex<Vec<Request>>>;

/// What a server was asked, `GET /path?query` as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    /// With the query.
    pub path: String,
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl Server {
    /// On a free port.
    pub fn start(router: Router) -> io::Result<Self> {
        Self::start_on(0, router)
    }

    pub fn start_on(port: u16, router: Router) -> io::Result<Self> {
        Self::start_at((reachable(), port).into(), router)
    }

    pub fn start_at(address: SocketAddr, router: Router) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let listener = std::net::TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let (faults, requests) = (Faults::default(), Requests::default());

        // Outermost first: a request is written down whatever becomes of it.
        let of_faults = faults.clone();
        let of_requests = Arc::clone(&requests);
        let router = router
            .layer(middleware::from_fn(move |request, next: Next| {
                of_faults.clone().between(request, next)
            }))
            .layer(middleware::from_fn(
                move |request: axum::extract::Request, next: Next| {
                    note(&of_requests, &request);
                    connected(request, next)
                },
            ));
        runtime.spawn(async move {
            let service = router.into_make_service_with_connect_info::<Connection>();
            let _ = axum::serve(listener, service).await;
        });
        Ok(Self {
            address,
            faults,
            requests,
            runtime: Some(runtime),
        })
    }

    /// `http://address:port`, for this machine and for containers on it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// What was asked since the start, or since [`Self::forget_requests`].
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.requests).clone()
    }

    pub fn forget_requests(&self) {
        lock(&self.requests).clear();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn lock(requests: &Requests) -> std::sync::MutexGuard<'_, Vec<Request>> {
    requests.lock().unwrap_or_else(PoisonError::into_inner)
}

fn note(requests: &Requests, request: &axum::extract::Request) {
    let path = request.uri().path_and_query();
    let path = path.map_or_else(|| request.uri().path(), |path| path.as_str());
    lock(requests).push(Request {
        method: request.method().to_string(),
        path: path.to_owned(),
    });
}

/// Puts the connection where [`Faults`] finds it.
async fn connected(mut request: axum::extract::Request, next: Next) -> axum::response::Response {
    if let Some(ConnectInfo(connection)) = request.extensions().get::<ConnectInfo<Connection>>() {
        let connection = connection.clone();
        request.extensions_mut().insert(connection);
    }
    next.run(request).await
}

/// The socket of a request. It is closed with the last copy of this.
#[derive(Clone, Debug)]
pub(crate) struct Connection(Option<Arc<OwnedFd>>);

impl Connection {
    /// Closing the connection resets it.
    pub fn do_not_linger(&self) {
        if let Some(socket) = &self.0 {
            let _ = rustix::net::sockopt::set_socket_linger(socket, Some(Duration::ZERO));
        }
    }
}

impl Connected<IncomingStream<'_, TcpListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        Self(rustix::io::dup(stream.io()).ok().map(Arc::new))
    }
}

/// An address of this machine that is not loopback: containers have a loopback
/// of their own. No packet is sent to find it.
fn reachable() -> IpAddr {
    let outward = || {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
        socket.local_addr()
    };
    outward().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.ip())
}

#[cfg(test)]
mod tests {
    use axum::routing::get;

    use super::*;
    use crate::Fault;

    fn server() -> Server {
        Server::start(Router::new().route("/hello", get(|| async { "hi" }))).expect("a server")
    }

    async fn ask(server: &Server) -> Result<(u16, String), reqwest::Error> {
        let answer = reqwest::get(format!("{}/hello?x=1", server.url())).await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    #[tokio::test]
    async fn requests_are_answered_and_written_down() {
        let server = server();
        assert_eq!(ask(&server).await.expect("an answer"), (200, "hi".into()));
        let asked: Vec<_> = server.requests().iter().map(ToString::to_string).collect();
        assert_eq!(asked, ["GET /hello?x=1"]);
    }

    #[tokio::test]
    async fn an_answer_instead_of_what_was_asked_reads_the_body_first() {
        let server = server();
        let refusal = Fault::answer("PUT", "/hello", 403, "no");
        server
            .faults()
            .add(refusal.header("connection", "close").times(20));
        let client = reqwest::Client::new();
        for _ in 0..20 {
            let put = client.put(format!("{}/hello", server.url()));
            let answer = put.body(vec![0; 4 << 20]).send().await;
            let answer = answer.expect("an answer, not a reset");
            assert_eq!(answer.status().as_u16(), 403);
            assert_eq!(answer.text().await.expect("a body"), "no");
        }
    }

    #[tokio::test]
    async fn an_answer_that_is_cut_off_has_begun_well() {
        let server = server();
        server
            .faults()
            .add(Fault::cut("GET", "/hello", "0123456789", 4).times(20));
        for _ in 0..20 {
            let answer = reqwest::get(format!("{}/hello", server.url())).await;
            let mut answer = answer.expect("an answer");
            assert_eq!(answer.content_length(), Some(10));
            let start = answer.chunk().await.expect("a start");
            assert_eq!(start.as_deref(), Some(&b"0123"[..]));
            answer.chunk().await.expect_err("it goes on");
        }
    }

    #[tokio::test]
    async fn faults_come_in_turn_and_end() {
        let server = server();
        server
            .faults()
            .add(Fault::too_many("GET", "/hello", 1).after(1));
        server.faults().add(Fault::reset("GET", "/hello"));
        server
            .faults()
            .add(Fault::reset_after_taken("GET", "/hello"));
        assert_eq!(ask(&server).await.expect("an answer").0, 200);
        assert_eq!(ask(&server).await.expect("an answer").0, 429);
        for _ in 0..2 {
            let error = ask(&server).await.expect_err("a reset");
            let reset =
                std::iter::successors(std::error::Error::source(&error), |error| error.source());
            let text: Vec<_> = reset.map(ToString::to_string).collect();
            assert!(text.iter().any(|text| text.contains("reset")), "{text:?}");
        }
        assert_eq!(ask(&server).await.expect("an answer").0, 200);
        assert_eq!(server.faults().left(), 0);
    }
}
