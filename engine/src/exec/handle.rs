//! Processes known by file descriptor, so that a PID that is used again is never
//! mistaken for them.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A process.
pub(super) struct ProcessHandle {
    pid: i32,
    fd: OwnedFd,
    /// Exit code once reaped; `Some(None)` when somebody else's child.
    code: Mutex<Option<Option<i32>>>,
}

impl ProcessHandle {
    /// A child of ours that nobody else waits for.
    pub(super) fn of_child(pid: i32) -> io::Result<Self> {
        let id = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidInput)?;
        let fd = rustix::process::pidfd_open(id, PidfdFlags::empty())?;
        Ok(Self {
            pid,
            fd,
            code: Mutex::new(None),
        })
    }

    /// A process that somebody else waits for.
    pub(super) fn of_other(pid: i32) -> io::Result<Self> {
        let handle = Self::of_child(pid)?;
        *handle.code() = Some(None);
        Ok(handle)
    }

    pub(super) fn pid(&self) -> i32 {
        self.pid
    }

    /// Nothing happens if it has ended.
    pub(super) fn signal(&self, signal: Signal) {
        let _ = rustix::process::pidfd_send_signal(&self.fd, signal);
    }

    pub(super) async fn ended(&self) -> io::Result<()> {
        // SAFETY: the descriptor is borrowed from `self`, which outlives this future.
        let fd = unsafe { AsyncFd::register_with_interest(self.fd.as_fd(), Interest::READABLE) }?;
        fd.readable().await.map(|_| ())
    }

    /// Whether it has ended or ends within this time. Blocks.
    pub(super) fn ended_within(&self, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let timeout = rustix::event::Timespec {
                tv_sec: left.as_secs() as i64,
                tv_nsec: left.subsec_nanos().into(),
            };
            let mut fds = [PollFd::new(&self.fd, PollFlags::IN)];
            match rustix::event::poll(&mut fds, Some(&timeout)) {
                Ok(ended) => return ended > 0,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return false,
            }
        }
    }

    pub(super) fn reaped(&self) -> bool {
        self.code().is_some()
    }

    /// Exit code of an ended child; 128 + N when a signal N ended it.
    pub(super) fn reap(&self) -> Option<i32> {
        let mut code = self.code();
        *code.get_or_insert_with(|| {
            let wait = WaitId::PidFd(self.fd.as_fd());
            let status = rustix::process::waitid(wait, WaitIdOptions::EXITED).ok()??;
            let by_signal = || status.terminating_signal().map(|signal| 128 + signal);
            status.exit_status().or_else(by_signal)
        })
    }

    fn code(&self) -> std::sync::MutexGuard<'_, Option<Option<i32>>> {
        self.code.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
