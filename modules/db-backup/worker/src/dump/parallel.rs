//! The output of several processes of pg_dump that see the same snapshot: one dumps
//! everything but the rows of some tables, the others dump just those. What comes
//! out is one archive, in pieces.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, BufReader, Write};
use std::mem;
use std::process::ChildStdout;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use db_dumps::archive::{Archive, Contents, Numbers, merged};
use db_dumps::{Rows, Tally};
use poniard_sdk::prelude::*;

use super::Dumped;
use super::single::{BUFFER, told};
use crate::Options;
use crate::client::Child;
use crate::client::postgres::{Table, Tools};
use crate::pieces::{self, Piece};
use crate::seal::Writer;
use crate::stall::Stalling;

pub fn dump<W: Write>(
    tools: &Tools<'_>,
    options: &Options,
    mut target: Writer<W>,
) -> Result<(Dumped, Writer<W>)> {
    let (mut whole, mut others) = processes(tools, options)?;
    let heads: Vec<_> = others
        .iter()
        .map(|lane| (&*lane.head, &lane.contents))
        .collect();
    let (head, numbers) = merged((&whole.head, &whole.contents), &heads)?;
    let mut all = Vec::new();
    for (number, part) in (0..).zip(head.chunks(pieces::SIZE)) {
        let frame = pieces::frame(0, number, part)?;
        put(&mut target, &mut all, 0, &frame)?;
    }
    let objects = mem::take(&mut whole.contents.objects);
    let owners = mem::take(&mut whole.contents.owners);
    let encoding = whole.contents.encoding.take();
    let numbers = [Numbers::new()].into_iter().chain(numbers);
    others.insert(0, whole);
    let lanes = others.into_iter().zip(numbers);
    let counted = thread::scope(|scope| {
        let (sender, frames) = sync_channel(1);
        let threads: Vec<_> = (1..)
            .zip(lanes)
            .map(|(stream, (lane, numbers))| {
                let sender = sender.clone();
                scope.spawn(move || lane.run(stream, &numbers, sender))
            })
            .collect();
        drop(sender);
        // When this ends early, nobody takes frames any more, and all threads end.
        for frame in frames {
            let (stream, frame) = frame?;
            put(&mut target, &mut all, stream, &frame)?;
        }
        let ended = threads
            .into_iter()
            .map(|thread| thread.join().ok().flatten());
        let counted: Option<Vec<Counted>> = ended.collect();
        counted.ok_or_else(|| eyre!("a part of the dump is missing"))
    })?;
    target.write_all(&pieces::end()?)?;
    let bytes = counted.iter().map(|counted| counted.bytes).sum();
    let tables = counted
        .into_iter()
        .flat_map(|counted| counted.tables)
        .collect();
    let dumped = Dumped {
        bytes,
        encoding,
        owners,
        tally: Tally { tables, objects },
        pieces: all,
    };
    Ok((dumped, target))
}

fn put(target: &mut impl Write, all: &mut Vec<Piece>, stream: u32, frame: &[u8]) -> Result<()> {
    target.write_all(frame)?;
    let bytes = frame.len() as u64;
    all.push(Piece { stream, bytes });
    Ok(())
}

/// That of everything else, and those of some tables' rows.
fn processes(tools: &Tools<'_>, options: &Options) -> Result<(Lane, Vec<Lane>)> {
    let shares = shares(tools.tables()?, options.jobs);
    let apart: Vec<Table> = shares.concat();
    let snapshot = tools.snapshot(options, &apart)?;
    let whole = Lane::open(tools.dump_without(options, &snapshot, &apart)?, options)?;
    // Without those that are not to be dumped.
    let dumped: HashSet<_> = whole
        .contents
        .of("TABLE")
        .map(|entry| entry.table())
        .collect();
    let mut others = Vec::new();
    for mut share in shares {
        share.retain(|table| dumped.contains(&(table.schema.as_str(), table.name.as_str())));
        if !share.is_empty() {
            let child = tools.dump_rows(options, &snapshot, &share)?;
            others.push((child, share.len()));
        }
    }
    let mut lanes = Vec::new();
    for (child, wanted) in others {
        let lane = Lane::open(child, options)?;
        let found = lane.contents.of("TABLE DATA").count();
        ensure!(
            found == wanted,
            "pg_dump dumps {found} tables instead of {wanted}"
        );
        lanes.push(lane);
    }
    Ok((whole, lanes))
}

