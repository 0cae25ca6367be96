//! Programs that others have written.

use std::path::Path;
use std::process::{Command, Stdio};

use super::Finding;
use crate::programs::find;

/// The first line of what it says of its version, and where it is.
fn described(program: &Path, flag: &str) -> Option<String> {
    let done = Command::new(program)
        .arg(flag)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    let line = text.lines().next().unwrap_or_default().trim();
    let is_fine = done.status.success();
    is_fine.then(|| format!("{line} ({})", program.display()))
}

/// What runs containers.
pub fn runtime() -> Finding {
    const NAME: &str = "runtime";
    const MEND: &str = "install one: `apt-get install runc`";
    let Some(program) = ["runc", "crun"].into_iter().find_map(find) else {
        return Finding::bad(NAME, "neither `runc` nor `crun` is in PATH", MEND);
    };
    match described(&program, "--version") {
        Some(found) => Finding::good(NAME, found),
        None => Finding::bad(
            NAME,
            format!("`{}` does not start", program.display()),
            MEND,
        ),
    }
}

/// What lets containers of an ordinary user reach the network.
pub fn user_network() -> Finding {
    const NAME: &str = "user network";
    const MEND: &str = "install it: `apt-get install slirp4netns`";
    match find("slirp4netns").map(|program| described(&program, "--version")) {
        Some(Some(found)) => Finding::good(NAME, found),
        Some(None) => Finding::bad(NAME, "`slirp4netns` does not start", MEND),
        None => Finding::bad(
            NAME,
            "`slirp4netns` is not in PATH: containers reach no network",
            MEND,
        ),
    }
}

/// What only some pipelines need.
pub fn wanted(name: &'static str, program: &str, without: &str, mend: &str) -> Finding {
    match find(program).map(|program| described(&program, "--version")) {
        Some(Some(found)) => Finding::good(name, found),
        Some(None) => Finding::poor(name, format!("`{program}` does not start: {without}"), mend),
        None => Finding::poor(name, format!("`{program}` is not in PATH: {without}"), mend),
    }
}
