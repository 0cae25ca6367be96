//! What is encrypted: chunks that are numbered, the last of them marked, so that none
//! can be changed, moved or cut off.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};

use poniard_sdk::prelude::*;
use ring::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};

use super::{FileKey, Identity, Recipient, derived, header, random};

const CHUNK: usize = 64 << 10;
const TAG: usize = 16;
const NONCE: usize = 16;

/// Of a chunk: its number, and whether it is the last.
fn nonce(number: u64, last: bool) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[3..11].copy_from_slice(&number.to_be_bytes());
    bytes[11] = u8::from(last);
    Nonce::assume_unique_for_key(bytes)
}

fn key(file_key: &FileKey, nonce: &[u8]) -> Result<LessSafeKey> {
    header::aead(&derived(&**file_key, nonce, b"payload")?)
}

/// Encrypts what is written; [`Sealed::finish`] makes it whole.
pub struct Sealed<W> {
    target: W,
    key: LessSafeKey,
    /// Full, it waits for more: the last chunk is another one.
    chunk: Vec<u8>,
    number: u64,
}

impl<W: Write> Sealed<W> {
    pub fn new(mut target: W, recipient: &Recipient) -> Result<Self> {
        let (header, file_key) = header::write(recipient)?;
        let nonce = random::<NONCE>()?;
        target.write_all(header.as_bytes())?;
        target.write_all(&*nonce)?;
        Ok(Self {
            target,
            key: key(&file_key, &*nonce)?,
            chunk: Vec::with_capacity(CHUNK + TAG),
            number: 0,
        })
    }

    pub fn finish(mut self) -> io::Result<W> {
        self.end_of_chunk(true)?;
        Ok(self.target)
    }

    fn end_of_chunk(&mut self, last: bool) -> io::Result<()> {
        self.key
            .seal_in_place_append_tag(nonce(self.number, last), Aad::empty(), &mut self.chunk)
            .map_err(|_| io::Error::other("cannot encrypt"))?;
        self.target.write_all(&self.chunk)?;
        self.chunk.clear();
        self.number += 1;
        Ok(())
    }
}

impl<W: Write> Write for Sealed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.chunk.len() == CHUNK && !bytes.is_empty() {
            self.end_of_chunk(false)?;
        }
        let count = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.target.flush()
    }
}

/// A file that is decrypted chunk by chunk, from wherever it is read.
pub struct Opened {
    file: File,
    key: LessSafeKey,
    /// Where the chunks begin, and how many bytes all are.
    begin: u64,
    bytes: u64,
    /// Of what is decrypted.
    at: u64,
    chunk: Vec<u8>,
    /// Which one that is.
    number: Option<u64>,
}

impl Opened {
    pub fn new(file: File, identity: &Identity) -> Result<Self> {
        let mut source = BufReader::new(file);
        let file_key = header::read(&mut source, identity)?;
        let mut nonce = [0; NONCE];
        source
            .read_exact(&mut nonce)
            .wrap_err("it ends after its header")?;
        let begin = source.stream_position()?;
        let mut file = source.into_inner();
        let bytes = file.seek(SeekFrom::End(0))?.saturating_sub(begin);
        let opened = Self {
            file,
            key: key(&file_key, &nonce)?,
            begin,
            bytes,
            at: 0,
            chunk: Vec::with_capacity(CHUNK + TAG),
            number: None,
        };
        let last = opened.bytes - (opened.chunks() - 1) * (CHUNK + TAG) as u64;
        // Only of nothing the last chunk may be empty.
        let least = TAG as u64 + u64::from(opened.chunks() > 1);
        ensure!(last >= least, "it ends too early");
        Ok(opened)
    }

    fn chunks(&self) -> u64 {
        self.bytes.div_ceil((CHUNK + TAG) as u64).max(1)
    }

    /// How long it is decrypted: what whoever cut it says, until the last chunk is read.
    fn length(&self) -> u64 {
        self.bytes - self.chunks() * TAG as u64
    }

    fn load(&mut self, number: u64) -> io::Result<()> {
        if self.number == Some(number) {
            return Ok(());
        }
        self.number = None;
        let from = number * (CHUNK + TAG) as u64;
        let count = (self.bytes - from).min((CHUNK + TAG) as u64);
        self.file.seek(SeekFrom::Start(self.begin + from))?;
        self.chunk.resize(count as usize, 0);
        self.file.read_exact(&mut self.chunk)?;
        let last = number + 1 == self.chunks();
        let length = self
            .key
            .open_in_place(nonce(number, last), Aad::empty(), &mut self.chunk)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it was changed or cut"))?
            .len();
        self.chunk.truncate(length);
        self.number = Some(number);
        Ok(())
    }
}

impl Read for Opened {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.length() {
            // An empty file has a chunk, too.
            self.load(self.chunks() - 1)?;
            return Ok(0);
        }
        self.load(self.at / CHUNK as u64)?;
        let rest = &self.chunk[(self.at % CHUNK as u64) as usize..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Opened {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length().checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}
