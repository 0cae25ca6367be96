//! Temporary files in directories of the user, beside what they replace. Where
//! they may be lies in `tmp/<session>/exports`, for the next session to remove
//! what a killed process left.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tempfile::NamedTempFile;

/// Ends a path in the file: no path has it.
const END: u8 = 0;

/// Makes the temporary files of one process.
pub(crate) struct Exports {
    prefix: String,
    notes: Mutex<(File, HashSet<PathBuf>)>,
}

impl Exports {
    /// None yet, in the directory of a session.
    pub(super) fn begin(session: &Path) -> io::Result<Self> {
        let file = File::options()
            .create(true)
            .append(true)
            .open(session.join("exports"))?;
        Ok(Self {
            prefix: prefix(session),
            notes: Mutex::new((file, HashSet::new())),
        })
    }

    /// A file of mode 0600 in the directory that will have `dest`.
    pub fn beside(&self, dest: &Path) -> io::Result<NamedTempFile> {
        let parent = dest.parent().filter(|dir| !dir.as_os_str().is_empty());
        let dir = parent.unwrap_or(Path::new(".")).canonicalize()?;
        {
            let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
            let (file, known) = &mut *notes;
            if !known.contains(&dir) {
                // In front as well: it ends one that did not fit on the disk.
                let note = [&[END], dir.as_os_str().as_bytes(), &[END]].concat();
                // A state that is full does not keep anybody from an export.
                if file.write_all(&note).is_ok() {
                    known.insert(dir.clone());
                }
            }
        }
        tempfile::Builder::new()
            .prefix(&self.prefix)
            .tempfile_in(dir)
    }
}

/// Removes the temporary files that the process of a session has left.
pub(super) fn clear(session: &Path) {
    let notes = std::fs::read(session.join("exports")).unwrap_or_default();
    let prefix = prefix(session);
    for dir in notes.split(|byte| *byte == END) {
        // A relative one is what was cut off.
        let dir = Path::new(OsStr::from_bytes(dir));
        let files = dir.is_absolute().then(|| std::fs::read_dir(dir));
        for file in files.into_iter().flatten().flatten().flatten() {
            let is_ours = file.file_name().as_bytes().starts_with(prefix.as_bytes());
            if is_ours && file.file_type().is_ok_and(|kind| kind.is_file()) {
                let _ = std::fs::remove_file(file.path());
            }
        }
    }
}

/// Of the names of all its files: no other session has it.
fn prefix(session: &Path) -> String {
    let name = session.file_name().unwrap_or_default().to_string_lossy();
    format!(".export-{name}-")
}
