//! Takes the accounts out of a dump of MySQL or MariaDB that views, routines,
//! triggers and events run as: whoever restores it is theirs then.

use std::io::{self, BufRead, BufReader, Read};

/// What lines begin with that name such an account. Lines with rows do not, as line
/// breaks in texts are written as `\n`.
const BEGINNINGS: [&[u8]; 4] = [
    b"/*!50013 DEFINER=",
    b"CREATE DEFINER=",
    b"/*!50003 CREATE*/ /*!50017 DEFINER=",
    b"/*!50106 CREATE*/ /*!50117 DEFINER=",
];
/// Enough of a line for the account: of its two names the longest has 255 characters.
const HEAD: u64 = 4096;

pub struct WithoutDefiners<R> {
    dump: BufReader<R>,
    /// The beginning of a line.
    head: io::Cursor<Vec<u8>>,
    /// The rest of the line comes as it is.
    within: bool,
}

impl<R: Read> WithoutDefiners<R> {
    pub fn new(dump: R) -> Self {
        Self {
            dump: BufReader::with_capacity(1 << 17, dump),
            head: io::Cursor::default(),
            within: false,
        }
    }
}

impl<R: Read> Read for WithoutDefiners<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.head.read(buffer)?;
        if count > 0 {
            return Ok(count);
        }
        if self.within {
            let bytes = self.dump.fill_buf()?;
            let line = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |end| end + 1);
            let count = line.min(buffer.len());
            buffer[..count].copy_from_slice(&bytes[..count]);
            self.within = count > 0 && bytes[count - 1] != b'\n';
            self.dump.consume(count);
            if count > 0 {
                return Ok(count);
            }
        }
        let mut head = Vec::new();
        self.dump.by_ref().take(HEAD).read_until(b'\n', &mut head)?;
        self.within = head.last().is_some_and(|last| *last != b'\n');
        self.head = io::Cursor::new(without(head));
        self.head.read(buffer)
    }
}

fn without(mut line: Vec<u8>) -> Vec<u8> {
    const WORD: &[u8] = b"DEFINER=";
    let begins = |beginning: &&&[u8]| line.starts_with(beginning);
    let Some(beginning) = BEGINNINGS.iter().find(begins) else {
        return line;
    };
    let account = &line[beginning.len()..];
    let rest = quoted(account).and_then(|rest| quoted(rest.strip_prefix(b"@")?));
    if let Some(rest) = rest {
        let rest = rest.strip_prefix(b" ").unwrap_or(rest);
        let (begin, end) = (beginning.len() - WORD.len(), line.len() - rest.len());
        line.drain(begin..end);
    }
    line
}

/// What comes after a name in backticks.
fn quoted(text: &[u8]) -> Option<&[u8]> {
    let mut rest = text.strip_prefix(b"`")?;
    loop {
        let end = memchr::memchr(b'`', rest)?;
        rest = &rest[end + 1..];
        match rest.strip_prefix(b"`") {
            Some(after) => rest = after,
            None => return Some(rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = "/*!50001 CREATE ALGORITHM=UNDEFINED */\n\
        /*!50013 DEFINER=`a``b`@`%` SQL SECURITY DEFINER */\n\
        CREATE DEFINER=`definer`@`localhost` PROCEDURE `p`()\n\
        /*!50003 CREATE*/ /*!50017 DEFINER=`definer`@`%`*/ /*!50003 TRIGGER `t` */;;\n\
        INSERT INTO `t` VALUES ('CREATE DEFINER=`definer`@`%` ');\n\
        -- Dump completed";
    const PLAIN: &str = "/*!50001 CREATE ALGORITHM=UNDEFINED */\n\
        /*!50013 SQL SECURITY DEFINER */\n\
        CREATE PROCEDURE `p`()\n\
        /*!50003 CREATE*/ /*!50017 */ /*!50003 TRIGGER `t` */;;\n\
        INSERT INTO `t` VALUES ('CREATE DEFINER=`definer`@`%` ');\n\
        -- Dump completed";

    fn read(dump: &str) -> String {
        let mut text = String::new();
        let mut reader = WithoutDefiners::new(dump.as_bytes());
        reader.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn accounts_go_and_all_else_stays() {
        assert_eq!(read(DUMP), PLAIN);
    }

    #[test]
    fn long_lines_stay_as_they_are() {
        let long = format!("{}\n{DUMP}", "x".repeat(1_000_000));
        let plain = format!("{}\n{PLAIN}", "x".repeat(1_000_000));
        assert_eq!(read(&long), plain);
    }
}
