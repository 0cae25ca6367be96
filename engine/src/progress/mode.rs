//! The choice of a look, and who shows it.

use std::io::IsTerminal;
use std::sync::Arc;

use super::dots::Dots;
use super::plain::Plain;
use super::tree::Tree;
use super::{Event, Progress};

/// How progress looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// A tree on a terminal, lines elsewhere.
    #[default]
    Auto,
    /// A line for each beginning and end, and lines of output.
    Plain,
    /// A live tree.
    Tty,
    /// A dot for each piece of work.
    Dots,
    /// Only what commands write.
    Logs,
    /// What was done, at the end.
    Report,
    /// Nothing.
    #[value(skip)]
    Silent,
}

/// A look.
pub(super) trait View: Send + Sync {
    fn event(&self, event: Event);

    /// Runs `print` while nothing else is written to the terminal.
    fn suspend(&self, print: &mut dyn FnMut()) {
        print();
    }

    /// Somebody else has written to the terminal, and ended the line or not.
    fn wrote(&self, _ended_line: bool) {}

    /// Shows nothing new while the terminal belongs to somebody else.
    fn pause(&self, _paused: bool) {}

    /// Nothing comes any more.
    fn finish(&self) {}
}

/// Shows events on stderr.
#[derive(Clone)]
pub struct Renderer {
    view: Option<Arc<dyn View>>,
}

impl Renderer {
    /// Less than 0 leaves out the output of commands; more than 0 keeps what was
    /// deep or cached in the tree, and all of long output among lines.
    pub fn new(mode: Mode, verbosity: i16) -> Self {
        let tree = match mode {
            Mode::Auto => {
                std::io::stderr().is_terminal() && std::env::var("TERM").is_ok_and(|t| t != "dumb")
            }
            mode => mode == Mode::Tty,
        };
        let view: Option<Arc<dyn View>> = match mode {
            Mode::Silent => None,
            _ if tree => Some(Arc::new(Tree::new(verbosity))),
            Mode::Dots => Some(Arc::new(Dots::default())),
            Mode::Logs => Some(Arc::new(Plain::logs())),
            Mode::Report => Some(Arc::new(Plain::report())),
            Mode::Auto | Mode::Plain | Mode::Tty => Some(Arc::new(Plain::new(verbosity))),
        };
        Self { view }
    }

    /// What the engine reports to.
    pub fn progress(&self) -> Progress {
        match self.view.clone() {
            Some(view) => Progress::new(move |event| view.event(event)),
            None => Progress::silent(),
        }
    }

    /// Shows an event.
    pub fn event(&self, event: Event) {
        if let Some(view) = &self.view {
            view.event(event);
        }
    }

    /// Prints without mixing with the progress.
    pub fn suspend(&self, print: &mut dyn FnMut()) {
        match &self.view {
            Some(view) => view.suspend(print),
            None => print(),
        }
    }

    /// Tells that others have written `text`, so that it stays on its line.
    pub fn wrote(&self, text: &str) {
        if let Some(view) = self.view.as_ref().filter(|_| !text.is_empty()) {
            view.wrote(text.ends_with('\n'));
        }
    }

    /// Leaves the terminal to a prompt, or takes it back.
    pub fn pause(&self, paused: bool) {
        if let Some(view) = &self.view {
            view.pause(paused);
        }
    }

    /// Clears what is live.
    pub fn finish(&self) {
        if let Some(view) = &self.view {
            view.finish();
        }
    }
}
