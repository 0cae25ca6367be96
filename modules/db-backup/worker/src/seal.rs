//! The file of a backup: zstd frames of the dump, then the manifest in a frame
//! that zstd skips, all of it encrypted with age when there is a key. So
//! `age -d | zstd -d` gives the dump without any of this program.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use poniard_sdk::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::age::{self, Identity, Recipient, Sealed};
use crate::manifest::Manifest;
use crate::pieces::Joined;

pub const LEVEL: i32 = 3;
/// First of the magic numbers of frames that zstd skips.
/// <https://www.rfc-editor.org/rfc/rfc8878#section-3.1.2>
const SKIPPABLE: u32 = 0x184D_2A50;
/// The last bytes of a backup, after the length of the manifest.
const MARK: &[u8; 8] = b"dbbackup";
const TAIL: u64 = 4 + MARK.len() as u64;
const MAX_MANIFEST: u64 = 64 << 20;

/// What encrypts and decrypts.
pub enum Key {
    /// Encrypts only: `age1…`
    Recipient(Recipient),
    /// Both: `AGE-SECRET-KEY-1…`
    Identity(Identity),
}

impl Key {
    /// One key, with or without the comments that `age-keygen` writes.
    pub fn parse(text: &str) -> Result<Self> {
        let mut keys = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let key = keys.next().unwrap_or_default();
        ensure!(
            keys.next().is_none(),
            "the encryption key has more than one line that is no comment"
        );
        if let Ok(recipient) = key.parse() {
            return Ok(Self::Recipient(recipient));
        }
        match key.parse() {
            Ok(identity) => Ok(Self::Identity(identity)),
            Err(_) => bail!(
                "the encryption key is neither a recipient (`age1…`) nor an identity (`AGE-SECRET-KEY-1…`) of age: make one with `age-keygen`"
            ),
        }
    }

    fn recipient(&self) -> Recipient {
        match self {
            Self::Recipient(recipient) => recipient.clone(),
            Self::Identity(identity) => identity.to_public(),
        }
    }
}

/// Bytes on their way, counted and hashed.
pub struct Hashed<W> {
    inner: W,
    bytes: u64,
    sha256: Sha256,
}

/// Length and SHA-256 of what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    pub bytes: u64,
    pub sha256: String,
}

impl<W> Hashed<W> {
    pub fn new(inner: W) -> Self {
        Self {
            inner,
            bytes: 0,
            sha256: Sha256::new(),
        }
    }

    pub fn sum(&self) -> Sum {
        Sum {
            bytes: self.bytes,
            sha256: hex(&self.sha256.clone().finalize()),
        }
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.sha256.update(&bytes[..count]);
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

enum Layer<W: Write> {
    Plain(W),
    Encrypted(Box<Sealed<W>>),
}

/// Writes a backup: the compressed dump, then [`Writer::finish`] with the manifest.
pub struct Writer<W: Write> {
    layer: Layer<Hashed<W>>,
    /// Of what is encrypted; otherwise the target's sum is the payload's.
    payload: Option<Hashed<io::Sink>>,
}

impl<W: Write> Writer<W> {
    pub fn new(target: W, key: Option<&Key>) -> Result<Self> {
        let target = Hashed::new(target);
        Ok(match key {
            None => Self {
                layer: Layer::Plain(target),
                payload: None,
            },
            Some(key) => {
                let writer = Sealed::new(target, &key.recipient())?;
                Self {
                    layer: Layer::Encrypted(Box::new(writer)),
                    payload: Some(Hashed::new(io::sink())),
                }
            }
        })
    }

    /// Adds the manifest, which is told what came before it; returns it, the
    /// target, and what was written to that.
    pub fn finish(mut self, mut manifest: Manifest) -> Result<(Manifest, W, Sum)> {
        let sum = match (&self.payload, &self.layer) {
            (Some(payload), _) => payload.sum(),
            (None, Layer::Plain(target)) => target.sum(),
            (None, Layer::Encrypted(_)) => bail!("what is encrypted was not counted"),
        };
        manifest.payload_bytes = sum.bytes;
        manifest.payload_sha256 = sum.sha256;
        let text = serde_json::to_vec(&manifest)?;
        let length = u32::try_from(text.len()).wrap_err("the manifest is too long")?;
        let frame = u32::try_from(text.len() as u64 + TAIL).wrap_err("the manifest is too long")?;
        for part in [
            &SKIPPABLE.to_le_bytes()[..],
            &frame.to_le_bytes(),
            &text,
            &length.to_le_bytes(),
            MARK,
        ] {
            self.write_all(part)?;
        }
        let mut target = match self.layer {
            Layer::Plain(target) => target,
            Layer::Encrypted(writer) => writer.finish()?,
        };
        target.flush()?;
        let sum = target.sum();
        Ok((manifest, target.inner, sum))
    }
}

impl<W: Write> Write for Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = match &mut self.layer {
            Layer::Plain(inner) => inner.write(bytes)?,
            Layer::Encrypted(inner) => inner.write(bytes)?,
        };
        if let Some(payload) = &mut self.payload {
            payload.write_all(&bytes[..count])?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        // Would end a block early.
        Ok(())
    }
}

trait Source: Read + Seek {}
impl<T: Read + Seek> Source for T {}

/// A backup that was read to its end and found whole.
pub struct Reader {
    source: Box<dyn Source>,
    pub manifest: Manifest,
}

impl Reader {
    /// Reads the whole file: a damaged backup is refused before any use of it.
    pub fn open(path: &Path, key: Option<&Key>) -> Result<Self> {
        let file = File::open(path).wrap_err("cannot open the backup")?;
        let mut source = decrypted(file, key)?;
        let manifest = manifest(&mut source)?;
        let mut sum = Hashed::new(io::sink());
        source.seek(SeekFrom::Start(0))?;
        io::copy(&mut source.by_ref().take(manifest.payload_bytes), &mut sum)
            .wrap_err("the backup is damaged")?;
        let sum = sum.sum();
        ensure!(
            (sum.bytes, &sum.sha256) == (manifest.payload_bytes, &manifest.payload_sha256),
            "the backup is damaged: its SHA-256 is {} and should be {}",
            sum.sha256,
            manifest.payload_sha256
        );
        Ok(Self { source, manifest })
    }

