//! How much of a step's output stands among its lines: the beginning as it comes,
//! the end when the step ends, and between them how much there was.

use std::collections::VecDeque;

/// Lines that are shown as they come.
const FIRST: usize = 500;
/// Their bytes, so that few long lines are bounded too.
const FIRST_BYTES: usize = 128 << 10;
/// Lines that are shown at the end.
const LAST: usize = 20;
/// Bytes of a line that is kept for the end.
const LAST_BYTES: usize = 4 << 10;

#[derive(Default)]
pub struct Bound {
    lines: usize,
    bytes: usize,
    last: VecDeque<String>,
    left_out: usize,
}

impl Bound {
    /// Whether the line is one of the first.
    pub fn takes(&mut self, line: &str) -> bool {
        let takes = self.last.is_empty()
            && self.lines < FIRST
            && (self.bytes == 0 || self.bytes + line.len() <= FIRST_BYTES);
        if takes {
            self.lines += 1;
            self.bytes += line.len();
        }
        takes
    }

    /// Keeps a line for the end; says when it is the first that nobody will see.
    pub fn keep(&mut self, number: u64, line: &str) -> String {
        let mut kept = line[..line.floor_char_boundary(LAST_BYTES)].to_owned();
        if kept.len() < line.len() {
            kept.push('…');
        }
        self.last.push_back(kept);
        if self.last.len() <= LAST {
            return String::new();
        }
        self.last.pop_front();
        self.left_out += 1;
        match self.left_out {
            1 => format!("#{number} … its output is long: the end follows, `-v` shows all\n"),
            _ => String::new(),
        }
    }

    /// What is to be said at the end of the step.
    pub fn end(&mut self, number: u64) -> String {
        let mut text = match self.left_out {
            0 => String::new(),
            1 => format!("#{number} … 1 line left out: `-v` shows it\n"),
            count => format!("#{number} … {count} lines left out: `-v` shows them\n"),
        };
        for line in self.last.drain(..) {
            text += &format!("#{number} | {line}\n");
        }
        text
    }
}
