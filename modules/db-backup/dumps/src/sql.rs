//! What mysqldump and mariadb-dump write: one statement a line, but for the rows
//! of an INSERT and for the bodies of routines, which stand between DELIMITERs.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use eyre::{Result, ensure};
use memchr::{memchr, memchr2};

use crate::{RowSum, Tally};

const LAST_LINE: &[u8] = b"-- Dump completed";
/// Enough of a line to know what it is: names have at most 64 characters.
const HEAD: usize = 1024;
const KINDS: [&str; 6] = [
    "PROCEDURE",
    "FUNCTION",
    "TRIGGER",
    "EVENT",
    "PACKAGE BODY",
    "PACKAGE",
];

/// Copies a whole dump, which must have its last line.
pub fn count(reader: &mut dyn BufRead, copy: &mut dyn Write) -> Result<Tally> {
    let mut counter = Counter::default();
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            break;
        }
        copy.write_all(bytes)?;
        counter.feed(bytes);
        let count = bytes.len();
        reader.consume(count);
    }
    counter.line_ends();
    ensure!(counter.complete, "the dump ends too early");
    let rows = |(name, sum): (&String, &RowSum)| (name.clone(), sum.finish());
    Ok(Tally {
        tables: counter.tables.iter().map(rows).collect(),
        objects: counter.objects,
    })
}

#[derive(Default)]
struct Counter {
    tables: BTreeMap<String, RowSum>,
    objects: BTreeMap<String, u64>,
    place: Place,
    /// The beginning of the line.
    head: Vec<u8>,
    /// Between `DELIMITER ;;` and `DELIMITER ;`, and not named yet.
    body: bool,
    unnamed: bool,
    complete: bool,
}

/// What the next byte belongs to.
#[derive(Default)]
enum Place {
    /// A line that is not known yet.
    #[default]
    Head,
    /// The rest of a line.
    Rest,
    Insert(Values),
}

struct Values {
    table: String,
    /// `VALUES` was there: before it, parentheses hold names of columns.
    values: bool,
    /// The word or name before the rows.
    word: Vec<u8>,
    in_name: bool,
    row: Row,
}

#[derive(PartialEq)]
enum Row {
    Between,
    /// So many parentheses deep.
    Inside(u32),
    /// In a text, in a row of that depth.
    Text(u32),
    /// After a backslash.
    Escaped(u32),
}

