//! Several streams in one, by turns: a tar archive of pieces, each of them a frame of
//! zstd. Piece by piece, memory does not grow with the streams; frame by frame, they
//! can be read one stream after the other again. Without this program, `tar -x` and
//! `cat *` make one file of them, as their names are in that order.

use std::io::{self, Read, Seek, SeekFrom};
use std::vec;

use serde::{Deserialize, Serialize};

/// Of a stream, before compression.
pub const SIZE: usize = 4 << 20;
/// What ends a tar archive.
const END: [u8; 1024] = [0; 1024];

/// Where a piece is: after all those before it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Piece {
    pub stream: u32,
    /// Of its frame.
    pub bytes: u64,
}

/// The frame of a piece, the `number`th of its stream.
pub fn frame(stream: u32, number: u32, contents: &[u8]) -> io::Result<Vec<u8>> {
    let mut header = tar::Header::new_ustar();
    header.set_path(format!("{stream:03}-{number:08}"))?;
    header.set_size(contents.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    let mut archive = Vec::with_capacity(contents.len() + END.len());
    archive.extend(header.as_bytes());
    archive.extend(contents);
    archive.resize(archive.len().next_multiple_of(512), 0);
    compressed(&archive)
}

/// The frame after the last piece.
pub fn end() -> io::Result<Vec<u8>> {
    compressed(&END)
}

fn compressed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut zstd = zstd::bulk::Compressor::new(crate::seal::LEVEL)?;
    zstd.include_checksum(true)?;
    zstd.compress(bytes)
}

/// The streams one after the other.
pub struct Joined<S> {
    source: S,
    /// Offset and length of the frames, in the order of their streams.
    frames: vec::IntoIter<(u64, u64)>,
    piece: io::Cursor<Vec<u8>>,
}

impl<S: Read + Seek> Joined<S> {
    pub fn new(source: S, pieces: &[Piece]) -> Self {
        let mut at = 0;
        let mut frames: Vec<_> = pieces
            .iter()
            .map(|piece| {
                let begin = at;
                at += piece.bytes;
                (piece.stream, begin, piece.bytes)
            })
            .collect();
        frames.sort_unstable_by_key(|(stream, begin, _)| (*stream, *begin));
        let frames: Vec<_> = frames
            .into_iter()
            .map(|(_, at, bytes)| (at, bytes))
            .collect();
        Self {
            source,
            frames: frames.into_iter(),
            piece: io::Cursor::default(),
        }
    }

    fn open(&mut self, at: u64, bytes: u64) -> io::Result<()> {
        self.source.seek(SeekFrom::Start(at))?;
        let frame = self.source.by_ref().take(bytes);
        let mut archive = zstd::Decoder::new(frame)?;
        let mut header = tar::Header::new_ustar();
        archive.read_exact(header.as_mut_bytes())?;
        let mut piece = Vec::with_capacity(SIZE);
        archive.take(header.entry_size()?).read_to_end(&mut piece)?;
        self.piece = io::Cursor::new(piece);
        Ok(())
    }
}

impl<S: Read + Seek> Read for Joined<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.piece.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            match self.frames.next() {
                Some((at, bytes)) => self.open(at, bytes)?,
                None => return Ok(0),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// Two streams by turns.
    fn written() -> (Vec<u8>, Vec<Piece>) {
        let mut all = Vec::new();
        let mut pieces = Vec::new();
        for (stream, number, contents) in [(1, 0, "c"), (0, 0, "a"), (1, 1, "d"), (0, 1, "b")] {
            let frame = frame(stream, number, contents.repeat(1000).as_bytes()).unwrap();
            let bytes = frame.len() as u64;
            pieces.push(Piece { stream, bytes });
            all.extend(frame);
        }
        all.extend(end().unwrap());
        (all, pieces)
    }

    fn wanted() -> String {
        ["a", "b", "c", "d"].map(|text| text.repeat(1000)).concat()
    }

    #[test]
    fn streams_are_read_one_after_the_other() {
        let (all, pieces) = written();
        let mut text = String::new();
        let mut joined = Joined::new(io::Cursor::new(all), &pieces);
        joined.read_to_string(&mut text).unwrap();
        assert_eq!(text, wanted());
    }

    #[test]
    fn tar_and_cat_read_them_as_well() {
        let dir = tempfile::tempdir().unwrap();
        let (all, _) = written();
        let tar = zstd::decode_all(all.as_slice()).unwrap();
        std::fs::write(dir.path().join("tar"), tar).unwrap();
        let script = "mkdir d && tar -xf tar -C d && cat d/*";
        let done = Command::new("sh")
            .args(["-c", script])
            .current_dir(dir.path())
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(done.stdout).unwrap(), wanted());
    }
}
