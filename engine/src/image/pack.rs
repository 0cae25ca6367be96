//! From a layer of the store to the tar of an image layer: whiteouts become
//! `.wh.` files. The same layer gives the same bytes.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use eyre::{Result, WrapErr};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

use super::{Compression, Images};
use crate::store::walk::walk;
use crate::store::{Digest, Filter, Hasher, WRITE_BYTES, opaque_attribute};

/// A layer as images have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Blob {
    pub digest: Digest,
    pub size: u64,
    /// Digest of the uncompressed tar.
    pub diff_id: Digest,
}

impl Compression {
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Gzip => "application/vnd.oci.image.layer.v1.tar+gzip",
            Self::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
            Self::Uncompressed => "application/vnd.oci.image.layer.v1.tar",
        }
    }
}

impl Images {
    /// What the layer's blob is, from memory or by packing it.
    pub(super) fn blob(&self, layer: &str, compression: Compression) -> Result<Blob> {
        match self.store.cached("blob", &blob_key(layer, compression)) {
            Some(known) => Ok(known),
            None => self.pack(layer, compression, &mut io::sink()),
        }
    }

    /// Writes the layer's blob to `out`.
    pub(super) fn pack(
        &self,
        layer: &str,
        compression: Compression,
        out: &mut dyn Write,
    ) -> Result<Blob> {
        let dir = self.store.layer_path(layer);
        let mut blob = Hashing::new(out);
        let diff_id = match compression {
            Compression::Uncompressed => pack_layer(&dir, &mut blob)?,
            Compression::Gzip => {
                let mut encoder =
                    flate2::write::GzEncoder::new(&mut blob, flate2::Compression::default());
                let diff_id = pack_layer(&dir, &mut encoder)?;
                encoder.finish()?;
                diff_id
            }
            Compression::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(&mut blob, 3)?;
                let diff_id = pack_layer(&dir, &mut encoder)?;
                encoder.finish()?;
                diff_id
            }
        };
        let blob = Blob {
            digest: blob.digest(),
            size: blob.size,
            diff_id,
        };
        self.store
            .remember("blob", &blob_key(layer, compression), &blob)?;
        Ok(blob)
    }
}

fn blob_key(layer: &str, compression: Compression) -> Digest {
    Hasher::new("blob-1")
        .with(layer)
        .with(compression.media_type())
        .digest()
}

/// Writes the tar of a layer; gives its digest.
pub(super) fn pack_layer(dir: &Path, out: impl Write) -> Result<Digest> {
    let mut builder = Builder::new(io::BufWriter::with_capacity(WRITE_BYTES, Hashing::new(out)));
    let mut pack = Pack {
        builder: &mut builder,
        names: HashMap::new(),
    };
    let root = dir.metadata()?;
    if (root.mode() & 0o7777, root.uid(), root.gid()) != (0o755, 0, 0) {
        pack.entry(dir, Path::new("./"), &root)?;
    }
    walk(dir, &Filter::default(), |path, meta| {
        let host = dir.join(path);
        pack.entry(&host, path, meta)
            .wrap_err_with(|| format!("cannot pack `{}`", path.display()))
    })?;
    let hashing = builder
        .into_inner()?
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?;
    Ok(hashing.digest())
}

struct Pack<'a, W: Write> {
    builder: &'a mut Builder<W>,
    /// Names of files that have more, by inode.
    names: HashMap<(u64, u64), PathBuf>,
}

impl<W: Write> Pack<'_, W> {
    fn entry(&mut self, host: &Path, path: &Path, meta: &Metadata) -> Result<()> {
        let kind = meta.file_type();
        if kind.is_char_device() && meta.rdev() == 0 {
            return self.mark(path.parent(), &[b".wh.", name_of(path)].concat());
        }
        if kind.is_socket() {
            return Ok(());
        }
        let mut header = header_of(meta);
        if kind.is_symlink() {
            header.set_entry_type(EntryType::Symlink);
            let target = std::fs::read_link(host)?;
            return Ok(self.builder.append_link(&mut header, path, target)?);
        }
        self.attributes(host)?;
        if kind.is_dir() {
            header.set_entry_type(EntryType::Directory);
            self.builder
                .append_data(&mut header, slashed(path), io::empty())?;
            if is_opaque(host) {
                self.mark(Some(path), b".wh..wh..opq")?;
            }
        } else if kind.is_file() {
            if meta.nlink() > 1 {
                if let Some(first) = self.names.get(&(meta.dev(), meta.ino())) {
                    header.set_entry_type(EntryType::Link);
                    let first = first.clone();
                    return Ok(self.builder.append_link(&mut header, path, first)?);
                }
                self.names.insert((meta.dev(), meta.ino()), path.to_owned());
            }
            header.set_size(meta.len());
            self.builder
                .append_data(&mut header, path, File::open(host)?)?;
        } else {
            header.set_entry_type(match kind {
                kind if kind.is_fifo() => EntryType::Fifo,
                kind if kind.is_block_device() => EntryType::Block,
                _ => EntryType::Char,
            });
            header.set_device_major(rustix::fs::major(meta.rdev()))?;
            header.set_device_minor(rustix::fs::minor(meta.rdev()))?;
            self.builder.append_data(&mut header, path, io::empty())?;
        }
        Ok(())
    }

    /// An empty file that hides something of lower layers.
    fn mark(&mut self, dir: Option<&Path>, name: &[u8]) -> Result<()> {
        let mut header = Header::new_gnu();
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(0);
        let path = dir
            .unwrap_or(Path::new(""))
            .join(std::ffi::OsStr::from_bytes(name));
        Ok(self.builder.append_data(&mut header, path, io::empty())?)
    }

    /// Capabilities and the user's own attributes go before the file itself.
    fn attributes(&mut self, host: &Path) -> Result<()> {
        let found = crate::store::tree::xattrs(host)?;
        let found: Vec<(String, Vec<u8>)> = found
            .into_iter()
            .map(|(name, value)| {
                (
                    format!("SCHILY.xattr.{}", String::from_utf8_lossy(&name)),
                    value,
                )
            })
            .collect();
        if !found.is_empty() {
            let pairs = found
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_slice()));
            self.builder.append_pax_extensions(pairs)?;
        }
        Ok(())
    }
}

fn header_of(meta: &Metadata) -> Header {
    let mut header = Header::new_gnu();
    header.set_mode(meta.mode() & 0o7777);
    header.set_uid(meta.uid().into());
    header.set_gid(meta.gid().into());
    header.set_mtime(meta.mtime().max(0) as u64);
    header.set_size(0);
    header
}

fn name_of(path: &Path) -> &[u8] {
    path.file_name().unwrap_or_default().as_bytes()
}

fn slashed(path: &Path) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    if !path.as_bytes().ends_with(b"/") {
        path.push("/");
    }
    path.into()
}

fn is_opaque(dir: &Path) -> bool {
    let mut value = [0; 1];
    rustix::fs::getxattr(dir, opaque_attribute(), &mut value[..]).is_ok() && value == *b"y"
}

/// Hashes and counts what is written.
pub(super) struct Hashing<W> {
    inner: W,
    hash: Sha256,
    pub size: u64,
}

impl<W: Write> Hashing<W> {
    pub fn new(inner: W) -> Self {
        Self {
            inner,
            hash: Sha256::new(),
            size: 0,
        }
    }

    pub fn digest(&self) -> Digest {
        Digest::from_bytes(self.hash.clone().finalize().into())
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.inner.write(bytes)?;
        self.hash.update(&bytes[..length]);
        self.size += length as u64;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
