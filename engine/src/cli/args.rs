//! The flags that do not depend on a module.

use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::client::Failure;
use crate::lock;
use crate::progress::Mode;
use crate::suggest;

/// Dagger modules, shell and API on an engine inside of one program.
#[derive(Debug, Parser)]
#[command(
    name = "poniard",
    disable_help_subcommand = true,
    disable_version_flag = true
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Which engine does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    Poniard,
    Dagger,
}

/// Flags of every command.
#[derive(Clone, Debug, Default, Args)]
pub struct Global {
    /// Module to load: a path, a git reference, or a dependency's name
    #[arg(
        short = 'm',
        long = "mod",
        global = true,
        value_name = "MODULE",
        help_heading = "Module"
    )]
    pub module: Option<String>,
    /// Do not load the module of the working directory
    #[arg(
        short = 'M',
        long = "no-mod",
        global = true,
        conflicts_with = "module",
        help_heading = "Module"
    )]
    pub no_module: bool,
    /// Show no progress
    #[arg(short, long, global = true, help_heading = "Progress")]
    pub silent: bool,
    /// Show less progress
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Progress")]
    pub quiet: u8,
    /// Show more progress
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Progress")]
    pub verbose: u8,
    /// Show everything
    #[arg(short, long, global = true, help_heading = "Progress")]
    pub debug: bool,
    /// How progress looks
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        help_heading = "Progress"
    )]
    pub progress: Mode,
    /// Keep the run as a page to look at: a file, or a directory for one
    #[arg(
        long,
        global = true,
        value_name = "FILE.html",
        env = "PONIARD_TRACE",
        hide_env_values = true,
        help_heading = "Progress"
    )]
    pub trace: Option<PathBuf>,
    /// Which engine to use: poniard, or dagger, which a runner host also means
    #[arg(long, global = true, value_enum, hide_possible_values = true)]
    pub engine: Option<Engine>,
    /// Directory to work in
    #[arg(long, global = true, value_name = "DIR", help_heading = "Module")]
    pub workdir: Option<PathBuf>,
    /// Apply changes without asking
    #[arg(short = 'y', long, global = true)]
    pub auto_apply: bool,
    /// Open a terminal in the container of a command that failed
    #[arg(short, long, global = true)]
    pub interactive: bool,
    /// What runs in that terminal [default: /bin/sh]
    #[arg(long, global = true, value_name = "COMMAND")]
    pub interactive_command: Option<String>,
    /// How `.dagger/lock` counts: disabled, live, pinned or frozen [default: disabled]
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "MODE",
        hide_possible_values = true
    )]
    pub lock: Option<lock::Mode>,
    // What follows is known to dagger and changes nothing here.
    #[arg(short = 'E', long, global = true, hide = true)]
    pub no_exit: bool,
    #[arg(short, long, global = true, hide = true)]
    pub web: bool,
    #[arg(long, global = true, hide = true)]
    pub x_release: Option<String>,
    #[arg(long, global = true, hide = true)]
    pub allow_llm: Vec<String>,
    #[arg(long, global = true, hide = true)]
    pub eager_runtime: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run shell scripts, or an interactive shell
    Shell(Shell),
    /// Call functions of a module
    Call(Call),
    /// Call functions of the core API
    Core(Call),
    /// List the functions of a module
    Functions(Functions),
    /// Run the checks of the modules here
    #[command(alias = "checks")]
    Check(Check),
    /// Run the generators of the modules here and apply what they change
    Generate(Chosen),
    /// Start the services of the modules here, on ports of this machine
    Up(Chosen),
    /// Send a GraphQL query
    Query(Query),
    /// Run a program with a session of the engine
    Run(Run),
    /// Serve the API to programs elsewhere, who show `DAGGER_SESSION_TOKEN`
    #[command(alias = "l")]
    Listen(Listen),
    /// Make a new module
    Init(Init),
    /// Add a dependency to a module
    Install(Install),
    /// Remove a dependency from a module
    Uninstall(Named),
    /// Bring dependencies from git up to date
    Update(Update),
    /// Add, remove and update toolchains, whose functions need no `-m`
    #[command(subcommand)]
    Toolchain(Toolchain),
    /// Bring the generated files of a module up to date
    Develop(Develop),
    /// Manage the lock of names, `.dagger/lock`
    #[command(subcommand)]
    Lock(Lock),
    /// Remove what the engine has kept
    Prune(Prune),
    /// Say what this machine can do, and how to mend what it cannot
    Doctor(Doctor),
    /// Print a completion script for a shell
    Completion(Completion),
    /// Print the manual
    Man(Man),
    /// Print the version
    Version,
    #[command(hide = true)]
    Help { words: Vec<String> },
}

