//! The command line.
//!
//! [`argv`] puts the words into order → [`handover`] may give them to a real
//! `dagger` → [`args`] knows the flags → commands that need the engine run in a
//! [`runtime`], which starts the session, minds signals and closes it.

mod args;
mod argv;
mod call;
mod check;
mod completion;
mod doctor;
mod fault;
mod functions;
mod generate;
mod group;
mod handover;
mod help;
mod listen;
mod lock;
pub(crate) mod manifest;
mod prune;
mod query;
mod run;
mod runtime;
mod shell;
mod tracing;
mod up;

use std::io::Write;
use std::panic::catch_unwind;
use std::process::ExitCode;

use crate::client::Failure;

use args::{Command, Global};
use manifest::List;

/// Runs the program; gives its exit code.
pub fn main() -> ExitCode {
    fault::watch();
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    match catch_unwind(|| start(words)).unwrap_or_else(|_| Err(fault::failure())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Without a stderr there is still the exit code.
            let _ = std::io::stderr().write_all(failure.report().as_bytes());
            // Nothing but 0 to 255 reaches a parent.
            ExitCode::from(u8::try_from(failure.code).unwrap_or(1))
        }
    }
}

fn start(words: Vec<std::ffi::OsString>) -> Result<(), Failure> {
    let Some(line) = argv::read(words)? else {
        return print(&help::text());
    };
    handover::consider(&line)?;
    let cli = match args::parse(&line.fixed) {
        Ok(cli) => cli,
        Err(error) => return args::explain(error),
    };
    let here = std::env::current_dir();
    work_in(&cli.global)?;
    if matches!(cli.command, Command::Call(_) | Command::Core(_)) {
        return call::run(cli, &line, |fixed| {
            let cli = args::parse(&fixed).map_err(args::failure)?;
            if let Ok(here) = &here {
                std::env::set_current_dir(here)?;
            }
            work_in(&cli.global)?;
            Ok(cli)
        });
    }
    let global = cli.global;
    match cli.command {
        Command::Shell(options) => shell::run(&global, options),
        Command::Call(_) | Command::Core(_) => Ok(()),
        Command::Functions(options) => functions::run(&global, options),
        Command::Check(options) => check::run(&global, options),
        Command::Generate(options) => generate::run(&global, options),
        Command::Up(options) => up::run(&global, options),
        Command::Query(options) => query::run(&global, options),
        Command::Run(options) => run::run(&global, options),
        Command::Listen(options) => listen::run(&global, &options),
        Command::Init(options) => manifest::init::run(&options),
        Command::Install(options) => manifest::install::run(&global, &options, List::Dependencies),
        Command::Uninstall(options) => {
            manifest::uninstall::run(&global, &options, List::Dependencies)
        }
        Command::Update(options) => manifest::update::run(&global, &options, List::Dependencies),
        Command::Toolchain(command) => manifest::toolchain::run(&global, &command),
        Command::Develop(options) => manifest::develop::run(&global, &options),
        Command::Lock(args::Lock::Update) => lock::update(&global),
        Command::Prune(options) => prune::run(&options),
        Command::Doctor(options) => doctor::run(&options),
        Command::Man(options) => help::man(&options),
        Command::Completion(options) => completion::run(&options),
        Command::Version => print(&format!("poniard v{}\n", env!("CARGO_PKG_VERSION"))),
        Command::Help { words } => print(&help::of(&words)?),
    }
}

fn work_in(global: &Global) -> Result<(), Failure> {
    let Some(dir) = &global.workdir else {
        return Ok(());
    };
    let failed = |e| Failure::new(format!("cannot work in `{}`: {e}", dir.display()));
    std::env::set_current_dir(dir).map_err(failed)
}

/// Writes to stdout; who closed it wants no more.
fn print(text: &str) -> Result<(), Failure> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("cannot write the output: {error}")))
        }
        _ => Ok(()),
    }
}
