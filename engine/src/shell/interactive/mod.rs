//! The shell on a terminal: a line editor with history and completion.
//!
//! The editor lives in a thread of its own ([`editor`]), so that the session goes
//! on behind the prompt. Ctrl-C leaves the line, or what is being evaluated.

mod complete;
mod editor;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::client::Failure;

use super::state::Shell;
use super::syntax;
use complete::Names;
use editor::{Editor, Line};

/// Reads and runs entries until the end of input or `.exit`. `pause` is told when
/// the terminal belongs to the prompt.
pub async fn run(
    mut shell: Shell,
    history: &Path,
    pause: &(dyn Fn(bool) + Sync),
) -> Result<(), Failure> {
    let mut editor = Editor::start(history)?;
    // Results have no line end of their own; the prompt wants one.
    let open_line = Arc::new(AtomicBool::new(false));
    let (printer, open) = (shell.printer.clone(), open_line.clone());
    shell.printer = Arc::new(move |text| {
        if !text.is_empty() {
            open.store(!text.ends_with('\n'), Ordering::Relaxed);
        }
        printer(text)
    });
    loop {
        if open_line.swap(false, Ordering::Relaxed) {
            (shell.printer)("\n")?;
        }
        pause(true);
        let line = editor.read(prompt(&shell), Names::of(&shell)).await;
        pause(false);
        let text = match line? {
            Line::Text(text) => text,
            Line::Interrupted => continue,
            Line::End => return Ok(()),
        };
        match evaluate(&mut shell, &text).await {
            Ok(None) => {}
            Ok(Some(0)) => return Ok(()),
            Ok(Some(code)) => return Err(Failure::silent(code)),
            Err(failure) => (shell.teller)(&failure.report())?,
        }
    }
}

fn prompt(shell: &Shell) -> String {
    let name = match &shell.place.module {
        Some(module) => module.name.clone(),
        None => shell
            .place
            .dir
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
    };
    format!("{name} > ")
}

/// Runs an entry; what it did to the shell counts unless it was interrupted.
async fn evaluate(shell: &mut Shell, text: &str) -> Result<Option<i32>, Failure> {
    let program = syntax::parse(text)?;
    let mut next = shell.clone();
    let interrupted = tokio::signal::ctrl_c();
    tokio::select! {
        result = next.entry(&program) => {
            *shell = next;
            result
        }
        signal = interrupted => {
            signal?;
            Err(Failure { code: 130, ..Failure::new("cancelled") })
        }
    }
}
