//! A command under way, with its output as it comes and a deadline.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{io, thread};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// A command in a process group of its own. Dropping it kills the group.
pub struct Running {
    child: Child,
    pid: Pid,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    started: Instant,
}

/// What a command left.
#[derive(Clone, Debug, Default)]
pub struct Finished {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// Exit code; 128 + N when signal N ended it; 124 at the deadline.
    pub code: i32,
    /// It was killed at the deadline.
    pub late: bool,
    pub took: Duration,
}

#[derive(Default)]
struct Seen {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// Streams at their end, and the process itself.
    ended: u8,
}

const STREAMS_AND_PROCESS: u8 = 3;

impl Running {
    /// Starts `command` and writes `stdin` to it.
    pub fn start(command: &mut Command, stdin: impl Into<Vec<u8>>) -> io::Result<Self> {
        use std::os::unix::process::CommandExt;
        // Tests that a shell has put into the background would hand on that
        // interrupts are ignored.
        // SAFETY: a plain system call.
        unsafe {
            command.pre_exec(|| {
                libc::signal(libc::SIGINT, libc::SIG_DFL);
                Ok(())
            });
        }
        let mut child = command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let pid = Pid::from_child(&child);
        let seen = Arc::<(Mutex<Seen>, Condvar)>::default();
        if let Some(mut pipe) = child.stdin.take() {
            let stdin = stdin.into();
            // A command that does not read its input breaks the pipe: no error.
            thread::spawn(move || drop(pipe.write_all(&stdin)));
        }
        if let Some(pipe) = child.stdout.take() {
            follow(pipe, Arc::clone(&seen), |seen| &mut seen.stdout);
        }
        if let Some(pipe) = child.stderr.take() {
            follow(pipe, Arc::clone(&seen), |seen| &mut seen.stderr);
        }
        let of_process = Arc::clone(&seen);
        thread::spawn(move || {
            // Leaves the process unreaped, so that its id stays ours to signal.
            let _ = waitid(
                WaitId::Pid(pid),
                WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
            );
            end_one(&of_process);
        });
        Ok(Self {
            child,
            pid,
            seen,
            started: Instant::now(),
        })
    }

    /// Runs to the end, or to the deadline.
    pub fn to_end(
        command: &mut Command,
        stdin: impl Into<Vec<u8>>,
        limit: Duration,
    ) -> io::Result<Finished> {
        Self::start(command, stdin)?.finish(limit)
    }

    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Waits until standard error holds `text`; false at the deadline, or when
    /// the command ends without it.
    pub fn says(&self, text: &str, limit: Duration) -> bool {
        let has = |seen: &Seen| String::from_utf8_lossy(&seen.stderr).contains(text);
        self.wait(limit, |seen| has(seen) || seen.ended == STREAMS_AND_PROCESS);
        has(&lock(&self.seen.0))
    }

    /// Whether it has come to its end by itself.
    pub fn ended(&self) -> bool {
        lock(&self.seen.0).ended == STREAMS_AND_PROCESS
    }

    /// Sends a signal to the whole group, as a terminal does.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process_group(self.pid, signal)?)
    }

    /// Waits for the end; after `limit` kills the group.
    pub fn finish(mut self, limit: Duration) -> io::Result<Finished> {
        let in_time = self.wait(limit, |seen| seen.ended == STREAMS_AND_PROCESS);
        if !in_time {
            let _ = self.signal(Signal::KILL);
        }
        let status = self.child.wait()?;
        let took = self.started.elapsed();
        let mut seen = lock(&self.seen.0);
        Ok(Finished {
            stdout: std::mem::take(&mut seen.stdout),
            stderr: std::mem::take(&mut seen.stderr),
            code: if in_time { code(status) } else { 124 },
            late: !in_time,
            took,
        })
    }

    fn wait(&self, limit: Duration, until: impl Fn(&Seen) -> bool) -> bool {
        let (seen, changed) = &*self.seen;
        let (_seen, timeout) = changed
            .wait_timeout_while(lock(seen), limit, |seen| !until(seen))
            .unwrap_or_else(PoisonError::into_inner);
        !timeout.timed_out()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After `finish` the process is reaped, and its id may be another's.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.signal(Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

impl Finished {
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

fn follow(
    mut pipe: impl Read + Send + 'static,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    to: fn(&mut Seen) -> &mut Vec<u8>,
) {
    thread::spawn(move || {
        let mut chunk = [0; 8192];
        while let Ok(count @ 1..) = pipe.read(&mut chunk) {
            to(&mut lock(&seen.0)).extend_from_slice(&chunk[..count]);
            seen.1.notify_all();
        }
        end_one(&seen);
    });
}

fn end_one(seen: &(Mutex<Seen>, Condvar)) {
    lock(&seen.0).ended += 1;
    seen.1.notify_all();
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn output_and_exit_code_are_kept_apart() {
        let done =
            Running::to_end(&mut sh("cat; echo err >&2; exit 7"), "in", MINUTE).expect("a run");
        assert_eq!(
            (done.stdout(), done.stderr(), done.code, done.late),
            ("in".into(), "err\n".into(), 7, false)
        );
    }

    #[test]
    fn a_command_that_reads_nothing_may_be_given_much() {
        let done = Running::to_end(&mut sh("exit 3"), vec![b'x'; 1 << 20], MINUTE).expect("a run");
        assert_eq!(done.code, 3);
    }

    #[test]
    fn the_deadline_kills_the_whole_group() {
        let limit = Duration::from_millis(200);
        let done =
            Running::to_end(&mut sh("echo begun; sleep 600 & wait"), "", limit).expect("a run");
        assert!(done.late && done.took < MINUTE);
        assert_eq!((done.stdout(), done.code), ("begun\n".into(), 124));
    }

    #[test]
    fn an_interrupt_arrives_also_where_the_tests_run_in_the_background() {
        // SAFETY: a plain system call; what other tests start does not inherit it.
        let before = unsafe { libc::signal(libc::SIGINT, libc::SIG_IGN) };
        let running = Running::start(&mut sh("exec sleep 600"), "").expect("a start");
        // SAFETY: as above.
        unsafe { libc::signal(libc::SIGINT, before) };
        running.signal(Signal::INT).expect("a signal");
        let done = running.finish(MINUTE).expect("an end");
        assert_eq!((done.code, done.late), (130, false));
    }

    #[test]
    fn a_signal_after_a_word_ends_it_by_that_signal() {
        // A shell that is about to fork holds signals back: what it starts would miss this one.
        let script = "echo ready >&2; exec sleep 600";
        let running = Running::start(&mut sh(script), "").expect("a start");
        assert!(running.says("ready", MINUTE));
        running.signal(Signal::INT).expect("a signal");
        assert_eq!(running.finish(MINUTE).expect("an end").code, 130);
    }

    #[test]
    fn waiting_for_a_word_ends_with_the_command() {
        let running = Running::start(&mut sh("echo other >&2"), "").expect("a start");
        assert!(!running.says("ready", MINUTE));
    }
}
