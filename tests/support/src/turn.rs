//! Who runs beside whom. Tests that look for leftovers in the shared state need
//! it to themselves; all others run side by side, over all test processes.

use std::fs::{self, File};
use std::io;

use crate::place::target_dir;

/// Ends the turn when dropped.
#[must_use]
pub struct Turn(#[allow(dead_code, reason = "held, not read")] File);

/// Beside others.
pub fn shared() -> io::Result<Turn> {
    let file = open()?;
    file.lock_shared()?;
    Ok(Turn(file))
}

/// Alone.
pub fn alone() -> io::Result<Turn> {
    let file = open()?;
    file.lock()?;
    Ok(Turn(file))
}

fn open() -> io::Result<File> {
    let dir = target_dir();
    fs::create_dir_all(&dir)?;
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join("poniard-tests.lock"))
}
