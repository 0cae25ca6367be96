//! Commands of the shell itself. Those of Dagger begin with a dot; those of bash
//! are reached with an underscore in front, as a function may have their names.

mod dirs;
mod echo;
mod help;
mod interpreter;

use crate::client::Value;

pub use echo::unescape;

use super::job;
use super::output::Io;
use super::state::Shell;
use super::stop::{Run, Stop};

/// Name, usage and purpose of each dot command.
pub const DOT: &[(&str, &str, &str)] = &[
    (
        ".cd",
        "[PATH]",
        "Change the working directory; alone, go back to the start",
    ),
    (".echo", "[-n] [-e] [WORD…]", "Print words"),
    (".exit", "[CODE]", "Leave the shell"),
    (
        ".help",
        "[NAME]",
        "Explain a command, a function, or what is piped in",
    ),
    (".ls", "[PATH]", "List a directory"),
    (".printenv", "[NAME]", "Print a variable"),
    (".pwd", "", "Print the working directory"),
    (".refresh", "", "Load the current module again"),
    (".types", "", "List all types"),
    (".wait", "[JOB…]", "Wait for commands in the background"),
];

/// Bash's builtins that are there.
const INTERPRETER: &[&str] = &[
    ":", "true", "false", "echo", "printf", "test", "[", "exit", "return", "break", "continue",
    "shift", "set", "unset", "eval", "wait", "cd", "pwd",
];

pub fn is_dot(name: &str) -> bool {
    DOT.iter().any(|(n, ..)| *n == name)
}

pub fn is_interpreter(name: &str) -> bool {
    INTERPRETER.contains(&name)
}

/// Keywords that take assignments.
pub fn is_declaration(name: &str) -> bool {
    matches!(
        name,
        "local" | "export" | "readonly" | "declare" | "typeset"
    )
}

impl Shell {
    pub(super) async fn dot_builtin(&mut self, name: &str, args: Vec<Value>, io: &Io) -> Run {
        if name == ".help" {
            return self.help(args, io).await;
        }
        if io.has_input() {
            return Err(Stop::failed(format!(
                "`{name}` takes no input: it cannot stand behind a `|`"
            )));
        }
        let mut words = Vec::new();
        for arg in &args {
            words.push(self.text(arg).await?);
        }
        self.plain_builtin(name, words, io)
            .await
            .map_err(|stop| match stop {
                Stop::Failed(failure) if name != ".wait" && !failure.message.is_empty() => {
                    Stop::Failed(failure.within(name))
                }
                stop => stop,
            })
    }

    async fn plain_builtin(&mut self, name: &str, words: Vec<String>, io: &Io) -> Run {
        match name {
            ".echo" => self.emit_text(io, echo::text(&words)).await,
            ".exit" => Err(Stop::Exit(self.code(words.first())?)),
            ".printenv" => self.printenv(words.first(), io).await,
            ".wait" => self.wait(&words).await,
            ".types" => self.types(io).await,
            ".cd" => self.cd(words.first()).await,
            ".pwd" => {
                self.emit_text(io, format!("{}\n", self.place.dir.display()))
                    .await
            }
            ".ls" => self.ls(words.first(), io).await,
            ".refresh" => self.refresh().await,
            _ => Err(Stop::failed("no such command")),
        }
    }

    /// The status that a word says, or the last one.
    fn code(&self, word: Option<&String>) -> Result<i32, Stop> {
        match word {
            None => Ok(self.status),
            Some(word) => {
                let code: i32 = word
                    .parse()
                    .map_err(|_| Stop::failed(format!("`{word}` is no exit code")))?;
                Ok(code & 0xff)
            }
        }
    }

    async fn printenv(&self, name: Option<&String>, io: &Io) -> Run {
        let Some(name) = name else {
            let mut lines = String::new();
            for name in self.variables.names() {
                let value = self.variables.get(&name).unwrap_or_default();
                lines += &format!("{name}={}\n", self.text(&value).await?);
            }
            for (name, value) in std::env::vars_os() {
                lines += &format!("{}={}\n", name.to_string_lossy(), value.to_string_lossy());
            }
            return self.emit_text(io, lines).await;
        };
        let Some(value) = self.variables.get(name) else {
            return Err(Stop::failed(format!("variable `{name}` is not set")));
        };
        let text = self.text(&value).await?;
        self.emit_text(io, text + "\n").await
    }

    /// Alone it never fails; with a job, that job's end is its own.
    async fn wait(&mut self, words: &[String]) -> Run {
        if words.is_empty() {
            job::wait_for_all(self).await;
        }
        let mut last = Ok(());
        for word in words {
            let id = word
                .parse()
                .map_err(|_| Stop::failed(format!("`{word}` is no job: see `$!`")))?;
            last = self.wait_for(id).await;
        }
        last
    }
}
