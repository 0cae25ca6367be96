//! The command line.
//!
//! [`argv`] puts the words into order → [`handover`] may give them to a real
//! `dagger` → [`args`] knows the flags → commands that need the engine run in a
//! [`runtime`], which starts the session, minds signals and closes it.

mod args;
mod argv;
mod call;
mod completion;
mod functions;
mod handover;
mod manifest;
mod prune;
mod query;
mod run;
mod runtime;
mod shell;

use std::process::ExitCode;

use clap::Parser;

use crate::client::Failure;
use args::{Cli, Command};
use argv::Line;

/// Runs the program; gives its exit code.
pub fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    match start(words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprint!("{}", failure.report());
            // Nothing but 0 to 255 reaches a parent.
            ExitCode::from(u8::try_from(failure.code).unwrap_or(1))
        }
    }
}

fn start(words: Vec<std::ffi::OsString>) -> Result<(), Failure> {
    let Some(line) = argv::read(words)? else {
        print!("{}", args::help());
        return Ok(());
    };
    handover::consider(&line)?;
    let Line { fixed, dynamic, .. } = line;
    let name = std::iter::once("poniard".to_owned());
    let cli = match Cli::try_parse_from(name.chain(fixed)) {
        Ok(cli) => cli,
        Err(error) => return args::explain(error),
    };
    let global = cli.global;
    match cli.command {
        Command::Shell(options) => shell::run(&global, options),
        Command::Call(options) => call::run(&global, options, dynamic, false),
        Command::Core(options) => call::run(&global, options, dynamic, true),
        Command::Functions(options) => functions::run(&global, options),
        Command::Query(options) => query::run(&global, options),
        Command::Run(options) => run::run(&global, options),
        Command::Init(options) => manifest::init::run(&options),
        Command::Install(options) => manifest::install::install(&global, &options),
        Command::Uninstall(options) => manifest::install::uninstall(&global, &options),
        Command::Update(options) => manifest::install::update(&global, &options),
        Command::Develop(options) => manifest::develop::run(&global, &options),
        Command::Prune(options) => prune::run(&global, options),
        Command::Completion(options) => completion::run(&options),
        Command::Version => {
            println!("poniard v{}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
        Command::Help => {
            print!("{}", args::help());
            Ok(())
        }
    }
}
