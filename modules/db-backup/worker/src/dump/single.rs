//! The output of one client tool.

use std::io::{BufRead, BufReader, BufWriter, Write};

use db_dumps::archive::{Archive, Numbers};
use db_dumps::{Tally, sql};
use poniard_sdk::eyre::Report;
use poniard_sdk::prelude::*;

use super::Dumped;
use crate::Options;
use crate::client::{Child, Tools};
use crate::stall::Stalling;

/// Of a pipe, and what is written at once.
pub const BUFFER: usize = 1 << 18;

/// The dump goes to `target`.
pub fn dump<W: Write>(tools: &Tools<'_>, options: &Options, target: W) -> Result<(Dumped, W)> {
    let mut child = tools.dump(options)?;
    let stalling = Stalling::new(child.stdout()?, options.patience());
    let mut reader = BufReader::with_capacity(BUFFER, stalling);
    let mut target = BufWriter::with_capacity(BUFFER, target);
    let copied = match tools {
        Tools::Postgres(_) => postgres(&mut reader, &mut target),
        Tools::Mysql(_) => mysql(&mut reader, &mut target),
    };
    let stalling = reader.get_ref();
    let dumped = match copied {
        Ok(dumped) => Dumped {
            bytes: stalling.bytes,
            ..dumped
        },
        Err(error) => return Err(told(child, stalling.ended, error)),
    };
    child.finish()?;
    let target = target.into_inner().map_err(|error| error.into_error())?;
    Ok((dumped, target))
}

/// The reason why a dump is not whole: when the tool ended by itself, it knows why.
pub fn told(child: Child, ended: bool, error: Report) -> Report {
    if ended && let Err(said) = child.finish() {
        return said;
    }
    error.wrap_err("the dump is not whole")
}

fn postgres(reader: &mut impl BufRead, target: &mut impl Write) -> Result<Dumped> {
    let mut archive = Archive::new(reader, target);
    let contents = archive.contents()?;
    let tables = archive.data(&contents, &Numbers::new())?;
    Ok(Dumped {
        bytes: 0,
        encoding: contents.encoding,
        owners: contents.owners,
        tally: Tally {
            tables,
            objects: contents.objects,
        },
        pieces: Vec::new(),
    })
}

fn mysql(reader: &mut impl BufRead, target: &mut impl Write) -> Result<Dumped> {
    let tally = sql::count(reader, target)?;
    Ok(Dumped {
        bytes: 0,
        encoding: None,
        owners: Vec::new(),
        tally,
        pieces: Vec::new(),
    })
}
