//! The files that an image is read from: those of a directory, or of an archive.
//! One that is not compressed is read where it is, without unpacking it first.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use eyre::{Result, WrapErr};
use tar::{Archive, EntryType};

use super::unpack::{Whiteouts, decompress, inside, is_compressed, unpack};
use crate::store::Tree;

pub(super) enum Files {
    Dir(Tree),
    /// An archive's, unpacked to a directory that goes away afterwards.
    Unpacked {
        tree: Tree,
        _dir: tempfile::TempDir,
    },
    Archived(File, HashMap<PathBuf, Place>),
}

/// Where the content of a file is in an archive.
#[derive(Clone, Copy)]
pub(super) struct Place {
    start: u64,
    end: u64,
}

impl Files {
    /// `temp` makes a directory, should one be needed.
    pub fn open(path: &Path, temp: impl FnOnce() -> Result<tempfile::TempDir>) -> Result<Self> {
        if path.is_dir() {
            return Ok(Self::Dir(Tree::new(path)));
        }
        let file = File::open(path)?;
        if let Some(places) = places(&file).wrap_err("it is not a tar archive")? {
            return Ok(Self::Archived(file, places));
        }
        let temp = temp()?;
        let stream = decompress(BufReader::with_capacity(128 << 10, File::open(path)?))?;
        unpack(stream, temp.path(), Whiteouts::Plain).wrap_err("it is not a tar archive")?;
        Ok(Self::Unpacked {
            tree: Tree::new(temp.path()),
            _dir: temp,
        })
    }

    pub fn has(&self, path: &str) -> Result<bool> {
        match self {
            Self::Dir(tree) | Self::Unpacked { tree, .. } => Ok(tree.stat(path, true)?.is_some()),
            Self::Archived(_, places) => Ok(places.contains_key(&inside(Path::new(path))?)),
        }
    }

    pub fn read(&self, path: &str) -> Result<Vec<u8>> {
        if let Self::Dir(tree) | Self::Unpacked { tree, .. } = self {
            return tree.read(path);
        }
        let mut content = Vec::new();
        self.stream(path)?
            .read_to_end(&mut content)
            .wrap_err_with(|| format!("cannot read `{path}`"))?;
        Ok(content)
    }

    pub fn stream(&self, path: &str) -> Result<Box<dyn Read + '_>> {
        match self {
            Self::Dir(tree) | Self::Unpacked { tree, .. } => {
                Ok(Box::new(File::open(tree.resolve(path)?)?))
            }
            Self::Archived(file, places) => {
                let place = places.get(&inside(Path::new(path))?);
                let place = place.ok_or_else(|| eyre::eyre!("there is no `{path}` in it"))?;
                Ok(Box::new(Part(file, *place)))
            }
        }
    }
}

/// Where an archive has its files. Nothing when they cannot be read in place:
/// the archive is compressed, or has more than directories and plain files.
fn places(file: &File) -> Result<Option<HashMap<PathBuf, Place>>> {
    let mut start = [0; 4];
    let length = file.read_at(&mut start, 0)?;
    if is_compressed(&start[..length]) {
        return Ok(None);
    }
    let size = file.metadata()?.len();
    let mut places = HashMap::new();
    let mut archive = Archive::new(file);
    for entry in archive.entries_with_seek()? {
        let entry = entry.wrap_err("cannot read the archive")?;
        let path = entry.path()?.into_owned();
        match entry.header().entry_type() {
            EntryType::Directory | EntryType::XGlobalHeader => {}
            EntryType::Regular => {
                let start = entry.raw_file_position();
                let end = start.saturating_add(entry.size());
                if end > size {
                    eyre::bail!("`{}` is cut off", path.display());
                }
                places.insert(inside(&path)?, Place { start, end });
            }
            _ => return Ok(None),
        }
    }
    Ok(Some(places))
}

/// Reads a part of a file, whoever else reads it.
struct Part<'a>(&'a File, Place);

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Self(file, place) = self;
        let wanted = (place.end - place.start).min(buffer.len() as u64) as usize;
        let length = file.read_at(&mut buffer[..wanted], place.start)?;
        if length == 0 && wanted > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        place.start += length as u64;
        Ok(length)
    }
}
