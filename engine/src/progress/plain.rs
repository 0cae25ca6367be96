//! Lines on stderr, for logs.

mod bound;

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::mode::View;
use super::{Event, cause};
use bound::Bound;

/// What is told.
#[derive(Clone, Copy, PartialEq)]
enum Told {
    Everything,
    /// Of long output only the beginning and the end.
    Usual,
    /// Beginnings and ends.
    Quiet,
    /// Only output.
    Logs,
    /// Ends, all together.
    Report,
}

pub struct Plain {
    told: Told,
    state: Mutex<State>,
    write: Box<dyn Fn(&str) + Send + Sync>,
}

#[derive(Default)]
struct State {
    next: u64,
    spans: HashMap<u64, Shown>,
    report: String,
}

struct Shown {
    number: u64,
    name: String,
    start: Instant,
    /// Output since the last line end.
    partial: Vec<u8>,
    bound: Bound,
}

impl Plain {
    /// Less than 0 leaves out the output of commands, more than 0 shows all of it.
    pub fn new(verbosity: i16) -> Self {
        Self::told(match verbosity {
            ..0 => Told::Quiet,
            0 => Told::Usual,
            1.. => Told::Everything,
        })
    }

    pub fn logs() -> Self {
        Self::told(Told::Logs)
    }

    pub fn report() -> Self {
        Self::told(Told::Report)
    }

    fn told(told: Told) -> Self {
        // A closed stderr must not end the work.
        let write = |text: &str| drop(std::io::stderr().lock().write_all(text.as_bytes()));
        Self {
            told,
            state: Mutex::default(),
            write: Box::new(write),
        }
    }

    fn lines(&self, event: Event, state: &mut State) -> String {
        match event {
            Event::Started { span, name, .. } => {
                state.next += 1;
                let number = state.next;
                let name = short(&name);
                let line = format!("#{number} {name}\n");
                let shown = Shown {
                    number,
                    name,
                    start: Instant::now(),
                    partial: Vec::new(),
                    bound: Bound::default(),
                };
                state.spans.insert(span, shown);
                if matches!(self.told, Told::Logs | Told::Report) {
                    String::new()
                } else {
                    line
                }
            }
            Event::Output { span, bytes, .. } => {
                let Some(shown) = state.spans.get_mut(&span) else {
                    return String::new();
                };
                if matches!(self.told, Told::Quiet | Told::Report) {
                    return String::new();
                }
                // What was there before has no end of a line.
                let before = shown.partial.len();
                shown.partial.extend_from_slice(&bytes);
                let end = match memchr::memrchr(b'\n', &bytes) {
                    Some(end) => before + end + 1,
                    None if shown.partial.len() > MAX_LINE => shown.partial.len(),
                    None => return String::new(),
                };
                let rest = shown.partial.split_off(end);
                let whole = std::mem::replace(&mut shown.partial, rest);
                self.output(shown, &whole)
            }
            Event::Finished {
                span,
                cached,
                error,
                dropped,
            } => {
                let Some(mut shown) = state.spans.remove(&span) else {
                    return String::new();
                };
                let rest = std::mem::take(&mut shown.partial);
                let mut lines = self.output(&mut shown, &rest);
                lines += &shown.bound.end(shown.number);
                let (number, name) = (shown.number, &shown.name);
                let secs = shown.start.elapsed().as_secs_f64();
                let end = match (error, cached) {
                    (Some(error), _) => format!("ERROR {}", cause(&error)),
                    (None, true) => "CACHED".to_owned(),
                    (None, false) if dropped => format!("STOPPED {secs:.1}s"),
                    (None, false) => format!("DONE {secs:.1}s"),
                };
                match self.told {
                    Told::Everything | Told::Usual | Told::Quiet => {
                        lines += &format!("#{number} {end}\n")
                    }
                    Told::Report => state.report += &format!("{name}: {end}\n"),
                    Told::Logs => {}
                }
                lines
            }
            Event::Note { text } => format!("{}\n", text.trim_end()),
        }
    }

    fn output(&self, shown: &mut Shown, bytes: &[u8]) -> String {
        let before = match self.told {
            Told::Everything | Told::Usual => format!("#{} | ", shown.number),
            // Of others, which show none, there is nothing here.
            _ => String::new(),
        };
        let text = String::from_utf8_lossy(bytes);
        let mut lines = String::with_capacity(text.len() + before.len() + 1);
        for line in text.lines() {
            if self.told == Told::Usual && !shown.bound.takes(line) {
                lines += &shown.bound.keep(shown.number, line);
                continue;
            }
            for part in [&before, line, "\n"] {
                lines.push_str(part);
            }
        }
        lines
    }
}

/// A longer line is shown in parts: it may never end.
const MAX_LINE: usize = 64 << 10;

/// What a line of a log has room for.
fn short(name: &str) -> String {
    let name = name.replace('\n', " ");
    match name.char_indices().nth(72) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name,
    }
}

impl View for Plain {
    fn event(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = self.lines(event, &mut state);
        if !lines.is_empty() {
            (self.write)(&lines);
        }
    }

