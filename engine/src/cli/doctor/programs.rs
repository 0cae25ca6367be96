//! Programs that others have written.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::Finding;

/// A program by its name, as the engine finds it.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(name));
    found.into_iter().find(|file| is_executable(file))
}

fn is_executable(file: &std::path::Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata()
        .is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

/// The first line of what it says of its version, and where it is.
fn described(program: &std::path::Path, flag: &str) -> Option<String> {
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
    let Some(program) = ["runc", "crun"].iter().find_map(|name| find(name)) else {
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

/// What lets containers reach the network.
pub fn packet_filter() -> Finding {
    const NAME: &str = "packet filter";
    match find("nft").map(|nft| described(&nft, "--version")) {
        Some(Some(found)) => Finding::good(NAME, found),
        Some(None) => Finding::bad(
            NAME,
            "`nft` does not start",
            "install it anew: `apt-get install --reinstall nftables`",
        ),
        None => Finding::bad(
            NAME,
            "`nft` is not in PATH: containers reach no network",
            "install it: `apt-get install nftables`",
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
