//! From the tar of an image layer to a directory that overlayfs takes: what
//! `.wh.` files remove becomes whiteouts, and nothing leads out of the layer.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt, lchown, symlink};
use std::path::{Component, Path, PathBuf};

use eyre::{Result, WrapErr};
use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, XattrFlags};
use tar::{Archive, Entry, EntryType};

use crate::store::{Digest, Hashed, Tree, WRITE_BYTES, opaque_attribute};

/// What is to become of `.wh.` files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whiteouts {
    /// They hide files of lower layers.
    Keep,
    /// There is nothing below: they mean nothing.
    Ignore,
    /// They are files like any other: the archive is no layer.
    Plain,
}

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// Reads a stream that is compressed with gzip, zstd or not at all.
pub(crate) fn decompress<'a>(mut stream: impl BufRead + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let start = stream.fill_buf()?;
    if start.starts_with(GZIP) {
        return Ok(Box::new(flate2::bufread::MultiGzDecoder::new(stream)));
    }
    if start.starts_with(ZSTD) {
        return Ok(Box::new(zstd::stream::read::Decoder::with_buffer(stream)?));
    }
    Ok(Box::new(stream))
}

pub(super) fn is_compressed(start: &[u8]) -> bool {
    start.starts_with(GZIP) || start.starts_with(ZSTD)
}

/// Unpacks a layer into the empty directory `dir`. Whoever calls this uses it
/// only if the stream (and the blob it comes from) had the right digest: what
/// follows the end of the archive counts, too. A compressed blob is hashed only
/// where `is_blob_asked`.
pub(super) fn unpack_layer(
    blob: impl Read,
    is_blob_asked: bool,
    dir: &Path,
    whiteouts: Whiteouts,
) -> Result<Digests> {
    let unpack_hashed = |stream: &mut dyn Read| -> Result<Digest> {
        let mut tar = Hashed::new(stream);
        unpack(&mut tar, dir, whiteouts)?;
        Ok(tar.sum()?)
    };
    let mut blob = BufReader::with_capacity(128 << 10, blob);
    if !is_compressed(blob.fill_buf()?) {
        let digest = unpack_hashed(&mut blob)?;
        return Ok(Digests {
            blob: Some(digest),
            diff_id: digest,
        });
    }
    if !is_blob_asked {
        return Ok(Digests {
            blob: None,
            diff_id: unpack_hashed(&mut decompress(blob)?)?,
        });
    }
    let mut blob = Hashed::new(blob);
    let diff_id = unpack_hashed(&mut decompress(&mut blob)?)?;
    Ok(Digests {
        blob: Some(blob.sum()?),
        diff_id,
    })
}

/// What a layer turned out to be.
pub(super) struct Digests {
    pub blob: Option<Digest>,
    /// Of the uncompressed tar.
    pub diff_id: Digest,
}

/// Unpacks a tar into the empty directory `dir`.
pub(crate) fn unpack(stream: impl Read, dir: &Path, whiteouts: Whiteouts) -> Result<()> {
    let mut unpack = Unpack {
        tree: Tree::new(dir),
        dir,
        whiteouts,
        parents: HashMap::new(),
        dirs: Vec::new(),
        buffer: Vec::new(),
    };
    let mut archive = Archive::new(stream);
    for entry in archive.entries()? {
        let mut entry = entry.wrap_err("cannot read the archive")?;
        let path = entry.path()?.into_owned();
        unpack
            .entry(&mut entry, &path)
            .wrap_err_with(|| format!("cannot unpack `{}`", path.display()))?;
    }
    // Afterwards, for writing into a directory changes its time.
    for (dir, mtime) in unpack.dirs.iter().rev() {
        set_time(dir, *mtime)?;
    }
    Ok(())
}

struct Unpack<'a> {
    tree: Tree,
    dir: &'a Path,
    whiteouts: Whiteouts,
    /// Directories of the archive, and where they are.
    parents: HashMap<PathBuf, PathBuf>,
    dirs: Vec<(PathBuf, u64)>,
    buffer: Vec<u8>,
}

