//! A stream that is hashed while it is read, on a thread of its own: that takes
//! as long as writing what was read.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

const CHUNK_BYTES: usize = 512 << 10;
/// Chunks that wait for the thread.
const AHEAD: usize = 4;
/// And one in the thread, one with the reader.
const CHUNKS: usize = AHEAD + 2;

/// What all bytes of a stream come down to.
pub(crate) trait Sum: Sized {
    /// Of the bytes so far.
    type State: Clone + Default + Send + 'static;

    fn add(state: &mut Self::State, bytes: &[u8]);

    fn of(state: Self::State) -> Self;
}

/// Reads `R`, of which all counts in the end.
pub(crate) struct Hashed<R, S: Sum> {
    inner: R,
    /// Used in turns.
    chunks: [Arc<Chunk>; CHUNKS],
    current: usize,
    /// What was read of the current one.
    read: usize,
    hash: Hash<S>,
}

#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    length: usize,
}

enum Hash<S: Sum> {
    Here(S::State),
    There(SyncSender<Arc<Chunk>>, JoinHandle<S::State>),
}

impl<R: Read, S: Sum> Hashed<R, S> {
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            chunks: Default::default(),
            current: 0,
            read: 0,
            hash: Hash::Here(S::State::default()),
        }
    }

    /// Of all there is, also of what nobody has read.
    pub fn sum(mut self) -> io::Result<S> {
        while !self.fill_buf()?.is_empty() {
            self.read = self.chunk().length;
        }
        let state = match self.hash {
            Hash::Here(state) => state,
            Hash::There(chunks, thread) => {
                drop(chunks);
                thread.join().map_err(|_| went_away())?
            }
        };
        Ok(S::of(state))
    }

    fn chunk(&self) -> &Chunk {
        &self.chunks[self.current]
    }

    fn next_chunk(&mut self) -> io::Result<()> {
        self.current = (self.current + 1) % CHUNKS;
        self.read = 0;
        let chunk = &mut self.chunks[self.current];
        if Arc::get_mut(chunk).is_none() {
            *chunk = Arc::default();
        }
        let Some(free) = Arc::get_mut(chunk) else {
            return Err(went_away());
        };
        free.length = 0;
        free.bytes.resize(CHUNK_BYTES, 0);
        while free.length < CHUNK_BYTES {
            match self.inner.read(&mut free.bytes[free.length..]) {
                Ok(0) => break,
                Ok(length) => free.length += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    free.length = 0;
                    return Err(error);
                }
            }
        }
        self.hash.add(chunk)
    }
}

impl<S: Sum> Hash<S> {
    fn add(&mut self, chunk: &Arc<Chunk>) -> io::Result<()> {
        // What is small is done before a thread begins.
        if let Self::Here(state) = self
            && chunk.length == CHUNK_BYTES
        {
            let (sender, receiver) = sync_channel(AHEAD);
            let so_far = state.clone();
            let thread = std::thread::Builder::new()
                .name("digest".into())
                .spawn(move || hash_all::<S>(so_far, &receiver));
            if let Ok(thread) = thread {
                *self = Self::There(sender, thread);
            }
        }
        match self {
            Self::Here(state) => S::add(state, &chunk.bytes[..chunk.length]),
            Self::There(chunks, _) => chunks.send(chunk.clone()).map_err(|_| went_away())?,
        }
        Ok(())
    }
}

fn hash_all<S: Sum>(mut state: S::State, chunks: &Receiver<Arc<Chunk>>) -> S::State {
    for chunk in chunks {
        S::add(&mut state, &chunk.bytes[..chunk.length]);
    }
    state
}

fn went_away() -> io::Error {
    io::Error::other("the thread that computes the digest went away")
}

impl<R: Read, S: Sum> BufRead for Hashed<R, S> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.read == self.chunk().length {
            self.next_chunk()?;
        }
        let (chunk, read) = (self.chunk(), self.read);
        Ok(&chunk.bytes[read..chunk.length])
    }

    fn consume(&mut self, amount: usize) {
        self.read = self.chunk().length.min(self.read + amount);
    }
}

impl<R: Read, S: Sum> Read for Hashed<R, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(buffer)?;
        self.consume(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Digest;

    /// Gives a different number of bytes every time.
    struct Halting<'a>(&'a [u8], usize);

    impl Read for Halting<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = self.1 % 70_000 + 1_009;
            let end = buffer.len().min(self.1);
            self.0.read(&mut buffer[..end])
        }
    }

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at * 7 / 3 % 251) as u8).collect()
    }

    #[test]
    fn what_is_read_is_what_was_hashed_whatever_its_length() {
        let edge = CHUNK_BYTES;
        for length in [0, 1, edge - 1, edge, edge + 1, 9 * edge, 9 * edge + 5] {
            let bytes = bytes(length);
            let mut stream = Hashed::new(Halting(&bytes, 0));
            let mut read = Vec::new();
            stream.read_to_end(&mut read).expect("reads");
            assert!(read == bytes, "{length} bytes are the same");
            assert_eq!(stream.sum().ok(), Some(Digest::of(&bytes)));
        }
    }

    #[test]
    fn what_nobody_reads_counts_too() {
        let bytes = bytes(3 * CHUNK_BYTES + 17);
        let mut stream = Hashed::new(bytes.as_slice());
        stream.read_exact(&mut [0; 1000]).expect("reads");
        assert_eq!(stream.sum().ok(), Some(Digest::of(&bytes)));
    }

    #[test]
    fn a_stream_that_breaks_has_no_digest() {
        struct Broken(usize);
        impl Read for Broken {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.0 = self.0.checked_sub(1).ok_or(io::ErrorKind::BrokenPipe)?;
                Ok(buffer.len())
            }
        }
        for reads in [0, 1, 7] {
            let error = Hashed::<_, Digest>::new(Broken(reads))
                .sum()
                .expect_err("breaks");
            assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        }
    }
}
