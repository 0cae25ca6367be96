//! What lies beside a backup in S3, so that listings need not read it. It comes
//! before the backup, so that there is no backup without it.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use poniard_sdk::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::Engine;
use crate::file;
use crate::names;
use crate::s3::Store;
use crate::seal::Hashed;

#[derive(Debug, Serialize, Deserialize)]
pub struct Sidecar {
    pub engine: Engine,
    pub version: String,
    pub database: String,
    pub created: String,
    pub bytes: u64,
    pub sha256: String,
    pub tables: u64,
    pub rows: u64,
    pub encrypted: bool,
}

pub fn sidecar(store: &Store, key: &str) -> Result<Sidecar> {
    let beside = names::sidecar(key);
    let text = store
        .get(&beside)
        .wrap_err_with(|| format!("`{key}` is no backup"))?;
    serde_json::from_str(&text).wrap_err_with(|| format!("cannot read `{beside}`"))
}

/// Copies a backup out of S3 and compares it with what is beside it.
pub fn download(store: &Store, key: &str, path: &Path) -> Result<Value> {
    let sidecar = sidecar(store, key)?;
    file::whole(path, |file| {
        let mut file = BufWriter::new(file);
        store.download(key, sidecar.bytes, &mut file)?;
        file.flush().wrap_err("cannot write the backup")?;
        // As it lies there now.
        let mut sum = Hashed::new(io::sink());
        io::copy(&mut File::open(path)?, &mut sum)?;
        let sha256 = sum.sum().sha256;
        ensure!(
            sha256 == sidecar.sha256,
            "`{key}` is damaged: its SHA-256 is {sha256} and should be {}",
            sidecar.sha256
        );
        Ok(())
    })?;
    Ok(serde_json::to_value(sidecar)?)
}
