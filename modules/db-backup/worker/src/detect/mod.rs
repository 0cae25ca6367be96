//! Asks a server what it is, without any client tool.

mod mysql;
mod postgres;
mod tls;

use std::net::{TcpStream, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

use poniard_sdk::prelude::*;

use crate::address::Address;
use crate::engine::Version;

const PATIENCE: Duration = Duration::from_secs(20);
/// A server that is starting is asked again.
const PAUSE: Duration = Duration::from_millis(250);

pub fn detect(address: &Address) -> Result<Version> {
    let begun = Instant::now();
    loop {
        let stream = connect(&address.host, address.port)?;
        let asked = if address.postgres {
            postgres::ask(stream, address)
        } else {
            mysql::ask(stream)
        };
        match asked {
            Err(error) if error.is::<postgres::Starting>() && begun.elapsed() < PATIENCE => {
                thread::sleep(PAUSE);
            }
            asked => {
                let (host, port) = (&address.host, address.port);
                return asked.wrap_err_with(|| {
                    format!("the server at `{host}:{port}` does not say what it is")
                });
            }
        }
    }
}

fn connect(host: &str, port: u16) -> Result<TcpStream> {
    let failed = |error: std::io::Error| eyre!("cannot connect to `{host}:{port}`: {error}");
    let mut last = None;
    for address in (host, port).to_socket_addrs().map_err(failed)? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                return Ok(stream);
            }
            Err(error) => last = Some(error),
        }
    }
    match last {
        Some(error) => Err(failed(error)),
        None => bail!("`{host}` has no address"),
    }
}
