//! The user's terminal joined with one inside of a container.

use std::io::{self, IoSliceMut, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use eyre::{Result, WrapErr, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::termios::{OptionalActions, Termios, Winsize};

use super::scrub::{Scrubber, Secrets};

/// How long what may be the start of a secret is held back while somebody types,
/// and how soon another size of the terminal is noticed.
const TICK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

/// The terminal of whoever runs poniard, if there is one to be had.
#[derive(Clone)]
pub struct Terminal {
    refusal: Option<&'static str>,
    /// Told when the terminal belongs to a container, and when no more.
    pause: Arc<dyn Fn(bool) + Send + Sync>,
    /// What to run in the container of a command that failed.
    pub on_failure: Option<Vec<String>>,
    /// One at a time.
    turn: Arc<Mutex<()>>,
}

impl Terminal {
    pub fn new(pause: impl Fn(bool) + Send + Sync + 'static) -> Self {
        Self {
            refusal: None,
            pause: Arc::new(pause),
            on_failure: None,
            turn: Arc::default(),
        }
    }

    /// None, and why.
    pub fn refused(reason: &'static str) -> Self {
        Self {
            refusal: Some(reason),
            ..Self::new(|_| {})
        }
    }

    /// Fails when there is none.
    pub fn require(&self) -> Result<()> {
        match self.refusal {
            Some(reason) => bail!("{reason}"),
            None => Ok(()),
        }
    }

    /// Joins the terminals until that of the container is left by all. Blocks.
    pub(super) fn join(&self, console: &OwnedFd, secrets: Secrets) -> Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        (self.pause)(true);
        let joined = Raw::set().and_then(|_raw| pass(console, secrets));
        (self.pause)(false);
        joined.wrap_err("cannot use the terminal")
    }
}

/// Passes on every key as it comes, as long as this lives.
struct Raw(Termios);

impl Raw {
    fn set() -> io::Result<Self> {
        let stdin = io::stdin();
        let before = rustix::termios::tcgetattr(&stdin)?;
        let mut raw = before.clone();
        raw.make_raw();
        rustix::termios::tcsetattr(&stdin, OptionalActions::Now, &raw)?;
        Ok(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = rustix::termios::tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

fn pass(console: &OwnedFd, secrets: Secrets) -> io::Result<()> {
    let (stdin, mut stdout) = (io::stdin(), io::stdout());
    let mut scrubber = Scrubber::new(secrets);
    let mut buffer = vec![0; 16 * 1024];
    let (mut size, mut typing) = (None, true);
    loop {
        resize(console, &mut size);
        let ready = PollFlags::IN;
        let mut waiting = vec![PollFd::new(console, ready)];
        if typing {
            waiting.push(PollFd::new(&stdin, ready));
        }
        match poll(&mut waiting, Some(&TICK)) {
            Ok(0) => {
                stdout.write_all(&scrubber.finish())?;
                stdout.flush()?;
                continue;
            }
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let has = |n: usize| {
            waiting
                .get(n)
                .is_some_and(|fd: &PollFd<'_>| !fd.revents().is_empty())
        };
        let (output, input) = (has(0), has(1));
        if output {
            match rustix::io::read(console, buffer.as_mut_slice()) {
                // The other end is closed.
                Ok(0) | Err(rustix::io::Errno::IO) => break,
                Ok(length) => {
                    stdout.write_all(&scrubber.push(&buffer[..length]))?;
                    stdout.flush()?;
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if input {
            let length = rustix::io::read(&stdin, buffer.as_mut_slice())?;
            typing = length > 0;
            let mut rest = &buffer[..length];
            while !rest.is_empty() {
                match rustix::io::write(console, rest) {
                    Ok(written) => rest = &rest[written..],
                    // It ended; its last output is still to be read.
                    Err(_) => break,
                }
            }
        }
    }
    stdout.write_all(&scrubber.finish())?;
    stdout.flush()
}

/// Gives the container's terminal the size of the user's, when that changes.
fn resize(console: &OwnedFd, last: &mut Option<(u16, u16)>) {
    let Ok(Winsize { ws_row, ws_col, .. }) = rustix::termios::tcgetwinsize(io::stdout()) else {
        return;
    };
    if *last != Some((ws_row, ws_col)) {
        let size = Winsize {
            ws_row,
            ws_col,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let _ = rustix::termios::tcsetwinsize(console, size);
        *last = Some((ws_row, ws_col));
    }
}

/// Where the runtime hands over a container's terminal.
pub(super) struct Handover(UnixListener);

impl Handover {
    pub(super) fn at(path: &Path) -> Result<Self> {
        let listener = UnixListener::bind(path).wrap_err("cannot listen for a terminal")?;
        Ok(Self(listener))
    }

    /// What the runtime, which has done its work, left there.
    pub(super) fn take(self) -> Result<OwnedFd> {
        self.0.set_nonblocking(true)?;
        let (stream, _) = self.0.accept().wrap_err("the runtime gave no terminal")?;
        stream.set_nonblocking(false)?;
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut name = [0; 4096];
        let mut parts = [IoSliceMut::new(&mut name)];
        recvmsg(
            stream.as_fd(),
            &mut parts,
            &mut control,
            RecvFlags::CMSG_CLOEXEC,
        )?;
        let mut messages = control.drain();
        let received = messages.find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut files) => files.next(),
            _ => None,
        });
        match received {
            Some(console) => Ok(console),
            None => bail!("the runtime gave no terminal"),
        }
    }
}
