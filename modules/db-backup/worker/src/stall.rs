//! Reading from a client tool that may hang.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Fails when nothing comes for so long.
pub struct Stalling<R> {
    inner: R,
    patience: Duration,
    /// How many came.
    pub bytes: u64,
    /// All was read.
    pub ended: bool,
}

impl<R: Read + AsFd> Stalling<R> {
    pub fn new(inner: R, patience: Duration) -> Self {
        Self {
            inner,
            patience,
            bytes: 0,
            ended: false,
        }
    }
}

impl<R: Read + AsFd> Read for Stalling<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let patience = Timespec {
            tv_sec: i64::try_from(self.patience.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: 0,
        };
        let mut fds = [PollFd::new(&self.inner, PollFlags::IN)];
        match poll(&mut fds, Some(&patience)) {
            Ok(0) => {
                let seconds = self.patience.as_secs();
                let text = format!("nothing came for {seconds} s (`--stall-timeout`)");
                Err(io::Error::new(io::ErrorKind::TimedOut, text))
            }
            Err(rustix::io::Errno::INTR) => Err(io::ErrorKind::Interrupted.into()),
            Err(error) => Err(error.into()),
            Ok(_) => {
                let count = self.inner.read(buffer)?;
                self.bytes += count as u64;
                self.ended = count == 0;
                Ok(count)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_silent_is_not_waited_for() {
        let mut child = std::process::Command::new("sh")
            .args(["-c", "echo begun; exec sleep 600"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut reader = Stalling::new(child.stdout.take().unwrap(), Duration::from_secs(1));
        let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(error.to_string().contains("stall-timeout"), "{error}");
    }
}
