//! A client tool under way.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{self, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::{self, JoinHandle};

use poniard_sdk::prelude::*;

/// Of what it says on standard error, the last lines are for the error.
const LINES: usize = 20;

/// Killed when dropped.
pub struct Child {
    name: String,
    process: process::Child,
    said: Option<JoinHandle<VecDeque<String>>>,
}

impl Child {
    pub fn start(mut command: Command, input: Stdio) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut process = command
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| eyre!("cannot run `{name}`: {error}"))?;
        let said = process.stderr.take().map(|pipe| {
            thread::spawn(move || {
                let mut last = VecDeque::new();
                for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                    let line = String::from_utf8_lossy(&line).into_owned();
                    eprintln!("{line}");
                    if last.len() == LINES {
                        last.pop_front();
                    }
                    last.push_back(line);
                }
                last
            })
        });
        Ok(Self {
            name,
            process,
            said,
        })
    }

    pub fn stdout(&mut self) -> Result<ChildStdout> {
        let pipe = self.process.stdout.take();
        pipe.ok_or_else(|| eyre!("`{}` has no output", self.name))
    }

    pub fn stdin(&mut self) -> Result<ChildStdin> {
        let pipe = self.process.stdin.take();
        pipe.ok_or_else(|| eyre!("`{}` has no input", self.name))
    }

    /// Waits for its end, and fails with what it said unless it succeeded.
    pub fn finish(mut self) -> Result<()> {
        let status = self.process.wait()?;
        if status.success() {
            return Ok(());
        }
        let said = self.said.take().and_then(|thread| thread.join().ok());
        let said: Vec<String> = said.unwrap_or_default().into();
        let said = said.join("\n");
        bail!("`{}` failed ({status}): {}", self.name, said.trim())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

/// Runs a tool with this input; what it prints.
pub fn output(command: Command, input: &str) -> Result<String> {
    let mut child = Child::start(command, Stdio::piped())?;
    let mut stdin = child.stdin()?;
    // A tool that fails early does not read it.
    let written = stdin.write_all(input.as_bytes());
    drop(stdin);
    let mut text = String::new();
    child.stdout()?.read_to_string(&mut text)?;
    child.finish()?;
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(text),
    }
}
