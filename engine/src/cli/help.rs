//! The help of the program, and its manual: commands in groups, what the
//! environment says, examples.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, ArgAction, Command, CommandFactory};

use crate::client::Failure;
use crate::suggest;

use super::args::{self, Cli};

/// Commands by what people want; one that is in no group comes last.
const GROUPS: [(&str, &[&str]); 4] = [
    (
        "Pipelines",
        &[
            "shell", "call", "core", "check", "generate", "up", "query", "run", "listen",
        ],
    ),
    (
        "Modules",
        &[
            "functions",
            "init",
            "develop",
            "install",
            "uninstall",
            "update",
            "toolchain",
            "lock",
        ],
    ),
    ("This machine", &["doctor", "prune"]),
    ("About poniard", &["completion", "man", "version"]),
];

const EXAMPLES: [(&str, &str); 4] = [
    ("poniard functions", "What the module here can do"),
    (
        "poniard call build --source . export --path dist",
        "Call a function, export what it gives",
    ),
    (
        "poniard -c 'container | from debian | with-exec -- uname -a | stdout'",
        "A pipeline in the shell's words",
    ),
    (
        "poniard --trace run.html call test",
        "Keep the run as a page to look at",
    ),
];

const VARIABLES: [(&str, &str); 6] = [
    (
        "PONIARD_STATE",
        "Where caches are kept [default: $XDG_STATE_HOME/poniard]",
    ),
    (
        "PONIARD_CONFIG",
        "The configuration [default: the nearest poniard.toml upward]",
    ),
    ("PONIARD_TRACE", "As --trace"),
    (
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "A collector that gets each step as a span",
    ),
    (
        "_EXPERIMENTAL_DAGGER_RUNNER_HOST",
        "A Dagger Engine: its CLI takes over",
    ),
    ("NO_COLOR", "No colours"),
];

/// The command line, with the help that people read.
pub fn command() -> Command {
    let command = Cli::command();
    let template = format!(
        "{{about-with-newline}}\nUsage: poniard [OPTIONS] <COMMAND>\n       poniard [OPTIONS] [SCRIPT]...\n       poniard [OPTIONS] -c <SCRIPT>\n\n{}{{all-args}}\n\n{}\nHelp for a command: poniard <COMMAND> --help\n",
        groups(&command),
        notes(),
    );
    let help = Arg::new("help").short('h').long("help");
    command
        .disable_help_flag(true)
        // Short, whichever of the two was typed. `call` has its own.
        .arg(
            help.action(ArgAction::HelpShort)
                .global(true)
                .help("Print help"),
        )
        // They are in the groups.
        .mut_subcommands(|own| own.hide(true))
        .help_template(template)
}

pub fn text() -> String {
    command().render_help().to_string()
}

/// Of a command, by its words.
pub fn of(words: &[String]) -> Result<String, Failure> {
    let mut whole = command();
    whole.build();
    let mut own = &mut whole;
    for word in words {
        let names = own.get_subcommands().map(Command::get_name);
        let hint = suggest::hint(word, names);
        own = own.find_subcommand_mut(word).ok_or_else(|| {
            Failure::new(format!(
                "unknown command \"{word}\": `poniard help` lists the commands{hint}"
            ))
        })?;
    }
    Ok(own.render_help().to_string())
}

fn groups(command: &Command) -> String {
    let shown: Vec<&Command> = command
        .get_subcommands()
        .filter(|own| !own.is_hide_set())
        .collect();
    let mut text = String::new();
    let mut group = |title: &str, commands: Vec<&Command>| {
        if !commands.is_empty() {
            let _ = writeln!(text, "{title}:");
            for own in commands {
                let about = own.get_about().map(ToString::to_string).unwrap_or_default();
                let _ = writeln!(text, "  {:<11} {about}", own.get_name());
            }
            text.push('\n');
        }
    };
    for (title, names) in GROUPS {
        let of = |name: &&str| shown.iter().find(|own| own.get_name() == *name).copied();
        group(title, names.iter().filter_map(of).collect());
    }
    let grouped = |own: &&&Command| {
        GROUPS
            .iter()
            .any(|(_, names)| names.contains(&own.get_name()))
    };
    group(
        "More",
        shown.iter().filter(|own| !grouped(own)).copied().collect(),
    );
    text
}

