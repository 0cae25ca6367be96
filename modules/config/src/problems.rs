//! What is wrong with a file: every problem with its place, at once.

use std::fmt;

/// A place in a file; both numbers count from one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    pub at: Position,
    pub message: String,
}

/// All that is wrong with `file`, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    file: String,
    list: Vec<Problem>,
}

impl Problems {
    pub fn new(file: &str, mut list: Vec<Problem>) -> Self {
        list.sort();
        list.dedup();
        Self {
            file: file.to_owned(),
            list,
        }
    }
}

impl std::error::Error for Problems {}

/// `file:line:column: message`, a line for each.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = &self.file;
        match self.list.len() {
            1 => {}
            n => writeln!(f, "{n} problems in `{file}`:")?,
        }
        for (i, Problem { at, message }) in self.list.iter().enumerate() {
            let end = if i > 0 { "\n" } else { "" };
            write!(f, "{end}{file}:{}:{}: {message}", at.line, at.column)?;
        }
        Ok(())
    }
}
