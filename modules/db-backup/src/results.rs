//! What functions answer.

use poniard_sdk::prelude::*;

use crate::shelf::Entry;
use db_worker::engine::Engine;
use db_worker::{Counts, Done};

/// Which server it is.
#[object]
pub struct Server {
    /// POSTGRESQL, MYSQL or MARIADB.
    pub engine: Engine,
    /// The exact version, such as `15.4`.
    pub version: String,
    /// What the client tools must be of, such as `15`, `10.11` or `8.4`.
    pub major: String,
    /// Image with exactly that server and its client tools.
    pub image: String,
}

/// A backup that was just made.
#[object]
pub struct Backup {
    /// Key of the object in the bucket.
    pub key: String,
    /// Size of the object.
    pub bytes: f64,
    /// SHA-256 of the object.
    pub sha256: String,
    /// Exact version of the server.
    pub server_version: String,
    /// Number of tables.
    pub tables: i32,
    /// Number of rows in all tables.
    pub rows: f64,
    /// How long it took.
    pub seconds: f64,
    /// Address that anyone can download it from for an hour.
    pub download_url: String,
    /// Keys of the older backups that were removed.
    pub pruned: Vec<String>,
    /// Markdown for a note.
    pub summary: String,
}

/// A backup in a bucket.
#[object]
pub struct Stored {
    /// Key of the object.
    pub key: String,
    /// Size of the object.
    pub bytes: f64,
    /// Start of the dump, in UTC.
    pub created: String,
    /// Name of the database, with `_` for what does not fit into a key.
    pub database: String,
    /// POSTGRESQL, MYSQL or MARIADB.
    pub engine: Engine,
    /// Major of the server.
    pub major: String,
    /// Encrypted with age.
    pub encrypted: bool,
}

/// What was restored.
#[object]
pub struct Restoration {
    /// Exact version of the server that the backup was made of.
    pub server_version: String,
    /// Number of tables.
    pub tables: i32,
    /// Number of rows in all tables.
    pub rows: f64,
    /// Markdown for a note.
    pub summary: String,
}

/// A backup that is in the bucket.
pub struct Made {
    pub database: String,
    pub key: String,
    pub done: Done,
    pub verified: bool,
    pub download_url: String,
    pub pruned: Vec<String>,
}

impl Backup {
    pub fn of(engine: Engine, made: Made) -> Result<Self> {
        let Made {
            database,
            key,
            done,
            verified,
            download_url,
            pruned,
        } = made;
        let mut summary = format!(
            "**Backup of `{database}`** ({} {}): {} tables, {} rows in {:.1} s",
            engine.title(),
            done.server_version,
            done.tables,
            done.rows,
            done.seconds,
        );
        if verified {
            summary += ", restored and compared";
        }
        let size = size(done.bytes);
        summary += &format!("\n\n`{key}`, {size}, SHA-256 `{}`", done.sha256);
        if !pruned.is_empty() {
            let backups = match pruned.len() {
                1 => "backup",
                _ => "backups",
            };
            summary += &format!("\n\n{} older {backups} removed", pruned.len());
        }
        Ok(Self {
            key,
            bytes: done.bytes as f64,
            sha256: done.sha256,
            server_version: done.server_version,
            tables: i32::try_from(done.tables)?,
            rows: done.rows as f64,
            seconds: done.seconds,
            download_url,
            pruned,
            summary,
        })
    }
}

/// For people.
fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return match unit {
                "B" => format!("{value} B"),
                _ => format!("{value:.1} {unit}"),
            };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

impl From<Entry> for Stored {
    fn from(entry: Entry) -> Self {
        let Entry { key, bytes, name } = entry;
        let created = name.created.strftime("%Y-%m-%dT%H:%M:%SZ");
        Self {
            key,
            bytes: bytes as f64,
            created: created.to_string(),
            database: name.database,
            engine: name.engine,
            major: name.major,
            encrypted: name.encrypted,
        }
    }
}

impl Restoration {
    pub fn of(counts: Counts, what: &str) -> Self {
        let server = &counts.server;
        let summary = format!(
            "**Backup of `{}`** ({} {}, {}) {what}: {} tables, {} rows",
            counts.database,
            server.engine.title(),
            server.version,
            counts.created,
            counts.tables,
            counts.rows
        );
        Self {
            tables: i32::try_from(counts.tables).unwrap_or(i32::MAX),
            rows: counts.rows as f64,
            server_version: counts.server.version,
            summary,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_says_what_was_made_and_what_went() {
        let made = Made {
            database: "shop".into(),
            key: "k".into(),
            done: Done {
                bytes: 3 << 19,
                sha256: "5ha".into(),
                server_version: "15.4".into(),
                tables: 2,
                rows: 7,
                seconds: 1.25,
            },
            verified: true,
            download_url: String::new(),
            pruned: vec!["old".into()],
        };
        let backup = Backup::of(Engine::Postgresql, made).unwrap();
        assert_eq!(
            backup.summary,
            "**Backup of `shop`** (PostgreSQL 15.4): 2 tables, 7 rows in 1.2 s, restored and compared\n\n\
             `k`, 1.5 MiB, SHA-256 `5ha`\n\n1 older backup removed"
        );
    }
}
