//! What a command must not leave behind: [`mounts`] and [`processes`] of its
//! state directory, and what poniard puts on the [`host`]. When no command runs
//! there must be nothing.

mod host;
mod mounts;
mod processes;

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// One line for each mount and each process that names the state directory, and
/// for each interface and control group whose poniard is gone; none is well. A
/// mount at the directory itself does not count.
pub fn of(state: &Path) -> Vec<String> {
    let mut found = mounts::of(state);
    found.extend(processes::of(state));
    found.extend(host::orphans());
    found
}

/// What is still there after `grace`; returns as soon as nothing is. The kernel
/// ends killed processes a moment after their parent.
pub fn after(state: &Path, grace: Duration) -> Vec<String> {
    let deadline = Instant::now() + grace;
    loop {
        let found = of(state);
        if found.is_empty() || Instant::now() >= deadline {
            return found;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Whether `name` occurs as a path: not as the beginning of a longer name.
fn contains(text: &[u8], name: &[u8]) -> bool {
    text.windows(name.len()).enumerate().any(|(at, window)| {
        let after = text.get(at + name.len());
        window == name
            && after.is_none_or(|byte| !(byte.is_ascii_alphanumeric() || b"-_.".contains(byte)))
    })
}
