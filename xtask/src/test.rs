//! Everything that must hold, in the order of what it costs.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use clap::Args;
use eyre::{OptionExt, Result, WrapErr, bail};
use xshell::cmd;

use crate::project::Project;
use crate::{deny, setup, tools};

/// Check format, lints and licences, and run all tests.
///
/// With arguments only tests run, and the arguments go to `cargo test`:
/// `cargo xtask test -p conformance -- 231`.
#[derive(Args)]
pub struct Test {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

impl Test {
    pub fn run(&self, project: &Project) -> Result<()> {
        let packages = [setup::PONIARD, setup::PYTHON, setup::TESTS, setup::REGISTRY];
        setup::install(&project.sh, &packages)?;
        let mut failed = Vec::new();
        tell_disk(project);
        if self.args.is_empty() {
            step(&mut failed, "format", || format(project));
            step(&mut failed, "lints", || lints(project));
            step(&mut failed, "licences and sources", || deny::check(project));
        }
        let prepared = step(
            &mut failed,
            "build poniard and the image of the tests",
            || prepare(project),
        );
        let prepared = prepared
            & step(&mut failed, "tools of the tests", || {
                tools::node(project)?;
                tools::python(project)
            });
        if prepared {
            let mut names = Vec::new();
            step(&mut failed, "tests", || {
                names = self.tests(project)?;
                if names.is_empty() {
                    Ok(())
                } else {
                    bail!("{} failed", names.len())
                }
            });
            failed.extend(names.into_iter().map(|name| format!("  {name}")));
        }
        tell_disk(project);
        if !failed.is_empty() {
            bail!("failed:\n  {}", failed.join("\n  "));
        }
        Ok(())
    }

    /// Runs the tests; gives the names of those that failed.
    fn tests(&self, project: &Project) -> Result<Vec<String>> {
        let mut command = Command::new("cargo");
        command
            .args(["test", "--no-fail-fast"])
            .current_dir(&project.root);
        if !self
            .args
            .iter()
            .any(|arg| arg == "-p" || arg.starts_with("--package"))
        {
            command.arg("--workspace");
        }
        let mut running = command
            .args(&self.args)
            .env("PONIARD_STATE", &project.state)
            .stdout(Stdio::piped())
            .spawn()
            .wrap_err("cannot run `cargo test`")?;
        let mut failed = Vec::new();
        for line in BufReader::new(running.stdout.take().ok_or_eyre("no output")?).lines() {
            let line = line?;
            failed.extend(failed_test(&line).map(str::to_owned));
            println!("{line}");
        }
        let status = running.wait()?;
        if !status.success() && failed.is_empty() {
            bail!("`cargo test` failed ({status})");
        }
        Ok(failed)
    }
}

/// Runs a step, with its name and time; notes it when it failed.
fn step(failed: &mut Vec<String>, name: &str, run: impl FnOnce() -> Result<()>) -> bool {
    eprintln!("== {name}");
    let started = Instant::now();
    let done = run();
    let seconds = started.elapsed().as_secs_f64();
    match &done {
        Ok(()) => eprintln!("== {name}: well, {seconds:.0} s"),
        Err(error) => {
            eprintln!("== {name}: FAILED, {seconds:.0} s: {error:#}");
            failed.push(name.to_owned());
        }
    }
    done.is_ok()
}

/// What is left of the disk, first and last: a test that fails for lack of it
/// seldom says so.
fn tell_disk(project: &Project) {
    if let Ok(disk) = rustix::fs::statvfs(&project.root) {
        let free = disk.f_bavail.saturating_mul(disk.f_frsize) / 1_000_000_000;
        eprintln!("== disk: {free} GB free; all tests need about 20 GB");
    }
}

fn format(project: &Project) -> Result<()> {
    Ok(cmd!(project.sh, "cargo fmt --all --check").run()?)
}

fn lints(project: &Project) -> Result<()> {
    Ok(cmd!(
        project.sh,
        "cargo clippy --quiet --workspace --all-targets -- -D warnings"
    )
    .run()?)
}

/// What end-to-end tests run, and the image they all start from: made once,
/// before tests compete for the processor.
fn prepare(project: &Project) -> Result<()> {
    if env::var_os("PONIARD_TEST_CLI").is_some() {
        return Ok(());
    }
    // With the whole workspace, so that dependencies get the same features as
    // in the tests and are not built twice.
    cmd!(project.sh, "cargo build --workspace --bins").run()?;
    let script = "container | from debian:bookworm-slim | sync";
    let status = project
        .built("debug")
        .command()
        .args(["-M", "-c", script])
        .stdout(Stdio::null())
        .status();
    let status = status.wrap_err("cannot run poniard")?;
    if !status.success() {
        bail!("poniard cannot make `debian:bookworm-slim` ({status})");
    }
    Ok(())
}

/// The name in a line of a test harness that says that a test failed.
fn failed_test(line: &str) -> Option<&str> {
    let line = line.strip_prefix("test ")?.strip_suffix("FAILED")?;
    Some(line.trim_end().strip_suffix("...")?.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_tests_are_known_by_their_line() {
        assert_eq!(failed_test("test cli::bad ... FAILED"), Some("cli::bad"));
        assert_eq!(
            failed_test("test [pending] 012-x   ... FAILED"),
            Some("[pending] 012-x")
        );
        assert_eq!(failed_test("test cli::good ... ok"), None);
        assert_eq!(failed_test("test result: FAILED. 1 passed; 1 failed"), None);
    }
}
