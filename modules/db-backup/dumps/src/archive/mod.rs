//! Archives of `pg_dump --format=custom`, versions 1.12 (PostgreSQL 9) to 1.16 (17):
//! a header and the table of contents ([`contents`]), then data ([`data`]). They are
//! copied while they are read. [`merge`] makes one archive of several.
//!
//! The format is that of PostgreSQL's src/bin/pg_dump/pg_backup_archiver.c and
//! pg_backup_custom.c.

mod contents;
mod data;
mod merge;

use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use eyre::{Result, ensure};

pub use contents::Contents;
pub use data::Numbers;
pub use merge::merged;

use crate::Rows;

const MAGIC: &[u8] = b"PGDMP";
const CUSTOM: u8 = 1;

/// An archive that is read from one place and copied to another.
pub struct Archive<R, W> {
    pub reader: R,
    pub copy: W,
    form: Form,
}

/// What the header says, and how much was read.
struct Form {
    at: usize,
    minor: u8,
    ints: Ints,
    offset_size: usize,
}

/// An archive on its way.
struct Pass<'a> {
    reader: &'a mut dyn BufRead,
    copy: &'a mut dyn Write,
    form: &'a mut Form,
}

/// How integers are written: a sign, then the lowest byte first.
#[derive(Clone, Copy)]
struct Ints {
    bytes: usize,
}

impl Ints {
    fn read(self, bytes: &[u8]) -> i64 {
        let mut value = [0; 8];
        value[..self.bytes].copy_from_slice(&bytes[1..=self.bytes]);
        let value = i64::from_le_bytes(value);
        if bytes[0] == 0 { value } else { -value }
    }

    fn written(self, value: i64) -> Vec<u8> {
        let mut bytes = vec![u8::from(value < 0)];
        bytes.extend(&value.unsigned_abs().to_le_bytes()[..self.bytes]);
        bytes
    }

    fn text(self, text: &str) -> Vec<u8> {
        let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
        [&self.written(length), text.as_bytes()].concat()
    }
}

impl<R: BufRead, W: Write> Archive<R, W> {
    pub fn new(reader: R, copy: W) -> Self {
        Self {
            reader,
            copy,
            form: Form {
                at: 0,
                minor: 0,
                ints: Ints { bytes: 4 },
                offset_size: 8,
            },
        }
    }

    /// The beginning of the archive.
    pub fn contents(&mut self) -> Result<Contents> {
        self.pass().contents()
    }

    /// The rest of the archive; the rows of each table.
    pub fn data(
        &mut self,
        contents: &Contents,
        copied: &Numbers,
    ) -> Result<BTreeMap<String, Rows>> {
        self.pass().data(contents, copied)
    }

    fn pass(&mut self) -> Pass<'_> {
        Pass {
            reader: &mut self.reader,
            copy: &mut self.copy,
            form: &mut self.form,
        }
    }
}

impl Pass<'_> {
    fn header(&mut self) -> Result<()> {
        let mut magic = [0; MAGIC.len()];
        self.fill(&mut magic)?;
        ensure!(magic == MAGIC, "it does not begin as an archive of pg_dump");
        let (major, minor) = (self.byte()?, self.byte()?);
        self.form.minor = minor;
        ensure!(
            major == 1 && (12..=16).contains(&minor),
            "archives of version {major}.{minor} are not known here"
        );
        self.byte()?;
        self.form.ints.bytes = self.byte()?.into();
        self.form.offset_size = self.byte()?.into();
        ensure!(
            (1..=8).contains(&self.form.ints.bytes) && (1..=8).contains(&self.form.offset_size),
            "its integers have impossible sizes"
        );
        ensure!(self.byte()? == CUSTOM, "it is not in the custom format");
        let compression = match minor {
            15.. => self.byte()?.into(),
            _ => self.int()?,
        };
        ensure!(compression == 0, "it is compressed");
        for _second_to_dst in 0..7 {
            self.int()?;
        }
        for _database_and_versions in 0..3 {
            self.text()?;
        }
        Ok(())
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        self.reader.read_exact(bytes)?;
        self.form.at += bytes.len();
        Ok(self.copy.write_all(bytes)?)
    }

    fn byte(&mut self) -> Result<u8> {
        let mut byte = [0];
        self.fill(&mut byte)?;
        Ok(byte[0])
    }

    fn int(&mut self) -> Result<i64> {
        let mut bytes = [0; 9];
        let ints = self.form.ints;
        self.fill(&mut bytes[..=ints.bytes])?;
        Ok(ints.read(&bytes))
    }

    fn text(&mut self) -> Result<Option<String>> {
        let length = self.int()?;
        if length < 0 {
            return Ok(None);
        }
        ensure!(length < 1 << 30, "a text of {length} bytes");
        let mut bytes = vec![0; usize::try_from(length)?];
        self.fill(&mut bytes)?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }
}
