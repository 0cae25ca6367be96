//! PostgreSQL tells its version once one has logged in.
//! <https://www.postgresql.org/docs/current/protocol-flow.html>

use std::fmt;
use std::io::{Read, Write};
use std::net::TcpStream;

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use poniard_sdk::eyre::Report;
use poniard_sdk::prelude::*;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::backend::{ErrorFields, Message};
use postgres_protocol::message::frontend;

use super::tls;
use crate::address::{Address, Tls};
use crate::engine::{Engine, Version};

pub fn ask(mut stream: TcpStream, address: &Address) -> Result<Version> {
    if address.tls == Tls::Disable {
        return login(stream, address);
    }
    let mut request = BytesMut::new();
    frontend::ssl_request(&mut request);
    stream.write_all(&request)?;
    let mut answer = [0];
    stream.read_exact(&mut answer)?;
    match (&answer, address.tls) {
        (b"S", _) => login(tls::wrap(stream, address)?, address),
        (b"N", Tls::Prefer) => login(stream, address),
        (b"N", asked) => bail!("it has no TLS, which sslmode `{}` asks for", asked.name()),
        _ => bail!("its answer is not that of PostgreSQL"),
    }
}

fn login(stream: impl Read + Write, address: &Address) -> Result<Version> {
    let mut session = Session {
        stream,
        received: BytesMut::new(),
    };
    let parameters = [
        ("user", address.user.as_str()),
        ("database", address.database.as_str()),
    ];
    session.send(|out| frontend::startup_message(parameters, out))?;
    let password = address.password.as_bytes();
    let mut scram = None;
    let mut version = None;
    loop {
        match session.receive()? {
            Message::AuthenticationCleartextPassword => {
                session.send(|out| frontend::password_message(password, out))?;
            }
            Message::AuthenticationMd5Password(body) => {
                let hash = md5_hash(address.user.as_bytes(), password, body.salt());
                session.send(|out| frontend::password_message(hash.as_bytes(), out))?;
            }
            Message::AuthenticationSasl(body) => {
                let known = body.mechanisms().any(|name| Ok(name == SCRAM_SHA_256))?;
                ensure!(
                    known,
                    "it asks for a way to log in other than SCRAM-SHA-256"
                );
                let state = ScramSha256::new(password, ChannelBinding::unsupported());
                session.send(|out| {
                    frontend::sasl_initial_response(SCRAM_SHA_256, state.message(), out)
                })?;
                scram = Some(state);
            }
            Message::AuthenticationSaslContinue(body) => {
                let state = scram.as_mut().ok_or_else(|| eyre!("SCRAM out of order"))?;
                state.update(body.data())?;
                session.send(|out| frontend::sasl_response(state.message(), out))?;
            }
            Message::AuthenticationSaslFinal(body) => {
                let state = scram.as_mut().ok_or_else(|| eyre!("SCRAM out of order"))?;
                state.finish(body.data())?;
            }
            Message::AuthenticationOk | Message::BackendKeyData(_) | Message::NoticeResponse(_) => {
            }
            Message::ParameterStatus(body) if body.name()? == "server_version" => {
                version = Some(Version::parse(Engine::Postgresql, body.value()?)?);
            }
            Message::ParameterStatus(_) => {}
            Message::ErrorResponse(body) => return Err(refusal(body.fields())?),
            Message::ReadyForQuery(_) => break,
            _ => bail!("it asks for a way to log in that is not known here"),
        }
    }
    let _ = session.send(|out| {
        frontend::terminate(out);
        Ok(())
    });
    version.ok_or_else(|| eyre!("it names no version"))
}

struct Session<S> {
    stream: S,
    received: BytesMut,
}

impl<S: Read + Write> Session<S> {
    fn send(&mut self, write: impl FnOnce(&mut BytesMut) -> std::io::Result<()>) -> Result<()> {
        let mut out = BytesMut::new();
        write(&mut out)?;
        self.stream.write_all(&out)?;
        Ok(self.stream.flush()?)
    }

    fn receive(&mut self) -> Result<Message> {
        loop {
            if let Some(message) = Message::parse(&mut self.received)? {
                return Ok(message);
            }
            let mut chunk = [0; 4096];
            let count = self.stream.read(&mut chunk)?;
            ensure!(count > 0, "it closed the connection");
            self.received.extend_from_slice(&chunk[..count]);
        }
    }
}

/// The server is there, but takes nobody yet.
#[derive(Debug)]
pub struct Starting(String);

impl fmt::Display for Starting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Starting {}

fn refusal(mut fields: ErrorFields<'_>) -> Result<Report> {
    /// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
    const CANNOT_CONNECT_NOW: &[u8] = b"57P03";
    let (mut text, mut starting) = ("an error without a message".to_owned(), false);
    while let Some(field) = fields.next()? {
        match field.type_() {
            b'M' => text = String::from_utf8_lossy(field.value_bytes()).into_owned(),
            b'C' => starting = field.value_bytes() == CANNOT_CONNECT_NOW,
            _ => {}
        }
    }
    Ok(match starting {
        true => Starting(text).into(),
        false => eyre!("{text}"),
    })
}
