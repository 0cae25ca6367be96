//! Makes a backup, of the output of one client tool ([`single`]) or of several
//! ([`parallel`]).

mod parallel;
mod single;

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use db_dumps::Tally;
use jiff::Timestamp;
use poniard_sdk::prelude::*;
use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::client::Tools;
use crate::engine::Version;
use crate::manifest::Manifest;
use crate::names;
use crate::s3::{Store, Upload};
use crate::seal::{Key, LEVEL, Sum, Writer};
use crate::sidecar::Sidecar;
use crate::{Options, Piece, file};

/// What is backed up, and how.
pub struct Source<'a> {
    pub address: &'a Address,
    pub server: &'a Version,
    pub options: &'a Options,
}

/// A backup that was made.
#[derive(Debug, Serialize, Deserialize)]
pub struct Done {
    pub bytes: u64,
    pub sha256: String,
    pub server_version: String,
    pub tables: u64,
    pub rows: u64,
    pub seconds: f64,
}

pub fn to_file(source: &Source<'_>, path: &Path, key: Option<&Key>) -> Result<Done> {
    let begun = Instant::now();
    file::whole(path, |file| {
        let (manifest, file, sum) = write(source, BufWriter::new(file), key)?;
        let file = file.into_inner().map_err(|error| error.into_error())?;
        file.sync_all().wrap_err("cannot write the backup")?;
        Ok(Done::of(&manifest, sum, begun.elapsed()))
    })
}

pub fn to_s3(
    source: &Source<'_>,
    store: Arc<Store>,
    name: &str,
    key: Option<&Key>,
) -> Result<Done> {
    let begun = Instant::now();
    let upload = Upload::begin(store.clone(), name)?;
    let (manifest, upload, sum) = write(source, upload, key)?;
    let done = Done::of(&manifest, sum, begun.elapsed());
    let sidecar = Sidecar {
        engine: manifest.engine,
        version: manifest.version,
        database: manifest.database,
        created: manifest.created,
        bytes: done.bytes,
        sha256: done.sha256.clone(),
        tables: done.tables,
        rows: done.rows,
        encrypted: key.is_some(),
    };
    let beside = names::sidecar(name);
    store.put(&beside, &serde_json::to_vec(&sidecar)?)?;
    if let Err(error) = upload.complete() {
        if let Err(left) = store.delete(&beside) {
            return Err(error.wrap_err(format!("`{beside}` stays, which is no backup ({left:#})")));
        }
        return Err(error);
    }
    Ok(Done {
        seconds: begun.elapsed().as_secs_f64(),
        ..done
    })
}

impl Done {
    fn of(manifest: &Manifest, sum: Sum, took: Duration) -> Self {
        Self {
            bytes: sum.bytes,
            sha256: sum.sha256,
            server_version: manifest.version.clone(),
            tables: manifest.tally.tables.len() as u64,
            rows: manifest.tally.rows(),
            seconds: took.as_secs_f64(),
        }
    }
}

/// How much a backup holds.
#[derive(Debug, Serialize, Deserialize)]
pub struct Counts {
    pub server: Version,
    pub database: String,
    pub created: String,
    pub tables: u64,
    pub rows: u64,
}

impl Counts {
    pub fn of(manifest: &Manifest) -> Self {
        Self {
            server: manifest.server(),
            database: manifest.database.clone(),
            created: manifest.created.clone(),
            tables: manifest.tally.tables.len() as u64,
            rows: manifest.tally.rows(),
        }
    }
}

fn write<W: Write>(
    source: &Source<'_>,
    target: W,
    key: Option<&Key>,
) -> Result<(Manifest, W, Sum)> {
    let server = source.server;
    let tools = Tools::of(source.address, server)?;
    let mut owners = tools.owners()?;
    let created = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let (dumped, writer) = dump(&tools, source.options, Writer::new(target, key)?)?;
    owners.extend(dumped.owners);
    owners.sort_unstable();
    owners.dedup();
    let manifest = Manifest {
        engine: server.engine,
        version: server.version.clone(),
        database: source.address.database.clone(),
        created,
        dump_bytes: dumped.bytes,
        payload_bytes: 0,
        payload_sha256: String::new(),
        encoding: dumped.encoding,
        owners,
        pieces: dumped.pieces,
        tally: dumped.tally,
    };
    writer.finish(manifest).wrap_err("cannot write the backup")
}

/// What a dump of the database holds, without keeping it.
pub fn count(source: &Source<'_>) -> Result<Tally> {
    let tools = Tools::of(source.address, source.server)?;
    let (dumped, _) = single::dump(&tools, source.options, io::sink())?;
    Ok(dumped.tally)
}

/// What was dumped.
struct Dumped {
    /// Before compression.
    bytes: u64,
    encoding: Option<String>,
    owners: Vec<String>,
    tally: Tally,
    pieces: Vec<Piece>,
}

fn dump<W: Write>(
    tools: &Tools<'_>,
    options: &Options,
    target: Writer<W>,
) -> Result<(Dumped, Writer<W>)> {
    if let (Tools::Postgres(tools), 2..) = (tools, options.jobs) {
        return parallel::dump(tools, options, target);
    }
    let mut zstd = zstd::Encoder::new(target, LEVEL)?;
    zstd.include_checksum(true)?;
    // Compression runs beside whatever counts and uploads.
    zstd.multithread(1)?;
    let (dumped, zstd) = single::dump(tools, options, zstd)?;
    Ok((dumped, zstd.finish()?))
}
