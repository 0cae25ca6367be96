//! The line editor.

use std::path::{Path, PathBuf};
use std::sync::mpsc;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Config, Context, Helper};
use tokio::sync::oneshot;

use crate::client::Failure;
use crate::shell::syntax;

use super::complete::{Names, complete};

/// What came from the terminal.
pub enum Line {
    Text(String),
    /// Ctrl-C.
    Interrupted,
    /// Ctrl-D.
    End,
}

struct Request {
    prompt: String,
    names: Names,
    answer: oneshot::Sender<Result<Line, Failure>>,
}

/// A thread that reads lines when it is asked to.
pub struct Editor {
    requests: mpsc::Sender<Request>,
    /// What the terminal was like before.
    terminal: Option<Termios>,
}

impl Editor {
    /// `history` is kept from session to session.
    pub fn start(history: &Path) -> Result<Self, Failure> {
        let terminal = tcgetattr(std::io::stdin()).ok();
        let (requests, inbox) = mpsc::channel();
        let history = history.to_owned();
        std::thread::Builder::new()
            .name("editor".to_owned())
            .spawn(move || serve(&inbox, &history))?;
        Ok(Self { requests, terminal })
    }

    pub async fn read(&mut self, prompt: String, names: Names) -> Result<Line, Failure> {
        let gone = || Failure::new("the line editor broke down");
        let (answer, line) = oneshot::channel();
        self.requests
            .send(Request {
                prompt,
                names,
                answer,
            })
            .map_err(|_| gone())?;
        line.await.map_err(|_| gone())?
    }
}

impl Drop for Editor {
    /// The thread may still wait for a key, with the terminal in raw mode.
    fn drop(&mut self) {
        if let Some(terminal) = &self.terminal {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, terminal);
        }
    }
}

fn serve(inbox: &mpsc::Receiver<Request>, history: &PathBuf) {
    let config = Config::builder().auto_add_history(false).build();
    let mut editor = rustyline::Editor::<Words, FileHistory>::with_config(config);
    if let Ok(editor) = &mut editor {
        // The first session has no history.
        let _ = editor.load_history(history);
    }
    for Request {
        prompt,
        names,
        answer,
    } in inbox
    {
        let line = match &mut editor {
            Ok(editor) => read(editor, &prompt, names, history),
            Err(error) => Err(Failure::new(format!("cannot use the terminal: {error}"))),
        };
        if answer.send(line).is_err() {
            return;
        }
    }
}

fn read(
    editor: &mut rustyline::Editor<Words, FileHistory>,
    prompt: &str,
    names: Names,
    history: &PathBuf,
) -> Result<Line, Failure> {
    editor.set_helper(Some(Words { names }));
    match editor.readline(prompt) {
        Ok(text) => {
            if is_kept(&text) && editor.add_history_entry(&text).unwrap_or(false) {
                // A shell without a history is still a shell.
                let _ = editor.append_history(history);
            }
            Ok(Line::Text(text))
        }
        Err(ReadlineError::Interrupted) => Ok(Line::Interrupted),
        Err(ReadlineError::Eof) => Ok(Line::End),
        Err(error) => Err(Failure::new(format!(
            "cannot read from the terminal: {error}"
        ))),
    }
}

/// Whether a line goes into the history: none that may hold a secret's text.
fn is_kept(line: &str) -> bool {
    !line.trim().is_empty() && !line.contains("set-secret") && !line.contains("setSecret")
}

/// Completes and validates for rustyline.
struct Words {
    names: Names,
}

impl Completer for Words {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let (start, words) = complete(&self.names, &line[..at]);
        let pair = |word: String| Pair {
            display: word.clone(),
            replacement: word,
        };
        Ok((start, words.into_iter().map(pair).collect()))
    }
}

impl Validator for Words {
    fn validate(&self, context: &mut ValidationContext) -> rustyline::Result<ValidationResult> {
        let text = format!("{}\n", context.input());
        let incomplete = syntax::is_incomplete(&text);
        Ok(if incomplete {
            ValidationResult::Incomplete
        } else {
            ValidationResult::Valid(None)
        })
    }
}

impl Hinter for Words {
    type Hint = String;
}

impl Highlighter for Words {}

impl Helper for Words {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_secrets_are_not_kept() {
        assert!(is_kept("directory | entries"));
        for line in ["", "  ", "x=$(set-secret a b)", "setSecret a b"] {
            assert!(!is_kept(line), "{line}");
        }
    }
}
