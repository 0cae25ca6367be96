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
    /// A line for each beginning and end, and each line of output.
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

    /// Nothing comes any more.
    fn finish(&self) {}
}

/// Shows events on stderr.
#[derive(Clone)]
pub struct Renderer {
    view: Option<Arc<dyn View>>,
}

impl Renderer {
    /// `quiet` leaves out the output of commands.
    pub fn new(mode: Mode, quiet: bool) -> Self {
        let tree = match mode {
            Mode::Auto => {
                std::io::stderr().is_terminal() && std::env::var("TERM").is_ok_and(|t| t != "dumb")
            }
            mode => mode == Mode::Tty,
        };
        let view: Option<Arc<dyn View>> = match mode {
            Mode::Silent => None,
            _ if tree => Some(Arc::new(Tree::new(quiet))),
            Mode::Dots => Some(Arc::new(Dots::default())),
            Mode::Logs => Some(Arc::new(Plain::logs())),
            Mode::Report => Some(Arc::new(Plain::report())),
            Mode::Auto | Mode::Plain | Mode::Tty => Some(Arc::new(Plain::new(quiet))),
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

    /// Prints without mixing with the progress.
    pub fn suspend(&self, print: &mut dyn FnMut()) {
        match &self.view {
            Some(view) => view.suspend(print),
            None => print(),
        }
    }

    /// Clears what is live.
    pub fn finish(&self) {
        if let Some(view) = &self.view {
            view.finish();
        }
    }
}