/// The tables of each process but the first, which has what is left. They come with
/// the largest first.
fn shares(tables: Vec<Table>, jobs: u32) -> Vec<Vec<Table>> {
    let mut shares: Vec<(u64, Vec<Table>)> = (0..jobs).map(|_| Default::default()).collect();
    for table in tables {
        if let Some((bytes, share)) = shares.iter_mut().min_by_key(|(bytes, _)| *bytes) {
            *bytes += table.bytes;
            share.push(table);
        }
    }
    shares.into_iter().skip(1).map(|(_, share)| share).collect()
}

/// A process whose table of contents was read.
struct Lane {
    child: Child,
    archive: Archive<BufReader<Stalling<ChildStdout>>, Cut>,
    contents: Contents,
    head: Vec<u8>,
}

struct Counted {
    bytes: u64,
    tables: BTreeMap<String, Rows>,
}

type Sender = SyncSender<Result<(u32, Vec<u8>)>>;

impl Lane {
    fn open(mut child: Child, options: &Options) -> Result<Self> {
        let stalling = Stalling::new(child.stdout()?, options.patience());
        let reader = BufReader::with_capacity(BUFFER, stalling);
        let mut archive = Archive::new(reader, Cut::default());
        let contents = match archive.contents() {
            Ok(contents) => contents,
            Err(error) => {
                let ended = archive.reader.get_ref().ended;
                return Err(told(child, ended, error));
            }
        };
        let head = mem::take(&mut archive.copy.held);
        Ok(Self {
            child,
            archive,
            contents,
            head,
        })
    }

    /// Sends the data as frames; none when that has failed.
    fn run(mut self, stream: u32, numbers: &Numbers, sender: Sender) -> Option<Counted> {
        self.archive.copy.to = Some((stream, sender.clone()));
        let read = self.archive.data(&self.contents, numbers);
        let read = read.and_then(|tables| {
            self.archive.copy.flush()?;
            Ok(tables)
        });
        let stalling = self.archive.reader.get_ref();
        let ended = match read {
            Ok(tables) => self.child.finish().map(|()| Counted {
                bytes: stalling.bytes,
                tables,
            }),
            Err(error) => Err(told(self.child, stalling.ended, error)),
        };
        ended.map_err(|error| sender.send(Err(error))).ok()
    }
}

/// Makes frames of what is written; before there is anywhere to send them, keeps it.
#[derive(Default)]
struct Cut {
    held: Vec<u8>,
    number: u32,
    to: Option<(u32, Sender)>,
}

impl Write for Cut {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        if self.held.len() >= pieces::SIZE && self.to.is_some() {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let Some((stream, sender)) = &self.to else {
            return Ok(());
        };
        if !self.held.is_empty() {
            let frame = pieces::frame(*stream, self.number, &self.held)?;
            self.number += 1;
            self.held.clear();
            let sent = sender.send(Ok((*stream, frame)));
            sent.map_err(|_| io::Error::other("nobody takes the dump any more"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_process_has_about_as_much() {
        let table = |bytes| Table {
            schema: "public".into(),
            name: format!("t{bytes}"),
            bytes,
        };
        let tables = [50, 40, 30, 20, 10, 5].map(table).to_vec();
        let sizes: Vec<u64> = shares(tables, 3)
            .iter()
            .map(|share| share.iter().map(|table| table.bytes).sum())
            .collect();
        // The first one, which is not here, has 55.
        assert_eq!(sizes, [50, 50]);
        assert!(shares(vec![table(1)], 2)[0].is_empty());
    }
}
