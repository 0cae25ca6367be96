//! `call` and `core`: words that are functions and flags, in cobra's grammar.
//!
//! [`root`] says where the words begin → [`words`] reads them level by level into
//! a chain → [`result`] evaluates and prints it.
//!
//! poniard's own flags stand anywhere among the words, and some must be known before
//! the module is, which alone says what is the value of a flag. So they are guessed,
//! and a run whose guess the module shows to be wrong begins once more.

mod result;
pub mod root;
mod words;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use crate::client::{Failure, Paths, Value};

use super::args::{self, Cli, Command};
use super::argv::{Flags, Line};
use super::runtime::{Context, Interrupts, with_engine};
use root::Root;
use words::Read;

/// A guess, the other way to guess, and what the module says.
const ATTEMPTS: usize = 3;

/// What an attempt has come to know.
#[derive(Default)]
enum Known {
    #[default]
    Nothing,
    /// The guess was right.
    Right,
    /// The flags of every command that were meant.
    Other(Vec<String>),
}

/// Runs a line whose flags were taken to be `cli`; `parse` takes them another way.
pub fn run(
    mut cli: Cli,
    line: &Line,
    parse: impl Fn(Vec<String>) -> Result<Cli, Failure>,
) -> Result<(), Failure> {
    let core = matches!(cli.command, Command::Core(_));
    let behind = |words: &[String]| words[line.command.len()..].to_vec();
    let mut guess = behind(&line.fixed);
    let mut otherwise = Some(behind(&line.eager)).filter(|eager| *eager != guess);
    for attempt in 1.. {
        let known = Arc::new(Mutex::new(Known::Nothing));
        let tell = known.clone();
        let tell = move |known| *tell.lock().unwrap_or_else(PoisonError::into_inner) = known;
        let is_last = attempt == ATTEMPTS;
        let (words, command) = (line.dynamic.clone(), line.command.clone());
        let guessed = guess.clone();
        let result = with_engine(
            &cli.global,
            Interrupts::End,
            async move |context: Arc<Context>| {
                let root = if core {
                    Some(Root::core())
                } else {
                    root::of_module(&context).await?
                };
                let Some(root) = root else {
                    return no_module(&words, &context);
                };
                let engine = context.engine();
                let model = engine.model();
                let words = words.into_iter().map(Value::text).collect();
                let sorted = words::sort(&model, &root, words)?;
                let meant = Flags::of_call().fixed_of(sorted.own(), true);
                if meant != guessed && !is_last {
                    tell(Known::Other(meant));
                    return Ok(());
                }
                tell(Known::Right);
                let options = args::call([&command, sorted.own()].concat())?;
                let paths = Paths::host(&context.workdir);
                match words::read(&*engine, &paths, sorted).await? {
                    Read::Help(text) => Ok(context.printer()(&text)?),
                    Read::Chain(chain) => {
                        let text = result::of(&*engine, &chain, &options, &context.workdir).await?;
                        Ok(context.printer()(&text)?)
                    }
                }
            },
        );
        let known = std::mem::take(&mut *known.lock().unwrap_or_else(PoisonError::into_inner));
        guess = match (known, &result) {
            (Known::Other(meant), Ok(())) => meant,
            (Known::Nothing, Err(failure)) if !failure.is_interruption() => {
                match otherwise.take() {
                    Some(eager) => eager,
                    None => return result,
                }
            }
            _ => return result,
        };
        cli = parse([&line.command[..], &guess].concat())?;
    }
    Ok(())
}

fn no_module(words: &[String], context: &Context) -> Result<(), Failure> {
    if words.iter().any(|w| w == "--help" || w == "-h") {
        return Ok(context.printer()(&super::help::of(&["call".to_owned()])?)?);
    }
    let dir = context.workdir.display();
    let why =
        format!("there is no module (no dagger.json) in `{dir}` or above: choose one with `-m`");
    match words.iter().find(|w| !w.starts_with('-')) {
        Some(word) => Err(Failure::new(format!(
            "unknown command \"{word}\" for \"poniard call\": {why}"
        ))),
        None => Err(Failure::new(why)),
    }
}
