//! Signals and ends of processes that stand for another process.

use std::io::{self, Read, Write};
use std::mem::MaybeUninit;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Code(i32),
    Signal(i32),
}

impl Ended {
    fn from_status(status: i32) -> Self {
        if libc::WIFSIGNALED(status) {
            Self::Signal(libc::WTERMSIG(status))
        } else {
            Self::Code(libc::WEXITSTATUS(status))
        }
    }

    /// Tells the reader of a pipe.
    pub(super) fn write(self, mut to: io::PipeWriter) {
        let (kind, value) = match self {
            Self::Code(code) => (0, code),
            Self::Signal(signal) => (1, signal),
        };
        let [a, b, c, d] = i32::to_ne_bytes(value);
        let _ = to.write_all(&[kind, a, b, c, d]);
    }

    /// What the writer of a pipe told; none if it ended before.
    pub(super) fn read(mut from: io::PipeReader) -> Option<Self> {
        let mut bytes = [0; 5];
        from.read_exact(&mut bytes).ok()?;
        let [kind, value @ ..] = bytes;
        let value = i32::from_ne_bytes(value);
        Some(if kind == 0 {
            Self::Code(value)
        } else {
            Self::Signal(value)
        })
    }

    /// Ends this process in the same way.
    pub(super) fn follow(self) -> ! {
        match self {
            // SAFETY: no exit handler of this copy of the program may run.
            Self::Code(code) => unsafe { libc::_exit(code) },
            // SAFETY: plain system calls; the default action of the signal ends us.
            Self::Signal(signal) => unsafe {
                // A second core dump would be of the wrong process.
                libc::prctl(libc::PR_SET_DUMPABLE, 0);
                libc::signal(signal, libc::SIG_DFL);
                let mut set = empty();
                libc::sigaddset(&mut set, signal);
                libc::sigprocmask(libc::SIG_UNBLOCK, &set, std::ptr::null_mut());
                libc::kill(libc::getpid(), signal);
                libc::_exit(128 + signal)
            },
        }
    }
}

/// Signals that are passed on, blocked in this process from [`SignalSet::block`].
pub(super) struct SignalSet {
    set: libc::sigset_t,
    before: libc::sigset_t,
}

const PASSED_ON: [i32; 6] = [
    libc::SIGTERM,
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGUSR1,
    libc::SIGUSR2,
];

impl SignalSet {
    pub(super) fn block() -> Self {
        let (mut set, mut before) = (empty(), empty());
        // SAFETY: both sets are initialised and outlive the calls.
        unsafe {
            for signal in PASSED_ON.into_iter().chain([libc::SIGCHLD]) {
                libc::sigaddset(&mut set, signal);
            }
            libc::sigprocmask(libc::SIG_BLOCK, &set, &mut before);
            // A caller that ignores it would have children reaped unseen.
            libc::signal(libc::SIGCHLD, libc::SIG_DFL);
        }
        Self { set, before }
    }

    /// Back to what it was before [`SignalSet::block`].
    pub(super) fn restore(&self) {
        // SAFETY: the set is initialised.
        unsafe { libc::sigprocmask(libc::SIG_SETMASK, &self.before, std::ptr::null_mut()) };
    }

    /// Passes signals on to `child` and reaps until `child` has ended.
    pub(super) fn relay(&self, child: i32, mut reaped: impl FnMut(i32, Ended)) {
        loop {
            let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
            // SAFETY: the set is initialised, `info` is valid for writes.
            let signal = unsafe { libc::sigwaitinfo(&self.set, info.as_mut_ptr()) };
            if signal == libc::SIGCHLD {
                let mut status = 0;
                // SAFETY: `status` is valid for writes.
                while let pid @ 1.. = unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG) } {
                    reaped(pid, Ended::from_status(status));
                    if pid == child {
                        return;
                    }
                }
            } else if signal > 0 {
                // What a terminal sends (`si_code` > 0) has reached the child as well.
                // SAFETY: `sigwaitinfo` has filled it.
                if unsafe { info.assume_init() }.si_code <= 0 {
                    // SAFETY: the child is not reaped yet, so the PID is its own.
                    unsafe { libc::kill(child, signal) };
                }
            }
        }
    }
}

fn empty() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: `sigemptyset` initialises it.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        set.assume_init()
    }
}
