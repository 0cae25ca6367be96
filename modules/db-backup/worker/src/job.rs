//! What the module asks of this role.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use poniard_sdk::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::address::Address;
use crate::dump::Counts;
use crate::engine::Version;
use crate::s3::{Keys, Location, Store};
use crate::seal::{self, Key};
use crate::{
    ACCESS_KEY_ID, ENCRYPTION_KEY, SECRET_ACCESS_KEY, SESSION_TOKEN, URL, detect, dump, may, need,
    restore, sidecar, verify,
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Job {
    /// What the server is.
    Detect,
    /// A backup of the server's database.
    Dump {
        server: Version,
        options: Options,
        place: Place,
    },
    /// The manifest of a backup.
    Peek { path: PathBuf },
    /// A backup into the server's database.
    Restore {
        server: Version,
        path: PathBuf,
        overwrite: bool,
        no_owner: bool,
    },
    /// A backup into a fresh server, and a look at what arrived.
    Verify {
        server: Version,
        path: PathBuf,
        stall_secs: u64,
    },
    /// A backup out of S3.
    Download {
        location: Location,
        key: String,
        path: PathBuf,
    },
}

/// How to dump.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Options {
    pub exclude_tables: Vec<String>,
    /// Processes at the same time.
    pub jobs: u32,
    pub stall_secs: u64,
}

impl Options {
    /// How long nothing may come from a dump.
    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.stall_secs.max(1))
    }

    /// Shorter, so that the error says which table is locked.
    pub fn lock_wait(&self) -> Duration {
        self.patience().mul_f64(0.75)
    }
}

/// Where a backup goes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    File(PathBuf),
    S3 { location: Location, key: String },
}

/// What a backup was made of.
#[derive(Debug, Serialize, Deserialize)]
pub struct Found {
    pub server: Version,
    pub database: String,
    pub encoding: Option<String>,
}

impl Job {
    pub fn run(self) -> Result<Value> {
        match self {
            Self::Detect => Ok(serde_json::to_value(detect::detect(&address()?)?)?),
            Self::Dump {
                server,
                options,
                place,
            } => {
                let (address, key) = (address()?, key()?);
                let what = dump::Source {
                    address: &address,
                    server: &server,
                    options: &options,
                };
                let done = match place {
                    Place::File(path) => dump::to_file(&what, &path, key.as_ref()),
                    Place::S3 {
                        location,
                        key: name,
                    } => dump::to_s3(&what, store(&location)?, &name, key.as_ref()),
                };
                Ok(serde_json::to_value(done?)?)
            }
            Self::Peek { path } => {
                let manifest = seal::peek(&path, key()?.as_ref())?;
                Ok(serde_json::to_value(Found {
                    server: manifest.server(),
                    database: manifest.database,
                    encoding: manifest.encoding,
                })?)
            }
            Self::Restore {
                server,
                path,
                overwrite,
                no_owner,
            } => {
                let options = restore::Options {
                    overwrite,
                    no_owner,
                };
                let manifest =
                    restore::restore(&address()?, &server, &path, key()?.as_ref(), options)?;
                Ok(serde_json::to_value(Counts::of(&manifest))?)
            }
            Self::Verify {
                server,
                path,
                stall_secs,
            } => verify::verify(
                &address()?,
                &server,
                &path,
                key()?.as_ref(),
                Duration::from_secs(stall_secs),
            ),
            Self::Download {
                location,
                key,
                path,
            } => sidecar::download(&*store(&location)?, &key, &path),
        }
    }
}

fn address() -> Result<Address> {
    Address::parse(&need(URL)?)
}

fn key() -> Result<Option<Key>> {
    may(ENCRYPTION_KEY)
        .map(|text| Key::parse(&text))
        .transpose()
}

fn store(location: &Location) -> Result<Arc<Store>> {
    let keys = Keys {
        access_key_id: need(ACCESS_KEY_ID)?,
        secret_access_key: need(SECRET_ACCESS_KEY)?,
        session_token: may(SESSION_TOKEN),
    };
    Ok(Arc::new(Store::open(location, keys)?))
}
