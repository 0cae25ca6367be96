//! A live tree on a terminal: what is under way, below what is done.
//!
//! [`state`] knows what runs, [`lines`] makes lines of it that fit, [`screen`]
//! puts them on the terminal and takes them away again.

mod lines;
mod screen;
mod state;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Event;
use super::mode::View;
use screen::Screen;
use state::{State, Told};

/// Time between two pictures.
const FRAME: Duration = Duration::from_millis(100);

pub struct Tree {
    shown: Arc<Mutex<Shown>>,
    ended: Arc<AtomicBool>,
}

struct Shown {
    state: State,
    screen: Screen,
    paused: bool,
    /// Pictures so far.
    frame: usize,
}

fn locked(shown: &Mutex<Shown>) -> MutexGuard<'_, Shown> {
    shown.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tree {
    pub fn new(verbosity: i16) -> Self {
        let shown = Arc::new(Mutex::new(Shown {
            state: State::new(verbosity),
            screen: Screen::default(),
            paused: false,
            frame: 0,
        }));
        let ended = Arc::new(AtomicBool::new(false));
        let (drawn, stop) = (shown.clone(), ended.clone());
        std::thread::spawn(move || {
            for frame in 0.. {
                std::thread::sleep(FRAME);
                // Under the lock, so that nothing is drawn after the end.
                let mut shown = locked(&drawn);
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                shown.frame = frame;
                shown.show(&[]);
            }
        });
        Self { shown, ended }
    }
}

impl Shown {
    /// Shows lines that stay, and what is under way.
    fn show(&mut self, told: &[Told]) {
        let (width, height) = screen::size();
        let stay: Vec<String> = told
            .iter()
            .flat_map(|told| lines::told(told, width))
            .collect();
        let live = match self.paused {
            true => Vec::new(),
            false => lines::live(&self.state, width, height, self.frame),
        };
        self.screen.show(&stay, &live, width);
    }
}

impl View for Tree {
    fn event(&self, event: Event) {
        let mut shown = locked(&self.shown);
        let told = shown.state.event(event);
        if told.is_some() {
            shown.show(told.as_slice());
        }
    }

    fn suspend(&self, print: &mut dyn FnMut()) {
        let mut shown = locked(&self.shown);
        shown.screen.clear();
        print();
    }

    fn wrote(&self, ended_line: bool) {
        locked(&self.shown).screen.inside_line(!ended_line);
    }

    fn pause(&self, paused: bool) {
        let mut shown = locked(&self.shown);
        shown.paused = paused;
        shown.screen.clear();
    }

    fn finish(&self) {
        let mut shown = locked(&self.shown);
        if !self.ended.swap(true, Ordering::Relaxed) {
            shown.state.running.clear();
            let sum = shown.state.sum();
            shown.show(sum.as_slice());
        }
    }
}
