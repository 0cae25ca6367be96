//! The data of an archive: blocks of rows and large objects, counted on their way.

use std::collections::{BTreeMap, HashMap};

use eyre::{Result, bail, ensure};

use super::{Contents, Pass};
use crate::{RowSum, Rows};

const DATA: u8 = 1;
const BLOBS: u8 = 3;
const END_OF_ROWS: &[u8] = b"\\.";
/// Large objects are counted as the rows of this table.
const LARGE_OBJECTS: &str = "(large objects)";

/// Entries that have other numbers in the copy.
pub type Numbers = HashMap<i64, i64>;

impl Pass<'_> {
    /// The rest of the archive; the rows of each table.
    pub(super) fn data(
        &mut self,
        contents: &Contents,
        copied: &Numbers,
    ) -> Result<BTreeMap<String, Rows>> {
        let mut tables = HashMap::new();
        let mut sums: BTreeMap<String, RowSum> = BTreeMap::new();
        for entry in contents.of("TABLE DATA") {
            let name = format!("{}.{}", entry.schema, entry.name);
            sums.insert(name.clone(), RowSum::default());
            tables.insert(entry.number, name);
        }
        while let Some(kind) = self.block(copied)? {
            match kind {
                (DATA, number) => match tables.get(&number) {
                    Some(name) => {
                        let sum = sums.entry(name.clone()).or_default();
                        self.rows(sum)?;
                    }
                    None => self.chunks(|_| {})?,
                },
                (BLOBS, _) => {
                    let sum = sums.entry(LARGE_OBJECTS.into()).or_default();
                    loop {
                        let oid = self.int()?;
                        if oid == 0 {
                            break;
                        }
                        sum.part(&oid.to_le_bytes());
                        self.chunks(|bytes| sum.part(bytes))?;
                        sum.end(b"");
                    }
                }
                (other, _) => bail!("a block of the unknown kind {other}"),
            }
        }
        let rows = |(name, sum): (String, RowSum)| (name, sum.finish());
        Ok(sums.into_iter().map(rows).collect())
    }

    /// Kind and number of the next block; none at the end.
    fn block(&mut self, copied: &Numbers) -> Result<Option<(u8, i64)>> {
        if self.reader.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let kind = self.byte()?;
        let mut bytes = [0; 9];
        let bytes = &mut bytes[..=self.form.ints.bytes];
        self.reader.read_exact(bytes)?;
        let number = self.form.ints.read(bytes);
        let copied = copied.get(&number).copied().unwrap_or(number);
        self.copy.write_all(&self.form.ints.written(copied))?;
        Ok(Some((kind, number)))
    }

    /// The text of a COPY: a row a line, up to `\.`.
    fn rows(&mut self, sum: &mut RowSum) -> Result<()> {
        let mut line = Vec::new();
        let mut long = false;
        let mut ended = false;
        self.chunks(|mut bytes| {
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

    fn chunks(&mut self, mut each: impl FnMut(&[u8])) -> Result<()> {
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
                self.copy.write_all(&buffer[..count])?;
                self.reader.consume(count);
                left -= count;
            }
        }
    }
}