    fn finish(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let report = std::mem::take(&mut state.report);
        (self.write)(&report);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Progress;
    use std::sync::Arc;

    fn shown(mut view: Plain, work: impl Fn(&Progress)) -> String {
        let text = Arc::new(Mutex::new(String::new()));
        let sink = text.clone();
        view.write = Box::new(move |t| sink.lock().expect("no poison").push_str(t));
        let view = Arc::new(view);
        let events = view.clone();
        work(&Progress::new(move |event| events.event(event)));
        view.finish();
        let text = text.lock().expect("no poison");
        text.clone()
    }

    fn work(progress: &Progress) {
        let outer = progress.start("build");
        outer.output(false, b"one\ntw");
        outer.child().start("pull").finish_cached();
        outer.output(true, b"o\nrest");
        outer.fail("it broke\n");
        progress.note("by the way");
    }

    #[test]
    fn lines_are_numbered_and_output_comes_in_whole_lines() {
        let want = "#1 build\n#1 | one\n#2 pull\n#2 CACHED\n#1 | two\n#1 | rest\n#1 ERROR it broke\nby the way\n";
        assert_eq!(shown(Plain::new(0), work), want);
    }

    #[test]
    fn a_line_that_never_ends_is_shown_and_not_held() {
        let work = |progress: &Progress| {
            let span = progress.start("zeros");
            for _ in 0..1000 {
                span.output(false, &[b'0'; 1 << 10]);
            }
            progress.note("still under way");
            span.finish();
        };
        let seen = shown(Plain::new(1), work);
        let (before, _) = seen.split_once("still under way").expect("a note");
        assert!(before.len() > 900 << 10, "{} bytes", before.len());
    }

    #[test]
    fn what_was_given_up_is_not_called_done() {
        let work = |progress: &Progress| {
            let _given_up = progress.start("build");
            progress.start("test").finish();
        };
        let seen = shown(Plain::new(0), work);
        let want = ["#1 build", "#2 test", "#2 DONE ", "#1 STOPPED "];
        assert_eq!(seen.lines().count(), want.len(), "{seen}");
        for (line, want) in seen.lines().zip(want) {
            assert!(line.starts_with(want), "{seen}");
        }
    }

    #[test]
    fn a_line_that_never_ends_costs_no_more_than_its_bytes() {
        let work = |progress: &Progress| {
            let span = progress.start("zeros");
            for _ in 0..256 << 10 {
                span.output(false, &[b'0'; 16]);
            }
            span.finish();
        };
        // Seconds; minutes when all of the line is looked at for each piece of it.
        let began = Instant::now();
        let seen = shown(Plain::new(1), work);
        assert!(seen.len() > 4 << 20, "{} bytes", seen.len());
        assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
    }

    /// A step that writes `count` lines, the first of which is 1.
    fn counting(count: usize, failed: bool) -> impl Fn(&Progress) {
        move |progress| {
            let span = progress.start("count");
            for line in 1..=count {
                span.output(false, format!("{line}\n").as_bytes());
            }
            match failed {
                true => span.fail("exit code: 1"),
                false => span.finish(),
            }
        }
    }

    #[test]
    fn of_long_output_the_beginning_and_the_end_are_shown() {
        for failed in [false, true] {
            let seen = shown(Plain::new(0), counting(100_000, failed));
            let lines: Vec<_> = seen.lines().collect();
            assert!(lines.len() < 540, "{} lines", lines.len());
            assert_eq!(lines[1..=500].first(), Some(&"#1 | 1"));
            assert_eq!(lines[500], "#1 | 500");
            assert!(
                seen.contains("#1 … 99480 lines left out: `-v` shows them"),
                "{seen}"
            );
            let end = &lines[lines.len() - 21..];
            assert_eq!((end[0], end[19]), ("#1 | 99981", "#1 | 100000"));
            let last = if failed {
                "#1 ERROR exit code: 1"
            } else {
                "#1 DONE "
            };
            assert!(end[20].starts_with(last), "{}", end[20]);
        }
    }

    #[test]
    fn output_that_is_little_longer_is_shown_whole() {
        let seen = shown(Plain::new(0), counting(520, false));
        assert_eq!(seen.lines().count(), 522, "{seen}");
        assert!(!seen.contains('…'), "{seen}");
    }

    #[test]
    fn who_wants_more_sees_all_of_long_output() {
        let seen = shown(Plain::new(1), counting(5000, false));
        assert_eq!(seen.lines().count(), 5002);
        assert_eq!(
            shown(Plain::logs(), counting(5000, false)).lines().count(),
            5000
        );
    }

    #[test]
    fn output_of_few_long_lines_is_bounded_too() {
        let work = |progress: &Progress| {
            let span = progress.start("zeros");
            for _ in 0..100 {
                span.output(false, &[b'0'; 64 << 10]);
                span.output(false, b"\n");
            }
            span.finish();
        };
        let seen = shown(Plain::new(0), work);
        assert!(seen.len() < 300 << 10, "{} bytes", seen.len());
    }

    #[test]
    fn other_looks_leave_out_what_they_do_not_show() {
        assert_eq!(shown(Plain::logs(), work), "one\ntwo\nrest\nby the way\n");
        assert_eq!(
            shown(Plain::report(), work),
            "by the way\npull: CACHED\nbuild: ERROR it broke\n"
        );
        assert_eq!(
            shown(Plain::new(-1), work),
            "#1 build\n#2 pull\n#2 CACHED\n#1 ERROR it broke\nby the way\n"
        );
    }
}
