//! `terminal` and `--interactive`, on a terminal and without one.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use crate::place::Place;

/// For one answer of what runs there; the first may wait for an image to be made.
const LIMIT: Duration = Duration::from_secs(3 * 60);

/// A program on a terminal of its own, made by script(1).
struct OnTerminal {
    child: Child,
    shown: String,
    output: Receiver<Vec<u8>>,
}

impl OnTerminal {
    fn start(place: &Place, args: &[&str]) -> Self {
        let poniard = place.command(args);
        let words = std::iter::once(poniard.get_program()).chain(poniard.get_args());
        let quoted =
            words.map(|word| format!("'{}'", word.to_string_lossy().replace('\'', r"'\''")));
        let line = quoted.collect::<Vec<_>>().join(" ");
        let mut command = Command::new("script");
        command.args(["-q", "-e", "-f", "-c", &line, "/dev/null"]);
        for (name, value) in poniard.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let mut child = command
            .env("TERM", "xterm")
            .current_dir(place.path(""))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script");
        let mut stdout = child.stdout.take().expect("a pipe");
        let (tell, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = stdout.read(&mut buffer) {
                let _ = tell.send(buffer[..length].to_vec());
            }
        });
        Self {
            child,
            shown: String::new(),
            output,
        }
    }

    /// Waits until the text is shown after what was waited for before.
    fn wait(&mut self, text: &str) {
        while !self.passes(text) {
            let more = self.reads(LIMIT);
            more.unwrap_or_else(|_| panic!("no `{text}` in:\n{}", self.shown));
        }
    }

    /// Whether the text is shown; what is before it is not looked at again.
    fn passes(&mut self, text: &str) -> bool {
        let end = self.shown.find(text).map(|at| at + text.len());
        self.shown.drain(..end.unwrap_or(0));
        end.is_some()
    }

    fn reads(&mut self, limit: Duration) -> Result<(), RecvTimeoutError> {
        let more = self.output.recv_timeout(limit)?;
        self.shown.push_str(&String::from_utf8_lossy(&more));
        Ok(())
    }

    fn types(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("a pipe");
        stdin.write_all(line.as_bytes()).expect("a write");
        stdin.write_all(b"\r").expect("a write");
    }

    /// Types Ctrl-C until the text is shown: one that comes before the command has
    /// started may be lost.
    fn interrupts_until(&mut self, text: &str) {
        for _ in 0..60 {
            let stdin = self.child.stdin.as_mut().expect("a pipe");
            stdin.write_all(b"\x03").expect("a write");
            while self.reads(Duration::from_secs(1)).is_ok() {
                if self.passes(text) {
                    return;
                }
            }
        }
        panic!("no `{text}` in:\n{}", self.shown);
    }

    /// Exit code, and what was shown last.
    fn end(mut self) -> (i32, String) {
        loop {
            match self.reads(LIMIT) {
                Ok(()) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end:\n{}", self.shown),
            }
        }
        let status = self.child.wait().expect("an end");
        (status.code().unwrap_or(-1), std::mem::take(&mut self.shown))
    }
}

/// A test that fails leaves nothing to the others: without script(1) the terminal
/// hangs up, which ends what runs there.
impl Drop for OnTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const BASE: &str = "container | from debian:bookworm-slim";

#[test]
fn a_shell_in_a_container_has_a_terminal_and_its_changes_are_not_kept() {
    let place = Place::new();
    let script = format!(
        "{BASE} | with-workdir /work | terminal --cmd sh | exists /work/made; \
         {BASE} | with-workdir /work | terminal | with-exec -- echo end-$((40 + 2)) | stdout"
    );
    let mut shell = OnTerminal::start(&place, &["-M", "-c", &script]);
    shell.wait("/work $ ");
    shell.types("touch made; test -t 0 && test -t 1 && echo both-$((1 + 1))");
    shell.wait("both-2");
    shell.wait("/work $ ");
    // Ctrl-C is for the command in the container.
    shell.types("echo started-$((1 + 1)); sleep 1000");
    shell.wait("started-2");
    shell.interrupts_until("/work $ ");
    shell.types("exit 3");
    shell.wait("false");
    shell.wait("/work $ ");
    shell.types("ls; exit");
    let (code, rest) = shell.end();
    assert!(rest.contains("end-42"), "{rest}");
    assert!(!rest.contains("made"), "{rest}");
    assert_eq!(code, 0, "{rest}");
    place.nothing_is_left();
}

#[test]
fn a_terminal_opens_where_a_command_failed() {
    let place = Place::new();
    let script = format!("{BASE} | with-exec -- sh -c 'echo left > /tmp/trace; exit 4' | stdout");
    let args = ["-i", "--interactive-command", "sh", "-M", "-c", &script];
    let mut shell = OnTerminal::start(&place, &args);
    shell.wait(" $ ");
    shell.types("echo was-$(cat /tmp/trace); exit");
    shell.wait("was-left");
    let (code, rest) = shell.end();
    assert_eq!(code, 4, "{rest}");
    place.nothing_is_left();
}

#[test]
fn a_terminal_in_a_service_reaches_what_runs_there() {
    let place = Place::new();
    let script = format!(
        "{BASE} | with-new-file /here yes | as-service --args sleep,1000 | terminal --cmd sh | hostname"
    );
    let mut shell = OnTerminal::start(&place, &["-M", "-c", &script]);
    shell.wait("# ");
    shell.types("cat /here; cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -o 'sleep 100'; exit");
    shell.wait("yes");
    shell.wait("sleep 100");
    let (code, rest) = shell.end();
    assert_eq!(code, 0, "{rest}");
    place.nothing_is_left();
}

#[test]
fn without_a_terminal_it_is_refused() {
    let place = Place::new();
    let script = format!("{BASE} | terminal --cmd sh");
    place.fails(
        &["-M", "-c", &script],
        &["running shell without the TUI is not supported"],
    );
    place.fails(
        &["--engine", "poniard", "-M", "core", "directory", "terminal"],
        &["without the TUI"],
    );
}
