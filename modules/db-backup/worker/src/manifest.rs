//! What a backup says about itself: kept at its end, and compared when it is
//! restored.

use db_dumps::Tally;
use serde::{Deserialize, Serialize};

use crate::Piece;
use crate::engine::{Engine, Version};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    pub engine: Engine,
    pub version: String,
    pub database: String,
    /// Start of the dump, RFC 3339 in UTC.
    pub created: String,
    /// Bytes of the dump before compression.
    pub dump_bytes: u64,
    /// Bytes of the file before this manifest, and their SHA-256.
    pub payload_bytes: u64,
    pub payload_sha256: String,
    /// PostgreSQL's name of the character set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Roles (PostgreSQL) or accounts (`user@host`) that own something, or may.
    #[serde(default)]
    pub owners: Vec<String>,
    /// The pieces of a dump by several processes, in a tar archive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pieces: Vec<Piece>,
    #[serde(flatten)]
    pub tally: Tally,
}

impl Manifest {
    pub fn server(&self) -> Version {
        Version {
            engine: self.engine,
            version: self.version.clone(),
        }
    }
}
