//! Words of the command line, put into the order that clap understands: a bare
//! script means `shell`, and the words of `call` wait for the module's flags.

use std::ffi::OsString;
use std::io::IsTerminal;

use clap::{Command, CommandFactory};

use crate::client::Failure;

use super::args::Cli;

/// What was typed.
#[derive(Debug, PartialEq)]
pub struct Line {
    /// For clap. Behind `call` and `core` stand only flags of every command.
    pub fixed: Vec<String>,
    /// The same, if no flag behind `call` or `core` has a value that looks like a flag.
    pub eager: Vec<String>,
    /// Words up to `call` or `core`.
    pub command: Vec<String>,
    /// Words after `call` or `core`.
    pub dynamic: Vec<String>,
    /// Everything in order, for another CLI.
    pub all: Vec<String>,
}

/// Reads the words; none asks for the help.
///
/// # Errors
/// When a word is no UTF-8.
pub fn read(words: Vec<OsString>) -> Result<Option<Line>, Failure> {
    let words: Result<Vec<String>, OsString> =
        words.into_iter().map(OsString::into_string).collect();
    let words =
        words.map_err(|word| Failure::new(format!("argument {word:?} is no UTF-8 text")))?;
    Ok(order(words, std::io::stdin().is_terminal(), |word| {
        std::path::Path::new(word).is_file()
    }))
}

fn order(words: Vec<String>, terminal: bool, is_file: impl Fn(&str) -> bool) -> Option<Line> {
    if words.is_empty() && terminal {
        return None;
    }
    let flags = Flags::new();
    let mut all = words;
    match flags.command(&all) {
        None if asks_for_help(&all) => {}
        None => all.insert(0, "shell".to_owned()),
        Some(at) => {
            let known = Cli::command().find_subcommand(&all[at]).is_some();
            if !known && is_file(&all[at]) {
                all.insert(0, "shell".to_owned());
            }
        }
    }
    let mut line = Line {
        fixed: all.clone(),
        eager: all.clone(),
        command: all.clone(),
        dynamic: Vec::new(),
        all,
    };
    if let Some(at) = flags.command(&line.all)
        && matches!(line.all[at].as_str(), "call" | "core")
    {
        line.command.truncate(at + 1);
        line.dynamic = line.all[at + 1..].to_vec();
        let own = Flags::of_call();
        let with = |eager| [line.command.clone(), own.fixed_of(&line.dynamic, eager)].concat();
        (line.fixed, line.eager) = (with(false), with(true));
    }
    Some(line)
}

fn asks_for_help(words: &[String]) -> bool {
    words.iter().any(|w| w == "--help" || w == "-h")
}

/// Which flags there are, and which of them take a value.
#[derive(Debug)]
pub struct Flags {
    args: Vec<clap::Arg>,
}

/// A flag as far as its words are concerned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Known {
    Switch,
    Value,
}

impl Flags {
    /// Those of every command, of `shell` and of `call`.
    pub fn new() -> Self {
        let cli = Cli::command();
        let of = |name: &str| cli.find_subcommand(name).map(Command::get_arguments);
        let args = cli
            .get_arguments()
            .chain(of("shell").into_iter().flatten())
            .chain(of("call").into_iter().flatten());
        Self {
            args: args.cloned().collect(),
        }
    }

    /// Those of every command and of `call`.
    pub fn of_call() -> Self {
        let cli = Cli::command();
        let call = cli.find_subcommand("call").map(Command::get_arguments);
        let args = cli.get_arguments().chain(call.into_iter().flatten());
        Self {
            args: args.cloned().collect(),
        }
    }

    pub fn long(&self, name: &str) -> Option<Known> {
        self.args
            .iter()
            .find(|a| a.get_long() == Some(name))
            .map(known)
    }

    /// Names of those that users are told of.
    pub fn longs(&self) -> impl Iterator<Item = &str> {
        let shown = self.args.iter().filter(|a| !a.is_hide_set());
        shown.filter_map(clap::Arg::get_long)
    }

    pub fn short(&self, letter: char) -> Option<Known> {
        self.args
            .iter()
            .find(|a| a.get_short() == Some(letter))
            .map(known)
    }

    /// How many words after this one belong to it; none if it is no known flag.
    pub fn takes(&self, word: &str) -> Option<usize> {
        if let Some(long) = word.strip_prefix("--") {
            return match long.split_once('=') {
                Some((name, _)) => self.long(name).map(|_| 0),
                None => self
                    .long(long)
                    .map(|known| usize::from(known == Known::Value)),
            };
        }
        let letters = word.strip_prefix('-')?;
        for (i, letter) in letters.char_indices() {
            match self.short(letter)? {
                Known::Switch => {}
                Known::Value => return Some(usize::from(i + letter.len_utf8() == letters.len())),
            }
        }
        (!letters.is_empty()).then_some(0)
    }

