//! The steps of a run as they are told, within bounds.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::log::Log;
use crate::progress::{Event, Waited};

/// Steps that are kept; more are counted.
const MAX_STEPS: usize = 50_000;
/// Of the output of all steps together; what has worked long ago goes first.
const MAX_LOG_BYTES: usize = 12 << 20;
/// Of a step's name, and of an error.
const MAX_NAME: usize = 300;
const MAX_ERROR: usize = 8 << 10;
/// What steps say that were under way when the run was ended.
const CANCELLED: &str = "cancelled";
const MAX_NOTES: usize = 500;

/// How a step is, or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Running,
    Done,
    Cached,
    Failed,
    /// Given up, or stopped as it should be.
    Stopped,
}

impl State {
    /// As the page calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Cached => "cached",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }
}

/// Times count from the start of the run.
#[derive(Debug)]
pub struct Step {
    pub number: u64,
    pub parent: Option<u64>,
    pub name: String,
    pub waited: Waited,
    pub start: Duration,
    pub end: Option<Duration>,
    pub state: State,
    pub error: Option<String>,
    pub log: Log,
}

#[derive(Debug)]
pub struct Record {
    origin: Instant,
    steps: Vec<Step>,
    /// Places in `steps` by number.
    places: HashMap<u64, usize>,
    pub notes: Vec<(Duration, String)>,
    /// Steps that were too many.
    pub left_out: u64,
    log_bytes: usize,
    /// Steps that ended well and have output, the first ended first.
    ended: VecDeque<usize>,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            origin: Instant::now(),
            steps: Vec::new(),
            places: HashMap::new(),
            notes: Vec::new(),
            left_out: 0,
            log_bytes: 0,
            ended: VecDeque::new(),
        }
    }
}

impl Record {
    pub fn elapsed(&self) -> Duration {
        self.origin.elapsed()
    }

    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    pub fn step(&self, number: u64) -> Option<&Step> {
        self.steps.get(*self.places.get(&number)?)
    }

    /// Takes in what happened.
    pub fn event(&mut self, event: &Event) {
        self.event_at(event, self.origin.elapsed());
    }

    fn event_at(&mut self, event: &Event, now: Duration) {
        match event {
            Event::Started {
                span,
                parent,
                name,
                waited,
            } => self.started(*span, *parent, name, *waited, now),
            Event::Output {
                span,
                stderr,
                bytes,
            } => self.output(*span, *stderr, bytes),
            Event::Finished {
                span,
                cached,
                error,
                dropped,
            } => {
                let is_cancelled = error.as_deref() == Some(CANCELLED);
                let error = error.as_deref().filter(|error| *error != CANCELLED);
                let state = match (error, cached, dropped) {
                    (Some(_), ..) => State::Failed,
                    (None, false, false) if is_cancelled => State::Stopped,
                    (None, true, _) => State::Cached,
                    (None, _, true) => State::Stopped,
                    _ => State::Done,
                };
                self.finished(*span, state, error, now);
            }
            Event::Note { text } => {
                if self.notes.len() < MAX_NOTES {
                    self.notes.push((now, cut(text, MAX_ERROR)));
                }
            }
        }
    }

    fn started(
        &mut self,
        number: u64,
        parent: Option<u64>,
        name: &str,
        waited: Waited,
        now: Duration,
    ) {
        if self.steps.len() >= MAX_STEPS {
            self.left_out += 1;
            return;
        }
        self.places.insert(number, self.steps.len());
        self.steps.push(Step {
            number,
            parent: parent.filter(|parent| self.places.contains_key(parent)),
            name: cut(name, MAX_NAME),
            waited,
            start: now,
            end: None,
            state: State::Running,
            error: None,
            log: Log::default(),
        });
    }

    fn output(&mut self, number: u64, stderr: bool, bytes: &[u8]) {
        let Some(&place) = self.places.get(&number) else {
            return;
        };
        let log = &mut self.steps[place].log;
        let before = log.len();
        log.push(stderr, bytes);
        self.log_bytes = self.log_bytes + log.len() - before;
        while self.log_bytes > MAX_LOG_BYTES {
            let Some(place) = self.ended.pop_front() else {
                break;
            };
            let log = &mut self.steps[place].log;
            self.log_bytes -= log.len();
            log.clear();
        }
    }

    fn finished(&mut self, number: u64, state: State, error: Option<&str>, now: Duration) {
        let Some(&place) = self.places.get(&number) else {
            return;
        };
        let step = &mut self.steps[place];
        step.end = Some(now);
        step.state = state;
        step.error = error.map(|error| cut(error.trim(), MAX_ERROR));
        if state != State::Failed && step.log.len() > 0 {
            self.ended.push_back(place);
        }
    }
}

/// The text, not longer than so many bytes.
pub fn cut(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let end = (0..=max).rev().find(|at| text.is_char_boundary(*at));
    format!("{}…", &text[..end.unwrap_or_default()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(span: u64, parent: Option<u64>) -> Event {
        Event::Started {
            span,
            parent,
            name: format!("step {span}"),
            waited: Waited::default(),
        }
    }

    fn finished(span: u64, error: Option<&str>, dropped: bool) -> Event {
        Event::Finished {
            span,
            cached: false,
            error: error.map(str::to_owned),
            dropped,
        }
    }

    #[test]
    fn steps_have_times_and_ends() {
        let mut record = Record::default();
        let at = Duration::from_secs;
        for (event, now) in [
            (started(1, None), 1),
            (started(2, Some(1)), 2),
            (started(3, Some(99)), 2),
            (finished(2, Some(" broke\n"), false), 4),
            (finished(1, None, true), 5),
        ] {
            record.event_at(&event, at(now));
        }
        let seen: Vec<_> = record
            .steps()
            .iter()
            .map(|step| (step.parent, step.start, step.end, step.state))
            .collect();
        let want = vec![
            (None, at(1), Some(at(5)), State::Stopped),
            (Some(1), at(2), Some(at(4)), State::Failed),
            (None, at(2), None, State::Running),
        ];
        assert_eq!(seen, want);
        assert_eq!(record.steps()[1].error.as_deref(), Some("broke"));
    }

    #[test]
    fn a_run_without_end_is_kept_within_bounds() {
        let mut record = Record::default();
        let output = vec![b'x'; 50 << 10];
        for span in 0..60_000 {
            record.event(&started(span, None));
            // Much is written by some; a few fail.
            if span < 2000 {
                record.event(&Event::Output {
                    span,
                    stderr: false,
                    bytes: output.clone(),
                });
            }
            let error = (span % 500 == 0).then_some("broke");
            record.event(&finished(span, error, false));
        }
        assert_eq!((record.steps().len(), record.left_out), (50_000, 10_000));
        let held: usize = record.steps().iter().map(|step| step.log.len()).sum();
        assert!(held <= MAX_LOG_BYTES, "{held}");
        assert_eq!(
            record.steps()[0].log.len(),
            output.len(),
            "what failed is kept"
        );
        assert_eq!(record.steps()[1].log.left_out, output.len() as u64);
        assert_eq!(record.steps()[1999].log.len(), output.len());
    }
}