fn notes() -> String {
    let mut text = "Examples:\n".to_owned();
    for (line, what) in EXAMPLES {
        let _ = writeln!(text, "  {line}\n      {what}");
    }
    text += "\nEnvironment:\n";
    for (name, what) in VARIABLES {
        let _ = writeln!(text, "  {name}\n      {what}");
    }
    text
}

/// `man`: the manual, or a page for each command in a directory.
pub fn man(options: &args::Man) -> Result<(), Failure> {
    match &options.dir {
        None => super::print(&page(Cli::command())?),
        Some(dir) => {
            let failed = |e: std::io::Error| {
                Failure::new(format!("cannot write manuals to `{}`: {e}", dir.display()))
            };
            std::fs::create_dir_all(dir).map_err(failed)?;
            let mut command = Cli::command();
            command.build();
            pages(&command, dir).map_err(failed)
        }
    }
}

fn pages(command: &Command, dir: &Path) -> std::io::Result<()> {
    let name = command
        .get_display_name()
        .unwrap_or(command.get_name())
        .replace(' ', "-");
    let text = page(command.clone()).map_err(|failure| std::io::Error::other(failure.message))?;
    std::fs::write(dir.join(format!("{name}.1")), text)?;
    let shown = command.get_subcommands().filter(|own| !own.is_hide_set());
    shown.into_iter().try_for_each(|own| pages(own, dir))
}

/// A manual in roff; that of the program says more than those of its commands.
fn page(command: Command) -> Result<String, Failure> {
    let is_whole = command.get_name() == "poniard";
    let man = clap_mangen::Man::new(command).manual("Poniard");
    let mut roff = Vec::new();
    man.render(&mut roff)?;
    let mut text = String::from_utf8_lossy(&roff).into_owned();
    if is_whole {
        text += ".SH ENVIRONMENT\n";
        for (name, what) in VARIABLES {
            let _ = write!(
                text,
                ".TP\n\\fB{}\\fR\n{}\n",
                roff_text(name),
                roff_text(what)
            );
        }
        text += ".SH \"EXIT STATUS\"\nThat of the command that has failed in a container; 1 for other failures, 2 for a wrong command line of a program that it runs, 129, 130 or 143 when a signal has ended it.\n";
        text += ".SH EXAMPLES\n";
        for (line, what) in EXAMPLES {
            let _ = write!(
                text,
                ".TP\n{}\n.nf\n\\fB{}\\fR\n.fi\n",
                roff_text(what),
                roff_text(line)
            );
        }
    }
    Ok(text)
}

fn roff_text(text: &str) -> String {
    let text = text
        .replace('\\', "\\e")
        .replace('-', "\\-")
        .replace('\'', "\\(aq");
    match text.starts_with('.') {
        true => format!("\\&{text}"),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::*;

    #[test]
    fn every_command_explains_itself() {
        for own in Cli::command().get_subcommands() {
            let name = own.get_name();
            // Explains what the module has.
            if ["call", "core"].contains(&name) {
                continue;
            }
            for flag in ["--help", "-h"] {
                let found = command().try_get_matches_from(["poniard", name, flag]);
                let said = found.expect_err("help is no command");
                assert_eq!(said.kind(), ErrorKind::DisplayHelp, "{name} {flag}: {said}");
                let usage = format!("Usage: poniard {name}");
                assert!(said.to_string().contains(&usage), "{said}");
            }
        }
    }

    #[test]
    fn every_command_is_in_the_help_once() {
        let text = text();
        for own in Cli::command()
            .get_subcommands()
            .filter(|own| !own.is_hide_set())
        {
            let begins = format!("  {} ", own.get_name());
            let lines = text.lines().filter(|line| line.starts_with(&begins));
            assert_eq!(lines.count(), 1, "{begins}:\n{text}");
        }
        assert!(
            text.lines().all(|line| line.chars().count() <= 120),
            "{text}"
        );
    }
}