impl Counter {
    fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let used = match &mut self.place {
                Place::Head => self.head(bytes),
                Place::Rest => match memchr(b'\n', bytes) {
                    Some(end) => {
                        self.line_ends();
                        end + 1
                    }
                    None => bytes.len(),
                },
                Place::Insert(values) => {
                    let sum = self.tables.entry(values.table.clone()).or_default();
                    let (used, ended) = values.feed(bytes, sum);
                    if ended {
                        self.place = Place::Rest;
                    }
                    used
                }
            };
            bytes = &bytes[used..];
        }
    }

    /// Gathers the beginning of a line until it says what it is; how many bytes
    /// were used.
    fn head(&mut self, bytes: &[u8]) -> usize {
        let room = HEAD.saturating_sub(self.head.len()).min(bytes.len());
        let end = memchr(b'\n', &bytes[..room]);
        let known = self.head.len();
        self.head.extend_from_slice(&bytes[..end.unwrap_or(room)]);
        if let Some((table, behind)) = self.insert() {
            self.head.clear();
            self.place = Place::Insert(Values::of(table));
            return behind.saturating_sub(known);
        }
        if let Some(end) = end {
            self.line_ends();
            return end + 1;
        }
        if self.head.len() >= HEAD {
            self.place = Place::Rest;
        }
        room
    }

    /// The table of an INSERT that the line begins, and where its name ends.
    fn insert(&self) -> Option<(String, usize)> {
        if self.body {
            return None;
        }
        let statement = self
            .head
            .strip_prefix(b"INSERT INTO ")
            .or_else(|| self.head.strip_prefix(b"INSERT IGNORE INTO "))?;
        let (table, rest) = name(statement)?;
        Some((table, self.head.len() - rest.len()))
    }

    fn line_ends(&mut self) {
        let line = std::mem::take(&mut self.head);
        self.place = Place::Head;
        if let Some(delimiter) = line.strip_prefix(b"DELIMITER ") {
            self.body = delimiter != b";";
            self.unnamed = self.body;
        } else if self.body {
            if self.unnamed && line.windows(6).any(|word| word == b"CREATE") {
                self.unnamed = false;
                let text = String::from_utf8_lossy(&line).to_uppercase();
                let first = KINDS.iter().filter_map(|kind| {
                    let at = text.find(&format!(" {kind} "))?;
                    Some((at, *kind))
                });
                if let Some((_, kind)) = first.min_by_key(|(at, _)| *at) {
                    *self.objects.entry(kind.into()).or_default() += 1;
                }
            } else if line == b";;" || line.ends_with(b" ;;") || line.ends_with(b";;") {
                self.unnamed = true;
            }
        } else if let Some((table, _)) = line.strip_prefix(b"CREATE TABLE ").and_then(name) {
            self.tables.entry(table).or_default();
        } else if line.starts_with(b"/*!50001 VIEW `") {
            *self.objects.entry("VIEW".into()).or_default() += 1;
        } else if line.starts_with(b"CREATE SEQUENCE `") {
            *self.objects.entry("SEQUENCE".into()).or_default() += 1;
        } else if line.starts_with(LAST_LINE) {
            self.complete = true;
        }
    }
}

/// A name in backticks, and what comes after it.
fn name(text: &[u8]) -> Option<(String, &[u8])> {
    let mut rest = text.strip_prefix(b"`")?;
    let mut name = Vec::new();
    loop {
        let end = memchr(b'`', rest)?;
        name.extend_from_slice(&rest[..end]);
        // One more byte tells a doubled backtick from the last one.
        match rest.get(end + 1)? {
            b'`' => {
                name.push(b'`');
                rest = &rest[end + 2..];
            }
            _ => {
                return Some((
                    String::from_utf8_lossy(&name).into_owned(),
                    &rest[end + 1..],
                ));
            }
        }
    }
}

impl Values {
    fn of(table: String) -> Self {
        Self {
            table,
            values: false,
            word: Vec::new(),
            in_name: false,
            row: Row::Between,
        }
    }

