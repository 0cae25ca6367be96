//! Pages on this machine, to see that an address answers.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use eyre::{OptionExt, Result, WrapErr, bail};

/// The first version that runs has to be started.
const PATIENCE: Duration = Duration::from_secs(60);

/// The title of a page; an error when it does not answer with one.
pub fn title(url: &str) -> Result<String> {
    let text = get(url).wrap_err_with(|| format!("`{url}` does not answer"))?;
    let found = text
        .split_once("<title>")
        .and_then(|(_, rest)| rest.split_once("</title>"));
    let (title, _) = found.ok_or_else(|| eyre::eyre!("`{url}` is not a page"))?;
    Ok(title.trim().to_owned())
}

/// Host (with its port) and path, without a fragment.
pub fn parts(url: &str) -> Result<(&str, &str)> {
    let (_, rest) = url
        .split_once("://")
        .ok_or_else(|| eyre::eyre!("`{url}` is no address"))?;
    let rest = rest.split('#').next().unwrap_or_default();
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    Ok((host, if path.is_empty() { "/" } else { path }))
}

fn get(url: &str) -> Result<String> {
    let (host, path) = parts(url)?;
    // Not every resolver knows that names below `localhost` are this machine's.
    let (name, port) = host.rsplit_once(':').ok_or_eyre("it has no port")?;
    let name = if name.ends_with(".localhost") {
        "localhost"
    } else {
        name
    };
    let address = format!("{name}:{port}")
        .to_socket_addrs()?
        .find(|a| a.is_ipv4());
    let mut stream = TcpStream::connect_timeout(&address.ok_or_eyre("no such host")?, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or_eyre("it does not speak HTTP")?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    if status != "200" {
        bail!("status {status}");
    }
    Ok(body.to_owned())
}
