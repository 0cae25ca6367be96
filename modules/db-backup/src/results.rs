//! What functions answer.

use poniard_sdk::prelude::*;

use crate::engine::Engine;
use crate::worker::Counts;

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
