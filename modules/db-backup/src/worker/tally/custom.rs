//! `pg_dump --format=custom`, versions 1.12 (PostgreSQL 9) to 1.16 (17): the table
//! of contents, then data. The format is that of PostgreSQL's
//! src/bin/pg_dump/pg_backup_archiver.c and pg_backup_custom.c.

use std::collections::{BTreeMap, HashMap};
use std::io::BufRead;

use poniard_sdk::prelude::*;

use super::RowSum;
use crate::manifest::Tally;

const MAGIC: &[u8] = b"PGDMP";
const CUSTOM: u8 = 1;
const DATA: u8 = 1;
const BLOBS: u8 = 3;
const END_OF_ROWS: &[u8] = b"\\.";
/// Large objects are counted as the rows of this table.
const LARGE_OBJECTS: &str = "(large objects)";

/// A table of contents.
#[derive(Default)]
pub struct Contents {
    /// Tables with data, by the number of their data.
    tables: HashMap<i64, String>,
    objects: BTreeMap<String, u64>,
    pub owners: Vec<String>,
    pub encoding: Option<String>,
}

/// Reads a whole archive.
pub fn count(reader: &mut impl BufRead) -> Result<(Contents, Tally)> {
    let mut archive = Archive::open(reader)?;
    ensure!(archive.format == CUSTOM, "it is not in the custom format");
    let contents = archive.contents()?;
    let mut sums: BTreeMap<String, RowSum> = BTreeMap::new();
    for name in contents.tables.values() {
        sums.insert(name.clone(), RowSum::default());
    }
    while let Some(kind) = archive.block()? {
        let number = archive.int()?;
        match kind {
            DATA => match contents.tables.get(&number) {
                Some(name) => {
                    let sum = sums.entry(name.clone()).or_default();
                    archive.rows(sum)?;
                }
                None => archive.skip_data()?,
            },
            BLOBS => {
                let sum = sums.entry(LARGE_OBJECTS.into()).or_default();
                loop {
                    let oid = archive.int()?;
                    if oid == 0 {
                        break;
                    }
                    sum.part(&oid.to_le_bytes());
                    archive.data(|bytes| sum.part(bytes))?;
                    sum.end(b"");
                }
            }
            other => bail!("a block of the unknown kind {other}"),
        }
    }
    let tally = contents.tally(&sums);
    Ok((contents, tally))
}

impl Contents {
    fn tally(&self, sums: &BTreeMap<String, RowSum>) -> Tally {
        let rows = |(name, sum): (&String, &RowSum)| (name.clone(), sum.finish());
        Tally {
            tables: sums.iter().map(rows).collect(),
            objects: self.objects.clone(),
        }
    }
}

struct Archive<'a, R> {
    reader: &'a mut R,
    version: (u8, u8),
    int_size: usize,
    offset_size: usize,
    format: u8,
}

impl<'a, R: BufRead> Archive<'a, R> {
    fn open(reader: &'a mut R) -> Result<Self> {
        let mut archive = Self {
            reader,
            version: (0, 0),
            int_size: 4,
            offset_size: 8,
            format: 0,
        };
        let mut magic = [0; MAGIC.len()];
        archive.reader.read_exact(&mut magic)?;
        ensure!(magic == MAGIC, "it does not begin as an archive of pg_dump");
        archive.version = (archive.byte()?, archive.byte()?);
        let (major, minor) = archive.version;
        ensure!(
            major == 1 && (12..=16).contains(&minor),
            "archives of version {major}.{minor} are not known here"
        );
        archive.byte()?;
        archive.int_size = archive.byte()?.into();
        archive.offset_size = archive.byte()?.into();
        ensure!(
            (1..=8).contains(&archive.int_size) && (1..=8).contains(&archive.offset_size),
            "its integers have impossible sizes"
        );
        archive.format = archive.byte()?;
        if minor >= 15 {
            let compression = archive.byte()?;
            ensure!(compression == 0, "it is compressed");
        } else {
            let compression = archive.int()?;
            ensure!(compression == 0, "it is compressed");
        }
        for _second_to_dst in 0..7 {
            archive.int()?;
        }
        for _database_and_versions in 0..3 {
            archive.string()?;
        }
        Ok(archive)
    }