    /// Index of the first word that is no flag.
    fn command(&self, words: &[String]) -> Option<usize> {
        let mut at = 0;
        while at < words.len() {
            if words[at] == "--" || !words[at].starts_with('-') {
                return (words[at] != "--").then_some(at);
            }
            at += 1 + self.takes(&words[at]).unwrap_or(0);
        }
        None
    }

    /// The flags of every command among words with flags that nobody knows yet. Such
    /// a flag is taken to have the next word as its value; an eager reader takes a
    /// next word that looks like a flag for one.
    pub fn fixed_of(&self, words: &[String], eager: bool) -> Vec<String> {
        let mut out = Vec::new();
        let mut at = 0;
        while at < words.len() {
            let word = &words[at];
            if word == "--" {
                break;
            }
            at += 1;
            if let Some(more) = self.takes(word) {
                let end = words.len().min(at + more);
                if self.is_of_every_command(word) {
                    out.extend_from_slice(&words[at - 1..end]);
                }
                at = end;
            } else if word.starts_with("--")
                && !word.contains('=')
                && words
                    .get(at)
                    .is_some_and(|next| !eager || !next.starts_with('-'))
            {
                at += 1;
            }
        }
        out
    }

    /// Whether a known flag, or one of its letters, is not only one of `call`.
    fn is_of_every_command(&self, word: &str) -> bool {
        let is = |arg: Option<&clap::Arg>| arg.is_some_and(clap::Arg::is_global_set);
        match word.strip_prefix("--") {
            Some(long) => {
                let name = long.split_once('=').map_or(long, |(name, _)| name);
                is(self.args.iter().find(|a| a.get_long() == Some(name)))
            }
            None => word
                .chars()
                .skip(1)
                .any(|letter| is(self.args.iter().find(|a| a.get_short() == Some(letter)))),
        }
    }
}

fn known(arg: &clap::Arg) -> Known {
    if arg.get_action().takes_values() {
        Known::Value
    } else {
        Known::Switch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(line: &str, terminal: bool) -> Option<(String, String)> {
        let words = line.split_whitespace().map(str::to_owned).collect();
        let line = order(words, terminal, |word| word == "first.dsh")?;
        Some((line.fixed.join(" "), line.dynamic.join(" ")))
    }

    #[test]
    fn a_script_without_a_command_is_one_for_the_shell() {
        let cases = [
            ("", "shell"),
            ("-M", "shell -M"),
            ("-m ./x", "shell -m ./x"),
            ("-M -c .pwd", "shell -M -c .pwd"),
            ("first.dsh", "shell first.dsh"),
            ("-s first.dsh", "shell -s first.dsh"),
            ("query -M", "query -M"),
            ("shell -M one two", "shell -M one two"),
            ("frobnicate", "frobnicate"),
            ("--help", "--help"),
        ];
        for (line, want) in cases {
            assert_eq!(
                ordered(line, false),
                Some((want.into(), String::new())),
                "{line}"
            );
        }
        assert_eq!(ordered("", true), None);
    }

    #[test]
    fn the_words_of_call_are_kept_for_the_module() {
        let cases = [
            (
                "call -m ./x -j greet --name you",
                "call -m ./x",
                "-m ./x -j greet --name you",
            ),
            ("-s call greet --name -m", "-s call", "greet --name -m"),
            (
                "call greet --name core -o out -s",
                "call -s",
                "greet --name core -o out -s",
            ),
            ("core directory entries", "core", "directory entries"),
            ("call greet --json=x", "call", "greet --json=x"),
            ("call greet -sj", "call -sj", "greet -sj"),
            ("call greet -- -s", "call", "greet -- -s"),
            ("core x --args -c -s", "core -s", "x --args -c -s"),
        ];
        for (line, fixed, dynamic) in cases {
            assert_eq!(
                ordered(line, false),
                Some((fixed.into(), dynamic.into())),
                "{line}"
            );
        }
    }

    #[test]
    fn what_may_be_a_value_or_a_flag_is_read_both_ways() {
        let eager = |line: &str| {
            let words = line.split_whitespace().map(str::to_owned).collect();
            order(words, false, |_| false)
                .expect("a line")
                .eager
                .join(" ")
        };
        assert_eq!(eager("call --loud -m ./x greet"), "call -m ./x");
        assert_eq!(eager("call greet --name x -m ./x"), "call -m ./x");
        assert_eq!(
            ordered("call --loud -m ./x greet", false)
                .expect("a line")
                .0,
            "call"
        );
    }
}
