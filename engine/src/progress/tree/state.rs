//! What runs, and what is told for good.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::lines::duration;
use crate::progress::Event;

/// Lines of output that are kept for the case of a failure.
const LAST: usize = 10;
/// A line of output is not kept longer than this.
const MAX_LINE: usize = 500;
/// What is deeper is not told for good, unless it fails.
const MAX_DEPTH: usize = 1;

pub struct State {
    verbosity: i16,
    /// By number, so in the order in which they began.
    pub running: BTreeMap<u64, Branch>,
    pub begun: Instant,
    pub done: usize,
    pub cached: usize,
    pub stopped: usize,
    pub failed: usize,
}

pub struct Branch {
    pub parent: Option<u64>,
    pub depth: usize,
    pub name: String,
    pub start: Instant,
    pub last: VecDeque<String>,
    partial: String,
}

/// What stays on the terminal.
pub enum Told {
    Done {
        depth: usize,
        name: String,
        took: Duration,
    },
    Cached {
        depth: usize,
        name: String,
    },
    /// Given up, or a service that is not needed any more.
    Stopped {
        depth: usize,
        name: String,
        took: Duration,
    },
    Failed {
        depth: usize,
        name: String,
        took: Duration,
        last: Vec<String>,
        error: String,
    },
    Note(String),
    /// Of the whole run.
    Sum(String),
}

impl State {
    pub fn new(verbosity: i16) -> Self {
        Self {
            verbosity,
            running: BTreeMap::new(),
            begun: Instant::now(),
            done: 0,
            cached: 0,
            stopped: 0,
            failed: 0,
        }
    }

    pub fn event(&mut self, event: Event) -> Option<Told> {
        match event {
            Event::Started {
                span, parent, name, ..
            } => {
                let above = parent.and_then(|parent| self.running.get(&parent));
                let branch = Branch {
                    parent: parent.filter(|_| above.is_some()),
                    depth: above.map_or(0, |above| above.depth + 1),
                    name: printable(&name),
                    start: Instant::now(),
                    last: VecDeque::new(),
                    partial: String::new(),
                };
                self.running.insert(span, branch);
                None
            }
            Event::Output { span, bytes, .. } => {
                self.running.get_mut(&span)?.output(&bytes);
                None
            }
            Event::Finished {
                span,
                cached,
                error,
                dropped,
            } => self.finished(span, cached, error, dropped),
            Event::Note { text } => Some(Told::Note(text)),
        }
    }

    /// What was done, in one line; nothing to tell of little.
    pub fn sum(&self) -> Option<Told> {
        let all = self.done + self.cached + self.stopped + self.failed;
        (all > 1 && self.verbosity >= 0).then(|| Told::Sum(self.counts().join(" · ")))
    }

    /// How much of what, and the time.
    pub fn counts(&self) -> Vec<String> {
        let counts = [
            (self.running.len(), "running"),
            (self.done, "done"),
            (self.cached, "cached"),
            (self.stopped, "stopped"),
            (self.failed, "failed"),
        ];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let counts = counts.map(|(count, word)| format!("{count} {word}"));
        counts.chain([duration(self.begun.elapsed())]).collect()
    }

    fn finished(
        &mut self,
        span: u64,
        cached: bool,
        error: Option<String>,
        dropped: bool,
    ) -> Option<Told> {
        let mut branch = self.running.remove(&span)?;
        branch.end_line();
        let (depth, name, took) = (branch.depth, branch.name, branch.start.elapsed());
        let is_worth_it = match self.verbosity {
            ..0 => false,
            0 => depth <= MAX_DEPTH,
            1.. => true,
        };
        match error {
            Some(error) => {
                self.failed += 1;
                Some(Told::Failed {
                    depth,
                    name,
                    took,
                    last: branch.last.into(),
                    error,
                })
            }
            None if cached => {
                self.cached += 1;
                is_worth_it.then_some(Told::Cached { depth, name })
            }
            None if dropped => {
                self.stopped += 1;
                is_worth_it.then_some(Told::Stopped { depth, name, took })
            }
            None => {
                self.done += 1;
                is_worth_it.then_some(Told::Done { depth, name, took })
            }
        }
    }
}

impl Branch {
    fn output(&mut self, bytes: &[u8]) {
        for part in String::from_utf8_lossy(bytes).split_inclusive('\n') {
            if self.partial.len() < MAX_LINE {
                self.partial += part;
            }
            if part.ends_with('\n') {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.partial);
        let line = printable(&line);
        if !line.trim().is_empty() {
            if self.last.len() >= LAST {
                self.last.pop_front();
            }
            self.last.push_back(line);
        }
    }
}

/// The text as one line that moves no cursor: what a bar of progress has drawn
/// last, without colours.
fn printable(text: &str) -> String {
    let text = text.trim_end();
    let text = text.rsplit('\r').next().unwrap_or(text);
    let text = console::strip_ansi_codes(text);
    let spaced = text
        .chars()
        .map(|c| if c == '\t' || c == '\n' { ' ' } else { c });
    spaced.filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_draw_becomes_lines_without_movement() {
        for (text, want) in [
            ("plain", "plain"),
            ("\x1b[31mred\x1b[0m\tx", "red x"),
            ("10 %\r50 %\r100 %\r\n", "100 %"),
            ("\x1b[2J\x1b[1;1Hhome\x07", "home"),
            ("two\nlines", "two lines"),
        ] {
            assert_eq!(printable(text), want, "{text:?}");
        }
    }
}