#[derive(Debug, Args)]
pub struct Shell {
    /// Run this script
    #[arg(short, long)]
    pub command: Option<String>,
    /// Scripts to run, each in a shell of its own
    pub files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub struct Call {
    /// Print the result as JSON
    #[arg(short, long)]
    pub json: bool,
    /// Save the result in a file or directory
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// Explain the function
    #[arg(short, long)]
    pub help: bool,
}

#[derive(Debug, Args)]
pub struct Functions {
    /// Functions whose result's functions are listed
    pub functions: Vec<String>,
}

/// Checks, generators or services.
#[derive(Debug, Args)]
pub struct Chosen {
    /// Only list them
    #[arg(short, long)]
    pub list: bool,
    /// Names as `module:name`, or patterns with `*` and `**` [default: all]
    #[arg(value_name = "PATTERN")]
    pub patterns: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    pub chosen: Chosen,
    /// Stop at the first that fails
    #[arg(long)]
    pub failfast: bool,
    /// Without generators, which pass when they have nothing to change
    #[arg(long)]
    pub no_generate: bool,
    /// Only generators
    #[arg(long)]
    pub generate: bool,
}

#[derive(Debug, Args)]
pub struct Query {
    /// Read the query from a file instead of stdin
    #[arg(long, value_name = "FILE")]
    pub doc: Option<PathBuf>,
    /// A variable of the query, as NAME=TEXT
    #[arg(long, value_name = "NAME=TEXT")]
    pub var: Vec<String>,
    /// All variables, as a JSON object
    #[arg(long, value_name = "JSON")]
    pub var_json: Option<String>,
}

#[derive(Debug, Args)]
pub struct Run {
    /// Program and arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub program: Vec<std::ffi::OsString>,
}

#[derive(Debug, Args)]
pub struct Listen {
    /// Address of this machine to listen at
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    pub listen: String,
}

#[derive(Debug, Args)]
pub struct Init {
    /// Name of the module [default: that of its directory]
    #[arg(long)]
    pub name: Option<String>,
    /// SDK that runs it: a git reference, or a path from the module's directory
    #[arg(long)]
    pub sdk: Option<String>,
    /// Module that stands for it, in the place of an SDK: a path or git reference
    #[arg(long)]
    pub blueprint: Option<String>,
    /// Directory of its code [default: the module's, or `.dagger` beside other files]
    #[arg(long)]
    pub source: Option<PathBuf>,
    /// Files outside of it that it is made from, relative to it
    #[arg(long, value_delimiter = ',')]
    pub include: Vec<String>,
    /// Directory of the module
    #[arg(default_value = ".")]
    pub path: PathBuf,
}

#[derive(Debug, Args)]
pub struct Install {
    /// Module to depend on: a path or git reference
    pub reference: String,
    /// Another name for it
    #[arg(short, long)]
    pub name: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Toolchain {
    /// Add a toolchain to a module
    Install(Install),
    /// Remove a toolchain from a module
    Uninstall(Named),
    /// Bring toolchains from git up to date
    Update(Update),
    /// List the toolchains of a module
    List,
}

#[derive(Debug, Args)]
pub struct Named {
    /// Name or source of the module
    pub name: String,
}

#[derive(Debug, Args)]
pub struct Update {
    /// Names of modules, with `@version` for another one [default: all from git]
    pub names: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Develop {
    /// Also the modules that it depends on
    #[arg(short, long)]
    pub recursive: bool,
}

#[derive(Debug, Subcommand)]
pub enum Lock {
    /// Look up anew what is in it
    Update,
}

#[derive(Debug, Args)]
pub struct Prune {
    /// Also cache volumes
    #[arg(long)]
    pub volumes: bool,
    /// Only what was not used for so long, as 12h or 7d
    #[arg(long, value_name = "DURATION", value_parser = super::prune::duration, default_value = "0s")]
    pub unused_for: std::time::Duration,
    /// Only as much as needed to keep no more than this, as 10GB
    #[arg(long, value_name = "SIZE", value_parser = super::prune::size)]
    pub keep_bytes: Option<u64>,
}

#[derive(Debug, Args)]
pub struct Doctor {
    /// Print what was found as JSON
    #[arg(short, long)]
    pub json: bool,
    /// Do not ask a registry of images
    #[arg(long)]
    pub offline: bool,
}

#[derive(Debug, Args)]
pub struct Man {
    /// Write a page for each command into a directory
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Completes commands and flags. For bash, in ~/.bashrc:
///     eval "$(poniard completion bash)"
/// For zsh, in a directory of $fpath:
///     poniard completion zsh > ~/.zfunc/_poniard
/// For fish:
///     poniard completion fish > ~/.config/fish/completions/poniard.fish
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Completion {
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// Reads words in the order that clap understands.
pub fn parse(fixed: &[String]) -> Result<Cli, clap::Error> {
    let name = std::iter::once("poniard");
    let words = name.chain(fixed.iter().map(String::as_str));
    let found = super::help::command().try_get_matches_from(words)?;
    Cli::from_arg_matches(&found)
}

/// The flags of `call` or `core`, when they alone stand behind it.
pub fn call(words: Vec<String>) -> Result<Call, Failure> {
    match parse(&words).map_err(failure)?.command {
        Command::Call(call) | Command::Core(call) => Ok(call),
        _ => Err(Failure::new("expected `call` or `core`")),
    }
}

/// An error of clap in the words of dagger; help is no error.
pub fn explain(error: clap::Error) -> Result<(), Failure> {
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => super::print(&error.to_string()),
        _ => Err(failure(error)),
    }
}

/// An error of clap in the words of dagger.
pub fn failure(error: clap::Error) -> Failure {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let meant = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => format!("; did you mean `{text}`?"),
        Some(ContextValue::Strings(texts)) => texts
            .last()
            .map_or(String::new(), |text| format!("; did you mean `{text}`?")),
        _ => String::new(),
    };
    let message = match error.kind() {
        ErrorKind::UnknownArgument => match context(ContextKind::InvalidArg) {
            Some(flag) if flag.starts_with("--") => {
                format!("unknown flag: {flag}{}", meant(ContextKind::SuggestedArg))
            }
            Some(flag) if flag.starts_with('-') => format!("unknown shorthand flag: {flag}"),
            Some(word) => format!("unknown argument: {word}"),
            None => error.to_string(),
        },
        ErrorKind::InvalidSubcommand => match context(ContextKind::InvalidSubcommand) {
            Some(word) => format!(
                "unknown command or file \"{word}\" for \"poniard\": `poniard help` lists the commands{}",
                meant_command(&error, word)
            ),
            None => error.to_string(),
        },
        ErrorKind::InvalidValue => unfit(&error).unwrap_or_else(|| error.to_string()),
        _ => error.to_string(),
    };
    Failure::new(message.strip_prefix("error: ").unwrap_or(&message))
}

/// The command that was meant: one of clap's suggestions, which know other names and
/// hidden commands too.
fn meant_command(error: &clap::Error, word: &str) -> String {
    let suggested = match error.get(ContextKind::SuggestedSubcommand) {
        Some(ContextValue::String(text)) => std::slice::from_ref(text),
        Some(ContextValue::Strings(texts)) => texts.as_slice(),
        _ => &[],
    };
    let cli = Cli::command();
    let below = cli
        .get_subcommands()
        .flat_map(clap::Command::get_subcommands);
    let shown: Vec<&str> = cli
        .get_subcommands()
        .chain(below)
        .filter(|command| !command.is_hide_set())
        .map(clap::Command::get_name)
        .collect();
    let names = suggested.iter().map(String::as_str);
    suggest::hint(word, names.filter(|name| shown.contains(name)))
}

/// About a value that is none of those that there are.
fn unfit(error: &clap::Error) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text),
        _ => None,
    };
    let (arg, value) = (
        text(ContextKind::InvalidArg)?,
        text(ContextKind::InvalidValue)?,
    );
    let Some(ContextValue::Strings(values)) = error.get(ContextKind::ValidValue) else {
        return None;
    };
    let arg = arg.split(' ').next().unwrap_or_default();
    let hint = suggest::hint(value, values.iter().map(String::as_str));
    Some(format!(
        "invalid argument \"{value}\" for {arg}: it is one of {}{hint}",
        values.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(words: &[&str]) -> String {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        failure(parse(&words).expect_err("no such words")).message
    }

    #[test]
    fn commands_that_are_alike_and_shown_are_suggested() {
        for (word, want) in [
            ("chekc", "; did you mean `check`?"),
            ("instal", "; did you mean `install`?"),
        ] {
            assert!(refused(&[word]).ends_with(want), "{}", refused(&[word]));
        }
        let said = refused(&["toolchain", "lsit"]);
        assert!(said.ends_with("; did you mean `list`?"), "{said}");
        for word in ["login", "cloud", "lsp", "session", "hlp"] {
            assert!(
                !refused(&[word]).contains("did you mean"),
                "{}",
                refused(&[word])
            );
        }
    }

    #[test]
    fn a_group_of_commands_without_one_is_no_failure() {
        let words = ["toolchain".to_owned()];
        let error = parse(&words).expect_err("a command is missing");
        assert!(explain(error).is_ok());
    }
}
