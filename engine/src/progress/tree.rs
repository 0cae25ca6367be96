//! A live tree on a terminal: what is under way, and what failed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Event;
use super::mode::View;

/// Deeper work is not shown.
const MAX_DEPTH: usize = 6;

pub struct Tree {
    bars: MultiProgress,
    verbosity: i16,
    spans: Arc<Mutex<HashMap<u64, Branch>>>,
    ended: Arc<AtomicBool>,
}

struct Branch {
    bar: ProgressBar,
    depth: usize,
    name: String,
    start: Instant,
}

impl Tree {
    pub fn new(verbosity: i16) -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let spans: Arc<Mutex<HashMap<u64, Branch>>> = Arc::default();
        let ended = Arc::new(AtomicBool::new(false));
        let (ticked, stop) = (spans.clone(), ended.clone());
        // One thread turns all spinners.
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(120));
                let spans = ticked.lock().unwrap_or_else(PoisonError::into_inner);
                spans.values().for_each(|branch| branch.bar.tick());
            }
        });
        Self {
            bars,
            verbosity,
            spans,
            ended,
        }
    }

    fn started(&self, span: u64, parent: Option<u64>, name: String) {
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        let parent = parent.and_then(|parent| spans.get(&parent));
        let depth = parent.map_or(0, |branch| branch.depth + 1);
        let bar = ProgressBar::new_spinner();
        let bar = match parent {
            _ if depth > MAX_DEPTH => ProgressBar::hidden(),
            Some(parent) if !parent.bar.is_hidden() => self.bars.insert_after(&parent.bar, bar),
            _ => self.bars.add(bar),
        };
        let indent = "  ".repeat(depth);
        let template = format!("{indent}{{spinner}} {{prefix}} {{elapsed}} {{wide_msg}}");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        bar.set_prefix(name.clone());
        spans.insert(
            span,
            Branch {
                bar,
                depth,
                name,
                start: Instant::now(),
            },
        );
    }

    fn finished(&self, span: u64, cached: bool, error: Option<String>) {
        let branch = self
            .spans
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&span);
        let Some(branch) = branch else { return };
        branch.bar.finish_and_clear();
        self.bars.remove(&branch.bar);
        let (indent, name) = ("  ".repeat(branch.depth), &branch.name);
        let line = match error {
            Some(error) => format!(
                "{indent}✘ {name}: {}",
                error.lines().next().unwrap_or_default()
            ),
            // What is deep or was done before is not worth a line.
            None if self.verbosity < 0 => return,
            None if self.verbosity == 0 && (cached || branch.depth > 1) => return,
            None => format!(
                "{indent}✔ {name} {:.1}s",
                branch.start.elapsed().as_secs_f64()
            ),
        };
        // A terminal that is gone must not end the work.
        let _ = self.bars.println(line);
    }
}

impl View for Tree {
    fn event(&self, event: Event) {
        match event {
            Event::Started { span, parent, name } => self.started(span, parent, name),
            Event::Output { span, bytes, .. } => {
                let spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
                let text = String::from_utf8_lossy(&bytes);
                let last = text.lines().rev().find(|line| !line.trim().is_empty());
                if let (Some(branch), Some(line)) = (spans.get(&span), last) {
                    let line: String = line.chars().filter(|c| !c.is_control()).collect();
                    branch.bar.set_message(line);
                }
            }
            Event::Finished {
                span,
                cached,
                error,
            } => self.finished(span, cached, error),
            Event::Note { text } => {
                let _ = self.bars.println(text.trim_end());
            }
        }
    }

    fn suspend(&self, print: &mut dyn FnMut()) {
        self.bars.suspend(print);
    }

    fn pause(&self, paused: bool) {
        let target = if paused {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        if paused {
            let _ = self.bars.clear();
        }
        self.bars.set_draw_target(target);
    }

    fn finish(&self) {
        self.ended.store(true, Ordering::Relaxed);
        let _ = self.bars.clear();
    }
}
