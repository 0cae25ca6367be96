//! Keys of backups: `shop-postgres-15-20261122T003000Z-1f3a5c.dump.zst.age`, so that
//! a listing tells what and when without reading anything.

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use crate::engine::Engine;

const SIDECAR: &str = ".json";
const STAMP: &str = "%Y%m%dT%H%M%SZ";

/// What a key says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    pub database: String,
    pub engine: Engine,
    pub major: String,
    /// In UTC.
    pub created: DateTime,
    /// Made by several processes.
    pub pieces: bool,
    pub encrypted: bool,
    /// Tells apart what began in the same second.
    pub nonce: String,
}

impl Name {
    pub fn key(&self, prefix: &str) -> String {
        let kind = match self.engine {
            Engine::Postgresql if self.pieces => "dump.tar",
            Engine::Postgresql => "dump",
            Engine::Mysql | Engine::Mariadb => "sql",
        };
        let stamp = self.created.strftime(STAMP);
        let age = if self.encrypted { ".age" } else { "" };
        format!(
            "{prefix}{}-{}-{}-{stamp}-{}.{kind}.zst{age}",
            self.database,
            self.engine.image_name(),
            self.major,
            self.nonce
        )
    }

    /// None for what is no backup.
    pub fn parse(key: &str) -> Option<Self> {
        let name = key.rsplit('/').next()?;
        let (name, encrypted) = match name.strip_suffix(".age") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let name = name.strip_suffix(".zst")?;
        let (name, pieces) = match name.strip_suffix(".dump.tar") {
            Some(name) => (name, true),
            None => {
                let dump = name.strip_suffix(".dump");
                (dump.or_else(|| name.strip_suffix(".sql"))?, false)
            }
        };
        let mut parts = name.rsplitn(5, '-');
        let nonce = parts.next()?.to_owned();
        let created = stamp(parts.next()?)?;
        let major = parts.next()?.to_owned();
        let engine = match parts.next()? {
            "postgres" => Engine::Postgresql,
            "mysql" => Engine::Mysql,
            "mariadb" => Engine::Mariadb,
            _ => return None,
        };
        let database = parts.next()?.to_owned();
        Some(Self {
            database,
            engine,
            major,
            created,
            pieces,
            encrypted,
            nonce,
        })
    }
}

/// The object beside a backup that describes it.
pub fn sidecar(key: &str) -> String {
    format!("{key}{SIDECAR}")
}

/// What such an object describes; none when it is something else.
pub fn described(sidecar: &str) -> Option<&str> {
    sidecar.strip_suffix(SIDECAR)
}

/// A database's name as part of a key.
pub fn plain(database: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    database
        .chars()
        .map(|c| if fits(c) { c } else { '_' })
        .collect()
}

/// What [`STAMP`] writes.
fn stamp(text: &str) -> Option<DateTime> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if date.len() != 8 || time.len() != 6 || !digits(date) || !digits(time) {
        return None;
    }
    let two = |text: &str, at: usize| text[at..at + 2].parse().ok();
    let (month, day) = (two(date, 4)?, two(date, 6)?);
    let (hour, minute, second) = (two(time, 0)?, two(time, 2)?, two(time, 4)?);
    DateTime::new(date[..4].parse().ok()?, month, day, hour, minute, second, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_tells_what_it_was_made_of() {
        let name = |engine, major: &str, pieces, encrypted| Name {
            database: plain("my-shop/ä"),
            engine,
            major: major.to_owned(),
            created: DateTime::constant(2026, 11, 22, 0, 30, 5, 0),
            pieces,
            encrypted,
            nonce: "1f3a5c".to_owned(),
        };
        for (name, end) in [
            (
                name(Engine::Mariadb, "10.11", false, false),
                "mariadb-10.11-20261122T003005Z-1f3a5c.sql.zst",
            ),
            (
                name(Engine::Postgresql, "15", false, true),
                "postgres-15-20261122T003005Z-1f3a5c.dump.zst.age",
            ),
            (
                name(Engine::Postgresql, "15", true, true),
                "postgres-15-20261122T003005Z-1f3a5c.dump.tar.zst.age",
            ),
        ] {
            let key = name.key("a/b/");
            assert_eq!(key, format!("a/b/my-shop__-{end}"));
            assert_eq!(Name::parse(&key), Some(name));
        }
    }

    #[test]
    fn what_is_no_backup_is_not_taken_for_one() {
        for key in [
            "",
            "a/b.zst",
            "shop-postgres-15-20261122T003000Z-1f3a5c.dump.zst.json",
            "shop-oracle-15-20261122T003000Z-1f3a5c.dump.zst",
            "shop-postgres-15-yesterday-1f3a5c.dump.zst",
        ] {
            assert_eq!(Name::parse(key), None, "{key}");
        }
    }
}
