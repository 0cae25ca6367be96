//! The process of an invocation, apart from the rest of the machine.

use eyre::{Result, WrapErr};

/// Stands in for `exec::isolate`, which is not there yet: gives only a private
/// directory, removed on drop.
pub fn isolate() -> Result<tempfile::TempDir> {
    tempfile::Builder::new()
        .prefix("poniard-")
        .tempdir()
        .wrap_err("cannot make a run directory")
}
