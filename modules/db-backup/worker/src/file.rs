//! The files that `dump` and `download` write.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use poniard_sdk::eyre::Report;
use poniard_sdk::prelude::*;

/// Makes a file, or none: half of one would take the engine's disk for as long as it
/// remembers the container.
pub fn whole<T>(path: &Path, make: impl FnOnce(File) -> Result<T>) -> Result<T> {
    let file = File::create(path).wrap_err("cannot create the file of the backup")?;
    make(file).map_err(|error| {
        let _ = fs::remove_file(path);
        if is_full(&error) {
            return error.wrap_err(
                "the disk that the engine keeps files on is full: make room there, or use `backup`, which takes none",
            );
        }
        error
    })
}

fn is_full(error: &Report) -> bool {
    let cause = error.root_cause().downcast_ref::<io::Error>();
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::StorageFull)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn nothing_stays_of_a_file_that_is_not_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let failed = whole(&path, |mut file| -> Result<()> {
            file.write_all(b"half")?;
            Err(io::Error::from(io::ErrorKind::StorageFull)).wrap_err("cannot write")
        });
        let error = format!("{:#}", failed.unwrap_err());
        assert!(
            error.contains("make room") && error.contains("cannot write"),
            "{error}"
        );
        assert!(!path.exists());
        whole(&path, |mut file| Ok(file.write_all(b"whole")?)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
    }

    #[test]
    fn another_error_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let failed = whole(&dir.path().join("file"), |_| -> Result<()> { bail!("no") });
        assert_eq!(format!("{:#}", failed.unwrap_err()), "no");
    }
}
