//! Cache volumes, and the secret of this state directory.

use std::io::{Read, Write};
use std::path::PathBuf;

use eyre::{Result, WrapErr};

use super::{Digest, Store};

impl Store {
    /// Directory of the cache volume `key`, made when missing.
    pub fn volume(&self, key: &Digest) -> Result<PathBuf> {
        let path = self.root().join("volumes").join(key.hex());
        // When it was last used, for `prune`.
        let mark = self.root().join("index/volumes").join(key.hex());
        self.note([&path])
            .and_then(|()| Ok(std::fs::create_dir_all(&path)?))
            .and_then(|()| self.write_state(&mark, b""))
            .map_err(|error| self.explain(error))
            .wrap_err_with(|| format!("cannot make the cache volume `{key}`"))?;
        Ok(path)
    }

    /// 32 random bytes, made once for a state directory: a key for
    /// fingerprints that tell nothing of what they stand for.
    pub fn secret_key(&self) -> Result<[u8; 32]> {
        let path = self.root().join("secret-key");
        self.read_secret(&path).or_else(|_| {
            let mut key = [0; 32];
            rustix::rand::getrandom(&mut key, rustix::rand::GetRandomFlags::empty())?;
            // Temporary files have mode 0600. Of several makers the first wins.
            let mut file = tempfile::NamedTempFile::new_in(self.session_dir())?;
            file.write_all(&key)?;
            match file.persist_noclobber(&path) {
                Ok(_) => Ok(key),
                Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
                    self.read_secret(&path)
                }
                Err(error) => Err(self.explain(error.error.into())),
            }
            .wrap_err_with(|| format!("cannot make `{}`", path.display()))
        })
    }

    fn read_secret(&self, path: &std::path::Path) -> Result<[u8; 32]> {
        let mut key = [0; 32];
        std::fs::File::open(path)?
            .read_exact(&mut key)
            .wrap_err_with(|| format!("cannot read `{}`: remove the file", path.display()))?;
        Ok(key)
    }
}
