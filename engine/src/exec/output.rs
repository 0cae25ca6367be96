//! What a process writes: collected, scrubbed and shown as it comes.

use std::future::Future;
use std::io::PipeReader;
use std::os::fd::OwnedFd;

use eyre::{Result, WrapErr};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

use super::Output;
use super::scrub::{Scrubber, Secrets};
use crate::progress::Span;

/// Reading ends of a process's standard output and standard error.
pub(super) struct Streams {
    pub(super) stdout: PipeReader,
    pub(super) stderr: PipeReader,
}

impl Streams {
    /// Reads until all writers are gone, or until `ended` and nothing is left.
    /// The exit code of the result is not set.
    pub(super) async fn collect(
        self,
        secrets: &Secrets,
        span: Option<&Span>,
        ended: impl Future<Output = ()>,
    ) -> Result<Output> {
        let mut stdout = Stream::new(self.stdout, secrets)?;
        let mut stderr = Stream::new(self.stderr, secrets)?;
        let mut output = Output::default();
        tokio::pin!(ended);
        while stdout.open || stderr.open {
            // In this order, so that of two lines written at once, that to
            // standard output comes first.
            tokio::select! {
                biased;
                read = stdout.pipe.read(&mut stdout.buffer), if stdout.open => {
                    let clean = stdout.take(read?);
                    output.add(false, &clean, span);
                }
                read = stderr.pipe.read(&mut stderr.buffer), if stderr.open => {
                    let clean = stderr.take(read?);
                    output.add(true, &clean, span);
                }
                () = &mut ended => break,
            }
        }
        output.add(false, &stdout.drain(), span);
        output.add(true, &stderr.drain(), span);
        Ok(output)
    }
}

struct Stream {
    pipe: pipe::Receiver,
    scrubber: Scrubber,
    buffer: Vec<u8>,
    open: bool,
}

impl Stream {
    fn new(pipe: PipeReader, secrets: &Secrets) -> Result<Self> {
        let pipe = pipe::Receiver::from_owned_fd(OwnedFd::from(pipe))
            .wrap_err("cannot read the output of a process")?;
        let scrubber = Scrubber::new(secrets.clone());
        Ok(Self {
            pipe,
            scrubber,
            buffer: vec![0; 64 * 1024],
            open: true,
        })
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        self.open = length > 0;
        self.scrubber.push(&self.buffer[..length])
    }

    /// What is left in the pipe, and what was held back.
    fn drain(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // The pipe does not block; an error means that nothing is left.
        while self.open
            && let Ok(length) = rustix::io::read(&self.pipe, self.buffer.as_mut_slice())
        {
            rest.extend(self.take(length));
        }
        rest.extend(self.scrubber.finish());
        rest
    }
}

impl Output {
    fn add(&mut self, stderr: bool, bytes: &[u8], span: Option<&Span>) {
        if bytes.is_empty() {
            return;
        }
        let [out, err, both] = &mut self.left_out;
        let (own, left_out) = if stderr {
            (&mut self.stderr, err)
        } else {
            (&mut self.stdout, out)
        };
        hold(own, left_out, bytes);
        hold(&mut self.combined, both, bytes);
        if let Some(span) = span {
            span.output(stderr, bytes);
        }
    }
}

/// The most of one stream that is held: as on Dagger, a string is no longer.
pub const MAX_BYTES: usize = 128 << 20;

/// What is held of a longer one.
const TAIL_BYTES: usize = 64 << 10;

/// Adds to what is held; of a stream that is too long only the end stays.
fn hold(held: &mut Vec<u8>, left_out: &mut u64, bytes: &[u8]) {
    held.extend_from_slice(bytes);
    let limit = if *left_out == 0 {
        MAX_BYTES
    } else {
        2 * TAIL_BYTES
    };
    if held.len() > limit {
        let cut = held.len() - TAIL_BYTES;
        *left_out += cut as u64;
        *held = held[cut..].to_vec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_stream_that_is_too_long_the_end_is_held_and_the_rest_counted() {
        let (mut held, mut left_out) = (Vec::new(), 0);
        let piece = vec![b'x'; 1 << 20];
        for _ in 0..128 {
            hold(&mut held, &mut left_out, &piece);
        }
        assert_eq!((held.len(), left_out), (MAX_BYTES, 0));
        for _ in 0..200 {
            hold(&mut held, &mut left_out, b"the end of it");
            assert!(held.len() <= MAX_BYTES);
        }
        assert!(held.capacity() <= 4 * TAIL_BYTES && held.ends_with(b"the end of it"));
        assert_eq!(held.len() as u64 + left_out, (128 << 20) + 200 * 13);
    }
}
