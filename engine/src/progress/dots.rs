//! A dot for each piece of work that ended.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Event;
use super::mode::View;

/// Dots in a line.
const WIDTH: usize = 80;

#[derive(Default)]
pub struct Dots {
    column: AtomicUsize,
}

impl Dots {
    fn write(&self, text: &str) {
        // A closed stderr must not end the work.
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }

    fn end_line(&self) {
        if self.column.swap(0, Ordering::Relaxed) > 0 {
            self.write("\n");
        }
    }
}

impl View for Dots {
    fn event(&self, event: Event) {
        match event {
            Event::Finished { cached, error, .. } => {
                self.write(match (error, cached) {
                    (Some(_), _) => "X",
                    (None, true) => "$",
                    (None, false) => ".",
                });
                if self.column.fetch_add(1, Ordering::Relaxed) + 1 >= WIDTH {
                    self.end_line();
                }
            }
            Event::Note { text } => {
                self.end_line();
                self.write(&format!("{}\n", text.trim_end()));
            }
            Event::Started { .. } | Event::Output { .. } => {}
        }
    }

    fn suspend(&self, print: &mut dyn FnMut()) {
        self.end_line();
        print();
    }

    fn finish(&self) {
        self.end_line();
    }
}