impl Unpack<'_> {
    fn entry(&mut self, entry: &mut Entry<'_, impl Read>, path: &Path) -> Result<()> {
        let path = inside(path)?;
        let Some(name) = path.file_name() else {
            return self.attributes(entry, self.dir);
        };
        let parent = self.parent(path.parent().unwrap_or(Path::new("")))?;
        if self.whiteouts != Whiteouts::Plain
            && let Some(hidden) = name.as_encoded_bytes().strip_prefix(b".wh.")
        {
            return self.hide(&parent, hidden);
        }
        let target = parent.join(name);
        if entry.header().entry_type() == EntryType::Directory {
            if !target.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
                self.clear(&target, &path)?;
                std::fs::create_dir(&target)?;
            }
        } else {
            self.clear(&target, &path)?;
            if !self.create(entry, &target)? {
                return Ok(());
            }
        }
        self.attributes(entry, &target)
    }

    /// Where a directory of the archive is; links in it stay in the layer.
    fn parent(&mut self, path: &Path) -> Result<PathBuf> {
        if let Some(known) = self.parents.get(path) {
            return Ok(known.clone());
        }
        let text = path
            .to_str()
            .ok_or_else(|| eyre::eyre!("the name is not UTF-8"))?;
        self.tree.make_dir(text, 0o755, None)?;
        let real = self.tree.host_path(text)?;
        self.parents.insert(path.to_owned(), real.clone());
        Ok(real)
    }

    /// Removes what an earlier entry made.
    fn clear(&mut self, target: &Path, path: &Path) -> Result<()> {
        let Ok(meta) = target.symlink_metadata() else {
            return Ok(());
        };
        if meta.is_dir() {
            std::fs::remove_dir_all(target)?;
            self.dirs.retain(|(dir, _)| !dir.starts_with(target));
        } else {
            std::fs::remove_file(target)?;
        }
        self.parents
            .retain(|known, real| !known.starts_with(path) && !real.starts_with(target));
        Ok(())
    }

    fn hide(&self, parent: &Path, name: &[u8]) -> Result<()> {
        if self.whiteouts == Whiteouts::Ignore {
            return Ok(());
        }
        if name == b".wh..opq" {
            let attribute = opaque_attribute();
            return Ok(rustix::fs::setxattr(
                parent,
                attribute,
                b"y",
                XattrFlags::empty(),
            )?);
        }
        // Other names of that kind are notes of aufs.
        if name.starts_with(b".wh.") || name.is_empty() {
            return Ok(());
        }
        let name = Path::new(std::ffi::OsStr::new(std::str::from_utf8(name)?));
        let target = parent.join(inside(name)?);
        if target.symlink_metadata().is_err() {
            let mode = Mode::empty();
            rustix::fs::mknodat(CWD, &target, FileType::CharacterDevice, mode, 0)?;
        }
        Ok(())
    }

    /// Makes what is not a directory. Whether it has attributes of its own.
    fn create(&mut self, entry: &mut Entry<'_, impl Read>, target: &Path) -> Result<bool> {
        let header = entry.header();
        let link = || -> Result<PathBuf> {
            let name = entry.link_name()?;
            Ok(name
                .ok_or_else(|| eyre::eyre!("the link has no target"))?
                .into_owned())
        };
        match header.entry_type() {
            EntryType::Symlink => symlink(link()?, target)?,
            EntryType::Link => {
                let source = inside(&link()?)?;
                let name = source.file_name().unwrap_or_default();
                let text = source.parent().and_then(Path::to_str).unwrap_or_default();
                let source = self.tree.host_path(text)?.join(name);
                std::fs::hard_link(source, target).wrap_err("cannot link to an earlier file")?;
                return Ok(false);
            }
            kind @ (EntryType::Char | EntryType::Block) => {
                let (major, minor) = (header.device_major()?, header.device_minor()?);
                let device =
                    rustix::fs::makedev(major.unwrap_or_default(), minor.unwrap_or_default());
                let kind = match kind {
                    EntryType::Char => FileType::CharacterDevice,
                    _ => FileType::BlockDevice,
                };
                let made =
                    rustix::fs::mknodat(CWD, target, kind, Mode::from_raw_mode(0o600), device);
                if made == Err(rustix::io::Errno::PERM) && crate::rootless::is_nested() {
                    // No device can be made for an ordinary user: containers have their own.
                    return Ok(false);
                }
                made?;
            }
            EntryType::Fifo => {
                let mode = Mode::from_raw_mode(0o600);
                rustix::fs::mknodat(CWD, target, FileType::Fifo, mode, 0)?;
            }
            EntryType::XGlobalHeader => return Ok(false),
            kind => {
                has_room(target, entry.size())?;
                let mut file = File::options()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(target)?;
                if kind == EntryType::GNUSparse {
                    copy_with_holes(entry, &mut file)?;
                } else {
                    self.buffer.resize(WRITE_BYTES, 0);
                    copy(entry, &mut file, &mut self.buffer)?;
                }
            }
        }
        Ok(true)
    }

    fn attributes(&mut self, entry: &mut Entry<'_, impl Read>, target: &Path) -> Result<()> {
        let header = entry.header();
        // Some writers leave these fields blank.
        let number = |field: io::Result<u64>| field.unwrap_or(0);
        let (uid, gid) = (
            number(header.uid()).try_into()?,
            number(header.gid()).try_into()?,
        );
        let (mode, mtime) = (header.mode(), number(header.mtime()));
        let kind = header.entry_type();
        own(target, uid, gid)?;
        if kind == EntryType::Symlink {
            return set_time(target, mtime);
        }
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode? & 0o7777);
        std::fs::set_permissions(target, permissions)?;
        for (name, value) in xattrs(entry)? {
            rustix::fs::setxattr(target, name, &value, XattrFlags::empty())?;
        }
        if kind == EntryType::Directory {
            self.dirs.push((target.to_owned(), mtime));
            return Ok(());
        }
        set_time(target, mtime)
    }
}

