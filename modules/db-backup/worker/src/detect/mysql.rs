//! MySQL and MariaDB greet with their version before anyone logs in.
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html>

use std::io::Read;

use poniard_sdk::prelude::*;

use crate::engine::{Engine, Version};

const GREETING: u8 = 10;
const ERROR: u8 = 0xff;
/// What MariaDB before 11 puts before its version for old replicas.
const REPLICATION_PREFIX: &str = "5.5.5-";

pub fn ask(mut stream: impl Read) -> Result<Version> {
    let mut header = [0; 4];
    stream.read_exact(&mut header)?;
    let length = u32::from_le_bytes([header[0], header[1], header[2], 0]);
    ensure!(length < 1 << 16, "its greeting is not that of MySQL");
    let mut packet = vec![0; usize::try_from(length)?];
    stream.read_exact(&mut packet)?;
    match packet.split_first() {
        Some((&GREETING, rest)) => {
            let text = rest.split(|&byte| byte == 0).next().unwrap_or_default();
            version(&String::from_utf8_lossy(text))
        }
        Some((&ERROR, rest)) => {
            let message = rest.get(2..).unwrap_or_default();
            bail!("{}", String::from_utf8_lossy(message))
        }
        _ => bail!("its greeting is not that of MySQL"),
    }
}

fn version(text: &str) -> Result<Version> {
    if text.to_ascii_lowercase().contains("mariadb") {
        let text = text.strip_prefix(REPLICATION_PREFIX).unwrap_or(text);
        Version::parse(Engine::Mariadb, text)
    } else {
        Version::parse(Engine::Mysql, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).unwrap();
        [&[length, 0, 0, 0], payload].concat()
    }

    #[test]
    fn a_greeting_tells_engine_and_version() {
        for (greeting, engine, version) in [
            (&b"\x0a8.4.6\0rest"[..], Engine::Mysql, "8.4.6"),
            (
                b"\x0a5.5.5-10.11.14-MariaDB-0+deb12u2\0",
                Engine::Mariadb,
                "10.11.14",
            ),
            (b"\x0a11.8.3-MariaDB-0+deb13u1\0", Engine::Mariadb, "11.8.3"),
            (b"\x0a8.0.35-27\0", Engine::Mysql, "8.0.35"),
        ] {
            let found = ask(packet(greeting).as_slice()).unwrap();
            assert_eq!((found.engine, found.version.as_str()), (engine, version));
        }
    }

    #[test]
    fn a_refusal_before_the_greeting_comes_through() {
        let error = ask(packet(b"\xff\x10\x04Too many connections").as_slice()).unwrap_err();
        assert_eq!(error.to_string(), "Too many connections");
    }

    #[test]
    fn another_protocol_is_not_taken_for_mysql() {
        assert!(ask(&b"HTTP/1.1 400 Bad Request\r\n"[..]).is_err());
        assert!(ask(&b""[..]).is_err());
    }
}
