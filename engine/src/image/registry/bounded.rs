//! What a registry sends, up to the size that it has announced: more is wrong
//! whatever it is, and need not fill the disk to be known as such.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;

/// Passes bytes on to `W`, and refuses those that are too many.
pub(super) struct Bounded<W> {
    to: W,
    size: u64,
    left: u64,
}

#[derive(Debug, thiserror::Error)]
#[error("it has more than the {0} bytes that were announced")]
pub(super) struct TooLong(u64);

impl TooLong {
    pub fn is_cause_of(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|cause| cause.is::<Self>())
    }
}

impl<W> Bounded<W> {
    pub fn new(to: W, size: u64) -> Self {
        let left = size;
        Self { to, size, left }
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for Bounded<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if bytes.len() as u64 > self.left {
            return Poll::Ready(Err(io::Error::other(TooLong(self.size))));
        }
        let written = Pin::new(&mut self.to).poll_write(context, bytes);
        if let Poll::Ready(Ok(count)) = written {
            self.left -= count as u64;
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.to).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.to).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test]
    async fn all_that_was_announced_passes_and_no_byte_more() {
        let mut bytes = Vec::new();
        let mut bounded = Bounded::new(&mut bytes, 3);
        bounded.write_all(b"ab").await.expect("passes");
        bounded.write_all(b"c").await.expect("passes");
        let error = bounded.write_all(b"d").await.expect_err("is too much");
        assert!(TooLong::is_cause_of(&error), "{error}");
        assert_eq!(bytes, b"abc");
    }
}
