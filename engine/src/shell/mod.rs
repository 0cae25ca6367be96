//! The shell: bash's grammar, whose commands are functions of the API.
//!
//! Text → [`tokens`] → [`syntax`] → [`statement`] and [`compound`] walk the tree →
//! [`command`] expands the words of a simple command ([`expand`]), applies its
//! redirects ([`redirect`]) and hands it to a builtin ([`builtin`]), to a
//! function of the script, or to [`stage`], which adds a function to a
//! [`Chain`](crate::client::Chain). A chain is asked of the engine when its
//! value is printed, put into text, or given as an argument ([`output`]).

mod builtin;
mod command;
mod compound;
mod depth;
pub(crate) mod expand;
pub mod interactive;
mod job;
mod output;
mod place;
mod redirect;
mod stage;
mod state;
mod statement;
mod stop;
pub mod syntax;
mod test_expression;
mod tokens;
mod variable;

#[cfg(test)]
mod tests;

pub use output::Printer;
pub use place::Place;
pub use state::Shell;

use crate::client::Failure;
use output::Io;
use stop::Stop;

impl Shell {
    /// Runs a script to its end, and waits for what it left in the background.
    ///
    /// # Errors
    /// The failure that ended the script, or an exit code other than 0.
    pub async fn script(&mut self, text: &str) -> Result<(), Failure> {
        let program = syntax::parse(text)?;
        let io = Io::print(self.printer.clone());
        let ended = self.program(&program, &io).await;
        job::wait_for_all(self).await;
        match ended {
            Ok(()) | Err(Stop::Exit(0)) => Ok(()),
            Err(stop) => Err(self.failure_of(stop)),
        }
    }

    /// Runs one entry of an interactive session; gives the code of `.exit`.
    pub async fn entry(
        &mut self,
        program: &brush_parser::ast::Program,
    ) -> Result<Option<i32>, Failure> {
        let io = Io::print(self.printer.clone());
        match self.program(program, &io).await {
            Ok(()) => Ok(None),
            Err(Stop::Exit(code)) => Ok(Some(code)),
            Err(stop) => Err(self.failure_of(stop)),
        }
    }

    fn failure_of(&self, stop: Stop) -> Failure {
        match stop {
            Stop::Failed(failure) => failure,
            // The last command may be why the script was left.
            Stop::Exit(code) | Stop::Return(code) => {
                let last = self.failure.clone().filter(|last| last.code == code);
                last.unwrap_or_else(|| Failure::silent(code))
            }
            Stop::Break(_) | Stop::Continue(_) => Failure::silent(0),
        }
    }
}
