//! `call` and `core`: words that are functions and flags, in cobra's grammar.
//!
//! [`root`] says where the words begin → [`words`] reads them level by level into
//! a chain → [`result`] evaluates and prints it.

mod result;
pub mod root;
mod words;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::client::{Failure, Paths, Value};

use super::args;
use super::args::Global;
use super::runtime::{Context, Interrupts, with_engine};
use root::Root;
use words::Read;

pub fn run(
    global: &Global,
    options: args::Call,
    words: Vec<String>,
    core: bool,
) -> Result<(), Failure> {
    with_engine(
        global,
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
            let paths = Paths::host(&context.workdir);
            let words: Vec<Value> = words.into_iter().map(Value::text).collect();
            match words::read(&*engine, &paths, &root, words).await? {
                Read::Help(text) => Ok(context.printer()(&text)?),
                Read::Chain(chain) => {
                    let text = result::of(&*engine, &chain, &options, &context.workdir).await?;
                    Ok(context.printer()(&text)?)
                }
            }
        },
    )
}

fn no_module(words: &[String], context: &Context) -> Result<(), Failure> {
    if words.iter().any(|w| w == "--help" || w == "-h") {
        return Ok(context.printer()(&super::help::text())?);
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
