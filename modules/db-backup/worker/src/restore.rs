//! Puts a backup into a database.

use std::io;
use std::path::Path;

use poniard_sdk::prelude::*;

use crate::address::Address;
use crate::client::Tools;
use crate::definers::WithoutDefiners;
use crate::engine::{Engine, Version};
use crate::manifest::Manifest;
use crate::seal::{Key, Reader};

#[derive(Clone, Copy)]
pub struct Options {
    pub overwrite: bool,
    pub no_owner: bool,
}

pub fn restore(
    address: &Address,
    server: &Version,
    path: &Path,
    key: Option<&Key>,
    options: Options,
) -> Result<Manifest> {
    let backup = Reader::open(path, key)?;
    fits(&backup.manifest, server)?;
    let tools = Tools::of(address, server)?;
    let there = tools.contents()?;
    ensure!(
        options.overwrite || there == 0,
        "the database `{}` is not empty ({there} tables and other objects): pass `--overwrite` to replace those that the backup has",
        address.database
    );
    if !options.no_owner {
        let unknown = tools.unknown(&backup.manifest.owners)?;
        let names: Vec<_> = unknown.iter().map(|name| format!("`{name}`")).collect();
        let what = match server.engine {
            Engine::Postgresql => "role {}, which owns part of the backup",
            _ => "account {}, which views or routines of the backup run as",
        };
        ensure!(
            names.is_empty(),
            "the server has no {}: create it, or pass `--no-owner`",
            what.replace("{}", &names.join(", "))
        );
    }
    pour(&tools, backup, options)
}

/// The server's own tools restore, so it must not be older than the backup.
fn fits(manifest: &Manifest, server: &Version) -> Result<()> {
    let made = manifest.server();
    ensure!(
        made.engine == server.engine,
        "the backup is of {}, and the server is {}",
        made.engine.title(),
        server.engine.title()
    );
    ensure!(
        server.order() >= made.order(),
        "the backup is of {} {}, and the server is the older {}",
        made.engine.title(),
        made.version,
        server.version
    );
    Ok(())
}

pub fn pour(tools: &Tools<'_>, backup: Reader, options: Options) -> Result<Manifest> {
    let manifest = backup.manifest.clone();
    let mut child = tools.restore(&manifest, options.overwrite, options.no_owner)?;
    let mut stdin = child.stdin()?;
    let mut dump = backup.dump()?;
    if options.no_owner && manifest.engine != Engine::Postgresql {
        dump = Box::new(WithoutDefiners::new(dump));
    }
    let copied = io::copy(&mut dump, &mut stdin);
    drop(stdin);
    // A tool that failed stops reading: what it says is the reason.
    let finished = child.finish();
    if manifest.engine != Engine::Postgresql {
        finished.wrap_err("the database is restored in part, up to this error: restore again with `--overwrite`, or drop it")?;
    } else {
        finished.wrap_err("nothing was restored")?;
    }
    copied.wrap_err("cannot read the backup")?;
    Ok(manifest)
}