    fn contents(&mut self) -> Result<Contents> {
        let mut contents = Contents::default();
        for _ in 0..self.int()? {
            let number = self.int()?;
            self.int()?;
            self.string()?;
            self.string()?;
            let tag = self.string()?.unwrap_or_default();
            let kind = self.string()?.unwrap_or_default();
            self.int()?;
            let definition = self.string()?.unwrap_or_default();
            self.string()?;
            self.string()?;
            let schema = self.string()?.unwrap_or_default();
            self.string()?;
            if self.version.1 >= 14 {
                self.string()?;
            }
            if self.version.1 >= 16 {
                self.int()?;
            }
            let owner = self.string()?.unwrap_or_default();
            self.string()?;
            while self.string()?.is_some() {}
            self.byte()?;
            self.skip(self.offset_size)?;
            match kind.as_str() {
                "TABLE DATA" => {
                    contents.tables.insert(number, format!("{schema}.{tag}"));
                }
                "ENCODING" => contents.encoding = definition.split('\'').nth(1).map(str::to_owned),
                // Of the database's place, or counted otherwise.
                "BLOBS" | "BLOB" | "BLOB METADATA" | "STDSTRINGS" | "SEARCHPATH" => {}
                // Who may do what is for the target to say.
                "ACL" | "DEFAULT ACL" | "SCHEMA" | "COMMENT" => {}
                _ => *contents.objects.entry(kind).or_default() += 1,
            }
            if !owner.is_empty() {
                contents.owners.push(owner);
            }
        }
        Ok(contents)
    }

    /// The kind of the next block; none at the end.
    fn block(&mut self) -> Result<Option<u8>> {
        if self.reader.fill_buf()?.is_empty() {
            return Ok(None);
        }
        self.byte().map(Some)
    }

    /// The text of a COPY: a row a line, up to `\.`.
    fn rows(&mut self, sum: &mut RowSum) -> Result<()> {
        let mut line = Vec::new();
        let mut long = false;
        let mut ended = false;
        self.data(|mut bytes| {
            while let Some(end) = memchr::memchr(b'\n', bytes) {
                let (row, rest) = bytes.split_at(end);
                bytes = &rest[1..];
                let whole = line.is_empty() && !long;
                match (whole, ended) {
                    (_, true) => {}
                    (true, _) if row == END_OF_ROWS => ended = true,
                    (true, _) => sum.end(row),
                    (false, _) => {
                        line.extend_from_slice(row);
                        if !long && line == END_OF_ROWS {
                            ended = true;
                        } else {
                            sum.end(&line);
                        }
                    }
                }
                line.clear();
                long = false;
            }
            line.extend_from_slice(bytes);
            // So that a row of any length takes no memory.
            if line.len() > 1 << 16 && !ended {
                sum.part(&line);
                line.clear();
                long = true;
            }
        })?;
        ensure!(ended, "the rows of a table have no end");
        Ok(())
    }

    fn skip_data(&mut self) -> Result<()> {
        self.data(|_| {})
    }

    /// The chunks of a block.
    fn data(&mut self, mut each: impl FnMut(&[u8])) -> Result<()> {
        loop {
            let mut left = usize::try_from(self.int()?)?;
            if left == 0 {
                return Ok(());
            }
            while left > 0 {
                let buffer = self.reader.fill_buf()?;
                ensure!(!buffer.is_empty(), "it ends in the middle of data");
                let count = buffer.len().min(left);
                each(&buffer[..count]);
                self.reader.consume(count);
                left -= count;
            }
        }
    }

    fn byte(&mut self) -> Result<u8> {
        let mut byte = [0];
        self.reader.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    /// A sign, then the lowest byte first.
    fn int(&mut self) -> Result<i64> {
        let mut bytes = [0; 9];
        self.reader.read_exact(&mut bytes[..=self.int_size])?;
        let mut value = [0; 8];
        value[..self.int_size].copy_from_slice(&bytes[1..=self.int_size]);
        let value = i64::from_le_bytes(value);
        Ok(if bytes[0] == 0 { value } else { -value })
    }

    fn string(&mut self) -> Result<Option<String>> {
        let length = self.int()?;
        if length < 0 {
            return Ok(None);
        }
        ensure!(length < 1 << 30, "a text of {length} bytes");
        let mut bytes = vec![0; usize::try_from(length)?];
        self.reader.read_exact(&mut bytes)?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn skip(&mut self, count: usize) -> Result<()> {
        let mut bytes = [0; 8];
        self.reader.read_exact(&mut bytes[..count])?;
        Ok(())
    }
}