    /// The dump.
    pub fn dump(mut self) -> Result<Box<dyn Read>> {
        if !self.manifest.pieces.is_empty() {
            return Ok(Box::new(Joined::new(self.source, &self.manifest.pieces)));
        }
        self.source.seek(SeekFrom::Start(0))?;
        let payload = self.source.take(self.manifest.payload_bytes);
        Ok(Box::new(zstd::Decoder::new(payload)?))
    }
}

/// The manifest alone, without a look at the rest.
pub fn peek(path: &Path, key: Option<&Key>) -> Result<Manifest> {
    let file = File::open(path).wrap_err("cannot open the backup")?;
    manifest(&mut decrypted(file, key)?)
}

fn decrypted(mut file: File, key: Option<&Key>) -> Result<Box<dyn Source>> {
    let mut start = [0; age::MAGIC.len()];
    let count = file.read(&mut start)?;
    file.seek(SeekFrom::Start(0))?;
    if &start[..count] != age::MAGIC {
        return Ok(Box::new(file));
    }
    let identity = match key {
        Some(Key::Identity(identity)) => identity,
        Some(Key::Recipient(_)) => bail!(
            "the backup is encrypted, and `age1…` can only encrypt: pass the identity (`AGE-SECRET-KEY-1…`) as `--encryption-key`"
        ),
        None => bail!("the backup is encrypted: pass its `--encryption-key`"),
    };
    let opened = age::Opened::new(file, identity).wrap_err("cannot decrypt the backup")?;
    Ok(Box::new(opened))
}

fn manifest(source: &mut Box<dyn Source>) -> Result<Manifest> {
    const NONE: &str =
        "it has no manifest at its end: it is no backup of this module, or cut short";
    let length = source.seek(SeekFrom::End(0)).wrap_err(NONE)?;
    ensure!(length > TAIL, NONE);
    source.seek(SeekFrom::Start(length - TAIL))?;
    let mut tail = [0; TAIL as usize];
    source.read_exact(&mut tail).wrap_err(NONE)?;
    let (size, mark) = tail.split_at(4);
    ensure!(mark == MARK, NONE);
    let size = u64::from(u32::from_le_bytes([size[0], size[1], size[2], size[3]]));
    ensure!(size + TAIL <= length && size <= MAX_MANIFEST, NONE);
    source.seek(SeekFrom::Start(length - TAIL - size))?;
    let mut text = vec![0; usize::try_from(size)?];
    source.read_exact(&mut text).wrap_err(NONE)?;
    let manifest: Manifest =
        serde_json::from_slice(&text).wrap_err("cannot read the manifest of the backup")?;
    ensure!(manifest.payload_bytes + 8 + size + TAIL == length, NONE);
    Ok(manifest)
}

#[cfg(test)]
mod tests;
