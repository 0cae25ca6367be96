//! Visits to workers, by the URLs that Wrangler prints.

use std::io;
use std::net::SocketAddr;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::{self, Next};
use reqwest::redirect::Policy;

use super::{Cloudflare, Settings, api, serving};
use crate::Server;

/// What a visitor gets, redirects as they are.
#[derive(Debug, Clone)]
pub struct Page {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Page {
    /// A header's value, empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }
}

/// Keeps no connections: those of one runtime are of no use in another.
pub fn client() -> io::Result<reqwest::Client> {
    let client = reqwest::Client::builder()
        .redirect(Policy::none())
        .pool_max_idle_per_host(0)
        .no_proxy();
    client.build().map_err(io::Error::other)
}

impl Cloudflare {
    /// Visits `https://<worker>.<subdomain>.workers.dev/…` as Wrangler printed it.
    /// Not from within an asynchronous function.
    pub fn open(&self, url: &str) -> io::Result<Page> {
        self.open_with(url, &[])
    }

    /// With headers of the visitor.
    pub fn open_with(&self, url: &str, headers: &[(&str, &str)]) -> io::Result<Page> {
        let (host, path) = parts(url)?;
        let mut request = self
            .shared
            .client
            .get(format!("{}{path}", self.server.url()))
            .header(header::HOST, host);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime
            .block_on(async {
                let answer = request.send().await?;
                Ok(Page {
                    status: answer.status().as_u16(),
                    headers: answer.headers().clone(),
                    body: answer.text().await?,
                })
            })
            .map_err(|error: reqwest::Error| io::Error::other(error))
    }

    /// The same page at a URL that a browser on this machine can open:
    /// `http://<host>.localhost:<port>/…`.
    pub fn local_url(&self, url: &str) -> io::Result<String> {
        let (host, path) = parts(url)?;
        Ok(format!(
            "http://{host}.localhost:{}{path}",
            self.local.address().port()
        ))
    }

    /// A server that containers can reach and that answers as the worker at `url`
    /// does, whatever host it is asked for.
    pub fn expose(&self, url: &str) -> io::Result<Server> {
        let (host, _) = parts(url)?;
        let host = HeaderValue::from_str(&host).map_err(io::Error::other)?;
        let as_host = move |mut request: Request, next: Next| {
            request.headers_mut().insert(header::HOST, host.clone());
            next.run(request)
        };
        let by_host = middleware::from_fn_with_state(self.shared.clone(), serving::by_host);
        let router = api::router(self.shared.clone()).layer(by_host);
        Server::start(router.layer(middleware::from_fn(as_host)))
    }

    /// Where the API and every worker answer, the latter by their host names.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }
}

impl Settings {
    /// The URL of a worker, as Wrangler prints it.
    pub fn worker_url(&self, worker: &str) -> String {
        format!("https://{worker}.{}", self.domain())
    }
}

fn parts(url: &str) -> io::Result<(String, String)> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let rest = rest.ok_or_else(|| io::Error::other(format!("`{url}` is not a URL")))?;
    let at = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at(at);
    let path = if path.is_empty() { "/" } else { path };
    Ok((host.to_owned(), path.to_owned()))
}
