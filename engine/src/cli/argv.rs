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
    /// For clap.
    pub fixed: Vec<String>,
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
    let (mut fixed, mut dynamic) = (all.clone(), Vec::new());
    if let Some(at) = flags.command(&all)
        && matches!(all[at].as_str(), "call" | "core")
    {
        fixed.truncate(at + 1);
        dynamic = all[at + 1..].to_vec();
        fixed.extend(flags.fixed_of(&dynamic));
    }
    Some(Line {
        fixed,
        dynamic,
        all,
    })
}

fn asks_for_help(words: &[String]) -> bool {
    words.iter().any(|w| w == "--help" || w == "-h")
}

/// Which flags there are, and which of them take a value.
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

    /// The known flags among words with unknown ones. An unknown flag is taken to
    /// have the next word as its value.
    fn fixed_of(&self, words: &[String]) -> Vec<String> {
        let mut out = Vec::new();
        let mut at = 0;
        while at < words.len() {
            let word = &words[at];
            if word == "--" {
                break;
            }
            at += 1;
            if let Some(more) = self.takes(word) {
                out.push(word.clone());
                out.extend(words[at..].iter().take(more).cloned());
                at += more;
            } else if word.starts_with("--")
                && !word.contains('=')
                && words.get(at).is_some_and(|next| !next.starts_with('-'))
            {
                at += 1;
            }
        }
        out
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
                "call -m ./x -j",
                "-m ./x -j greet --name you",
            ),
            ("-s call greet --name -m", "-s call -m", "greet --name -m"),
            (
                "call greet --name core -o out",
                "call -o out",
                "greet --name core -o out",
            ),
            ("core directory entries", "core", "directory entries"),
            ("call greet --json=x", "call --json=x", "greet --json=x"),
        ];
        for (line, fixed, dynamic) in cases {
            assert_eq!(
                ordered(line, false),
                Some((fixed.into(), dynamic.into())),
                "{line}"
            );
        }
    }
}
