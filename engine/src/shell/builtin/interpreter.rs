//! Bash's own builtins, called with an underscore in front.

use crate::client::Value;
use crate::shell::job;
use crate::shell::output::Io;
use crate::shell::state::Shell;
use crate::shell::stop::{Run, Stop};
use crate::shell::{syntax, test_expression};

use super::echo;

impl Shell {
    pub(in crate::shell) async fn interpreter_builtin(
        &mut self,
        name: &str,
        args: Vec<Value>,
        io: &Io,
    ) -> Run {
        if name == "set" {
            return self.set(args);
        }
        let mut words = Vec::new();
        for arg in &args {
            words.push(self.text(arg).await?);
        }
        let first = words.first();
        match name {
            ":" | "true" => Ok(()),
            "false" => Err(Stop::status(1)),
            "echo" => self.emit_text(io, echo::text(&words)).await,
            "printf" => self.emit_text(io, printf(&words)).await,
            "test" => test_expression::words(&words, &self.place.dir),
            "[" => match words.split_last() {
                Some((last, words)) if last == "]" => {
                    test_expression::words(words, &self.place.dir)
                }
                _ => Err(Stop::failed("`_[` wants a closing `]`")),
            },
            "exit" => Err(Stop::Exit(self.code(first)?)),
            "return" => Err(Stop::Return(self.code(first)?)),
            "break" => Err(Stop::Break(count(first)?)),
            "continue" => Err(Stop::Continue(count(first)?)),
            "shift" => {
                let n = count(first)? as usize;
                if n > self.positional.len() {
                    return Err(Stop::failed(format!(
                        "_shift: there are fewer than {n} arguments"
                    )));
                }
                self.positional.drain(..n);
                Ok(())
            }
            "unset" => {
                for name in &words {
                    self.variables.unset(name);
                    self.functions.remove(name);
                }
                Ok(())
            }
            "eval" => {
                let program = syntax::parse(&words.join(" "))?;
                for list in &program.complete_commands {
                    self.list(list, io).await?;
                }
                Ok(())
            }
            "wait" => {
                job::wait_for_all(self).await;
                Ok(())
            }
            "cd" => self.cd(first).await,
            "pwd" => {
                self.emit_text(io, format!("{}\n", self.place.dir.display()))
                    .await
            }
            _ => Err(Stop::failed(format!("`_{name}` is not supported"))),
        }
    }

    /// `_set -- a b` sets the arguments; options change nothing, as `-e` and `-u`
    /// are always on.
    fn set(&mut self, args: Vec<Value>) -> Run {
        let mut args = args.into_iter().peekable();
        while let Some(option) = args.next_if(|a| a.head().starts_with(['-', '+'])) {
            match option.as_text() {
                Some("--") => {
                    self.positional = args.collect();
                    return Ok(());
                }
                Some("-e" | "-u" | "-eu" | "-o") => {}
                _ => {
                    return Err(Stop::failed(format!(
                        "_set: option `{}` is not supported",
                        option.head()
                    )));
                }
            }
        }
        let rest: Vec<Value> = args.collect();
        if !rest.is_empty() {
            self.positional = rest;
        }
        Ok(())
    }
}

fn count(word: Option<&String>) -> Result<u32, Stop> {
    match word {
        None => Ok(1),
        Some(word) => word
            .parse()
            .map_err(|_| Stop::failed(format!("`{word}` is no number"))),
    }
}

/// `%s`, `%d`, `%%` and escapes; the format is used again for more words.
fn printf(words: &[String]) -> String {
    let Some((format, mut args)) = words.split_first() else {
        return String::new();
    };
    let mut out = String::new();
    loop {
        let before = args.len();
        let mut chars = format.chars().peekable();
        let mut plain = String::new();
        while let Some(c) = chars.next() {
            match (c, chars.peek()) {
                ('%', Some('%')) => {
                    chars.next();
                    plain.push('%');
                }
                ('%', Some('s' | 'd' | 'i' | 'q' | 'b')) => {
                    chars.next();
                    out += &echo::unescape(&plain);
                    plain.clear();
                    if let Some((first, rest)) = args.split_first() {
                        out += first;
                        args = rest;
                    }
                }
                (c, _) => plain.push(c),
            }
        }
        out += &echo::unescape(&plain);
        if args.is_empty() || args.len() == before {
            return out;
        }
    }
}