    /// How many bytes were used, and whether the statement is over.
    fn feed(&mut self, bytes: &[u8], sum: &mut RowSum) -> (usize, bool) {
        let mut at = 0;
        // Where the part of the row begins that is in these bytes.
        let mut begin = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            match self.row {
                Row::Between if !self.values => {
                    self.before_values(byte);
                    at += 1;
                }
                Row::Between => {
                    at += 1;
                    match byte {
                        b'(' => {
                            begin = at - 1;
                            self.row = Row::Inside(1);
                        }
                        b';' => return (at, true),
                        _ => {}
                    }
                }
                Row::Inside(depth) => {
                    at += 1;
                    match byte {
                        b'\'' => self.row = Row::Text(depth),
                        b'(' => self.row = Row::Inside(depth + 1),
                        b')' if depth == 1 => {
                            sum.end(&bytes[begin..at]);
                            self.row = Row::Between;
                        }
                        b')' => self.row = Row::Inside(depth - 1),
                        _ => {}
                    }
                }
                Row::Text(depth) => match memchr2(b'\'', b'\\', &bytes[at..]) {
                    Some(offset) => {
                        at += offset + 1;
                        self.row = match bytes[at - 1] {
                            // A doubled quote opens the text again at once.
                            b'\'' => Row::Inside(depth),
                            _ => Row::Escaped(depth),
                        };
                    }
                    None => at = bytes.len(),
                },
                Row::Escaped(depth) => {
                    at += 1;
                    self.row = Row::Text(depth);
                }
            }
        }
        if self.row != Row::Between {
            sum.part(&bytes[begin..]);
        }
        (at, false)
    }

    /// Names of columns may be anything, but stand in backticks.
    fn before_values(&mut self, byte: u8) {
        match byte {
            b'`' => self.in_name = !self.in_name,
            _ if self.in_name => {}
            _ if byte.is_ascii_alphabetic() => self.word.push(byte.to_ascii_uppercase()),
            _ => self.word.clear(),
        }
        self.values = self.word == b"VALUES";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = r"-- MariaDB dump
CREATE TABLE `t` (
  `a` int(11) DEFAULT NULL
) ENGINE=InnoDB;
INSERT INTO `t` VALUES
(1,'a(b),(\'c\');'),
(2,'d''e\\');
INSERT INTO `t` VALUES (3,NULL),(4,_binary 'x)');
CREATE TABLE `o``dd (VALUES)` (
  `select` int
);
INSERT INTO `o``dd (VALUES)` (`VALUES (`, `b`) VALUES (1,2);
CREATE TABLE `empty` (
);
/*!50001 CREATE TABLE `v` (
/*!50001 VIEW `v` AS select 1 */;
DELIMITER ;;
CREATE DEFINER=`root`@`%` PROCEDURE `function`()
BEGIN
INSERT INTO `t` VALUES (9,9);
CREATE TABLE `no` (a int);
END ;;
CREATE DEFINER=`root`@`%` FUNCTION `f`() RETURNS int
RETURN 1 ;;
DELIMITER ;
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`%`*/ /*!50003 TRIGGER `tr` BEFORE INSERT ON `t` FOR EACH ROW SET NEW.a = 1 */;;
DELIMITER ;
-- Dump completed
";

    fn counted(dump: &str, chunk: usize) -> Result<Tally> {
        let mut copy = Vec::new();
        let mut reader = std::io::BufReader::with_capacity(chunk, dump.as_bytes());
        let tally = count(&mut reader, &mut copy)?;
        assert_eq!(copy, dump.as_bytes());
        Ok(tally)
    }

    #[test]
    fn rows_of_every_form_are_counted() {
        let tally = counted(DUMP, 4096).unwrap();
        let rows: Vec<_> = tally
            .tables
            .iter()
            .map(|(name, table)| (name.as_str(), table.rows))
            .collect();
        assert_eq!(rows, [("empty", 0), ("o`dd (VALUES)", 1), ("t", 4)]);
        let kinds: Vec<_> = tally
            .objects
            .iter()
            .map(|(k, n)| (k.as_str(), *n))
            .collect();
        assert_eq!(
            kinds,
            [
                ("FUNCTION", 1),
                ("PROCEDURE", 1),
                ("TRIGGER", 1),
                ("VIEW", 1)
            ]
        );
    }

    #[test]
    fn it_does_not_matter_how_the_dump_is_cut_into_pieces() {
        let whole = counted(DUMP, 4096).unwrap();
        for chunk in 1..200 {
            assert_eq!(counted(DUMP, chunk).unwrap(), whole, "pieces of {chunk}");
        }
    }

    #[test]
    fn the_form_of_the_statement_does_not_change_the_checksum() {
        let one = "INSERT INTO `t` VALUES (1,'a'),(2,'b');\n-- Dump completed\n";
        let two = "INSERT INTO `t` VALUES\n(2,'b');\nINSERT INTO `t` VALUES\n(1,'a');\n-- Dump completed\n";
        assert_eq!(counted(one, 99).unwrap(), counted(two, 99).unwrap());
    }

    #[test]
    fn a_dump_without_its_last_line_is_refused() {
        let cut = &DUMP[..DUMP.len() - 5];
        assert!(counted(cut, 99).is_err());
        assert!(counted("", 99).is_err());
    }
}
