//! Restores a backup into a fresh server and compares what arrived.

use std::path::Path;
use std::time::Duration;

use poniard_sdk::prelude::*;
use serde_json::Value;

use crate::address::Address;
use crate::client::Tools;
use crate::engine::Version;
use crate::seal::{Key, Reader};
use crate::{Options, dump, restore};

/// More differences say no more.
const SHOWN: usize = 20;

pub fn verify(
    address: &Address,
    server: &Version,
    path: &Path,
    key: Option<&Key>,
    patience: Duration,
) -> Result<Value> {
    let backup = Reader::open(path, key)?;
    let tools = Tools::of(address, server)?;
    tools.prepare(&backup.manifest)?;
    let options = restore::Options {
        overwrite: false,
        no_owner: false,
    };
    let manifest =
        restore::pour(&tools, backup, options).wrap_err("the backup cannot be restored")?;
    let options = Options {
        stall_secs: patience.as_secs(),
        jobs: 1,
        exclude_tables: Vec::new(),
    };
    let restored = dump::count(&dump::Source {
        address,
        server,
        options: &options,
    })
    .wrap_err("what was restored cannot be read")?;
    let differences = manifest.tally.differences(&restored);
    let more = differences.len().saturating_sub(SHOWN);
    let mut text = differences[..differences.len() - more].join(", ");
    if more > 0 {
        text += &format!(", and {more} more");
    }
    ensure!(
        differences.is_empty(),
        "what was restored differs from the backup: {text}"
    );
    Ok(serde_json::to_value(dump::Counts::of(&manifest))?)
}
