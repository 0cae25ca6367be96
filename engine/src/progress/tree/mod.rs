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
use state::State;

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
                shown.draw(frame);
            }
        });
        Self { shown, ended }
    }
}

impl Shown {
    fn draw(&mut self, frame: usize) {
        if !self.paused {
            let (width, height) = screen::size();
            let lines = lines::live(&self.state, width, height, frame);
            self.screen.draw(&lines, width);
        }
    }

    fn print(&mut self, lines: &[String]) {
        if !lines.is_empty() {
            self.screen.print(lines);
        }
    }
}

impl View for Tree {
    fn event(&self, event: Event) {
        let mut shown = locked(&self.shown);
        let told = shown.state.event(event);
        let (width, _) = screen::size();
        let lines: Vec<String> = told
            .iter()
            .flat_map(|told| lines::told(told, width))
            .collect();
        shown.print(&lines);
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
        self.ended.store(true, Ordering::Relaxed);
        shown.screen.clear();
    }
}
