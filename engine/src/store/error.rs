//! Errors about files, with the path and the system's reason in words.

use std::io;
use std::path::{Path, PathBuf};

use eyre::Report;

/// Why an operation on a path failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{path}`: {cause}")]
pub struct PathError {
    pub action: &'static str,
    pub path: String,
    pub cause: Cause,
}

/// What callers tell apart.
#[derive(Debug)]
pub enum Cause {
    /// There is no such file.
    Missing,
    /// A file where a directory was expected.
    IsFile,
    /// A directory where a file was expected.
    IsDirectory,
    /// What the system said.
    System(io::Error),
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing => f.write_str("no such file or directory"),
            Self::IsFile => f.write_str("it is a file, not a directory"),
            Self::IsDirectory => f.write_str("it is a directory"),
            Self::System(error) => f.write_str(&reason(error)),
        }
    }
}

impl PathError {
    pub fn new(action: &'static str, path: impl AsRef<Path>, error: impl Into<io::Error>) -> Self {
        let error = error.into();
        let cause = match error.kind() {
            io::ErrorKind::NotFound => Cause::Missing,
            io::ErrorKind::NotADirectory => Cause::IsFile,
            io::ErrorKind::IsADirectory => Cause::IsDirectory,
            _ => Cause::System(error),
        };
        Self {
            action,
            path: path.as_ref().display().to_string(),
            cause,
        }
    }

    pub fn is_missing(&self) -> bool {
        matches!(self.cause, Cause::Missing)
    }
}

/// The system's reason as a clause: lower case, without the error's number.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

/// Adds the action and the path to an error of the system.
pub(crate) trait PathContext<T> {
    fn at(self, action: &'static str, path: impl AsRef<Path>) -> Result<T, PathError>;
}

impl<T, E: Into<io::Error>> PathContext<T> for Result<T, E> {
    fn at(self, action: &'static str, path: impl AsRef<Path>) -> Result<T, PathError> {
        self.map_err(|error| PathError::new(action, path, error))
    }
}

/// A failure to write to the state directory that the user can do something about.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot write to the state directory `{root}`: {cause}; {next} or set PONIARD_STATE to a directory elsewhere",
    root = root.display(),
    next = if *is_full { "free space with `poniard prune` (`--volumes` takes cache volumes, too)" } else { "make it writable" }
)]
pub struct StateError {
    pub root: PathBuf,
    pub cause: String,
    pub is_full: bool,
}

/// Names the state directory when `error` comes from a full or read-only file system.
pub(crate) fn explain(root: &Path, error: Report) -> Report {
    match cause(&error) {
        Some((cause, is_full)) => StateError {
            root: root.to_owned(),
            cause,
            is_full,
        }
        .into(),
        None => error,
    }
}

/// Whether `error` comes from a full disk.
pub(super) fn is_full(error: &Report) -> bool {
    let told = error.chain().find_map(|e| e.downcast_ref::<StateError>());
    told.map_or_else(
        || cause(error).is_some_and(|(_, is_full)| is_full),
        |told| told.is_full,
    )
}

/// What the system said of a disk that cannot be written, and whether it is full.
fn cause(error: &Report) -> Option<(String, bool)> {
    error.chain().find_map(|error| {
        let system = error.downcast_ref::<io::Error>().or_else(|| {
            error
                .downcast_ref::<PathError>()
                .and_then(|error| match &error.cause {
                    Cause::System(error) => Some(error),
                    _ => None,
                })
        })?;
        let is_full = match system.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => true,
            io::ErrorKind::ReadOnlyFilesystem => false,
            _ => return None,
        };
        Some((reason(system), is_full))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_the_path_and_the_reason_in_words() {
        let error = std::fs::read("/no/where")
            .at("read", "no/where")
            .expect_err("it is missing");
        assert_eq!(
            error.to_string(),
            "cannot read `no/where`: no such file or directory"
        );
        assert!(error.is_missing());
        let error = PathError::new("write", "x", rustix::io::Errno::PERM);
        assert_eq!(
            error.to_string(),
            "cannot write `x`: operation not permitted"
        );
    }

    #[test]
    fn a_full_disk_names_the_state_directory_and_what_to_do() {
        let error = PathError::new("write", "x", rustix::io::Errno::NOSPC);
        let error = explain(Path::new("/state"), Report::from(error).wrap_err("outer"));
        let text = error.to_string();
        assert!(text.contains("`/state`: no space left on device"), "{text}");
        assert!(text.contains("PONIARD_STATE"), "{text}");
    }
}