fn own(target: &Path, uid: u32, gid: u32) -> Result<()> {
    let owned = lchown(target, Some(uid), Some(gid));
    let unmapped = |e: &io::Error| e.raw_os_error() == Some(libc::EINVAL);
    if owned.as_ref().is_err_and(unmapped) && crate::rootless::is_nested() {
        eyre::bail!(
            "the owner `{uid}:{gid}` is not among the ids of this user: set more aside in `/etc/subuid` and `/etc/subgid`"
        );
    }
    Ok(owned?)
}

/// Refuses a file that cannot fit before the disk is full of it. A few bytes of
/// an archive can stand for a file of any size.
fn has_room(target: &Path, bytes: u64) -> Result<()> {
    const WORTH_A_LOOK: u64 = 16 << 20;
    if bytes < WORTH_A_LOOK {
        return Ok(());
    }
    let disk = rustix::fs::statvfs(target.parent().unwrap_or(target))?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if bytes > free {
        eyre::bail!("no space left for it: it has {bytes} bytes, and {free} are free");
    }
    Ok(())
}

/// As [`io::copy`], in steps of the buffer.
fn copy(from: &mut impl Read, to: &mut File, buffer: &mut [u8]) -> io::Result<()> {
    loop {
        match from.read(buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => to.write_all(&buffer[..length])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Leaves out blocks of zeros, so that holes stay holes.
fn copy_with_holes(mut from: impl Read, to: &mut File) -> io::Result<()> {
    let mut block = vec![0; WRITE_BYTES];
    let mut length = 0;
    loop {
        let read = from.read(&mut block)?;
        if read == 0 {
            return to.set_len(length);
        }
        if block[..read].iter().any(|byte| *byte != 0) {
            to.write_all_at(&block[..read], length)?;
        }
        length += read as u64;
    }
}

/// Attributes that belong to the file; those of overlayfs are not an image's to set.
fn xattrs(entry: &mut Entry<'_, impl Read>) -> Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    for extension in entry.pax_extensions()?.into_iter().flatten() {
        let extension = extension?;
        let Some(name) = extension
            .key()
            .ok()
            .and_then(|key| key.strip_prefix("SCHILY.xattr."))
        else {
            continue;
        };
        let own = name.starts_with("user.") && !name.starts_with("user.overlay.");
        if own || name == "security.capability" {
            found.push((name.to_owned(), extension.value_bytes().to_vec()));
        }
    }
    Ok(found)
}

/// The path without `.`; refused when it leads out.
pub(super) fn inside(path: &Path) -> Result<PathBuf> {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => clean.push(name),
            Component::CurDir => {}
            // Docker takes `/etc/x` for `etc/x`, but writers that mean well do not.
            _ => eyre::bail!("the name leads out of the archive"),
        }
    }
    Ok(clean)
}

fn set_time(path: &Path, mtime: u64) -> Result<()> {
    let time = Timespec {
        tv_sec: i64::try_from(mtime).unwrap_or(0),
        tv_nsec: 0,
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    Ok(rustix::fs::utimensat(
        CWD,
        path,
        &times,
        AtFlags::SYMLINK_NOFOLLOW,
    )?)
}
