//! Runs a case in a fresh working directory.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use test_support::{Cli, Running};
use walkdir::WalkDir;

use crate::case::{Case, Step};
use crate::listing::{difference, listing};
use crate::words::{Words, decode};

/// For one command of a case.
pub const LIMIT: Duration = Duration::from_secs(120);

/// What a case gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub stdout: String,
    /// The last exit code and a newline, as in the recordings.
    pub exit: String,
    pub tree: String,
    pub stderr: String,
}

/// Runs `case`; each command may take as long as `limit`.
pub fn run(case: &Case, cli: &Cli, sink: &Path, limit: Duration) -> io::Result<Outcome> {
    let top = tempfile::Builder::new().prefix("conformance-").tempdir()?;
    let outcome = run_in(top.path(), case, cli, sink, limit);
    unlock(top.path());
    outcome
}

fn run_in(top: &Path, case: &Case, cli: &Cli, sink: &Path, limit: Duration) -> io::Result<Outcome> {
    let (work, home) = (top.join("work"), top.join("home"));
    fs::create_dir(&work)?;
    fs::create_dir(&home)?;
    let words = Words::new(sink, &work, nonce());
    if let Some(files) = case.files() {
        copy(&files, &work, &words)?;
    }
    let before = listing(&work)?;
    let cwd = case.read("cwd")?.unwrap_or_else(|| ".".into());
    let cwd = work.join(words.fill(cwd.trim()));
    let env = words.fill(&case.text("env")?);
    let args = words.fill(&case.text("args")?);

    let mut outcome = Outcome::default();
    let mut stdout = String::new();
    let mut code = 0;
    for step in case.steps()? {
        let (argv, stdin) = match step {
            Step::Argv(text) => (
                words.fill(&text).lines().map(str::to_owned).collect(),
                String::new(),
            ),
            Step::Script(text) => (shlex::split(&args).unwrap_or_default(), words.fill(&text)),
        };
        let mut command = cli.command();
        environment(&mut command, &home);
        command.envs(env.lines().filter_map(|line| line.split_once('=')));
        let done = Running::to_end(command.args(argv).current_dir(&cwd), stdin, limit)?;
        if done.late {
            outcome
                .stderr
                .push_str(&format!("no end after {} s\n", limit.as_secs()));
        } else {
            stdout.push_str(&decode(&done.stdout));
        }
        outcome.stderr.push_str(&decode(&done.stderr));
        code = done.code;
    }
    outcome.stdout = words.normalise(&stdout);
    outcome.exit = format!("{code}\n");
    outcome.tree = difference(&before, &listing(&work)?);
    Ok(outcome)
}

/// What the recordings were made with.
fn environment(command: &mut Command, home: &Path) {
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"XDG_") {
            command.env_remove(name);
        }
    }
    command.env("HOME", home).env("TERM", "dumb");
    command
        .env("NO_COLOR", "1")
        .env("DO_NOT_TRACK", "1")
        .env("DAGGER_NO_NAG", "1");
}

/// Copies the inputs, with the modes that a checkout under umask 022 has.
fn copy(files: &Path, work: &Path, words: &Words) -> io::Result<()> {
    for entry in WalkDir::new(files).min_depth(1) {
        let entry = entry?;
        let name = entry.path().strip_prefix(files).unwrap_or(entry.path());
        let to = work.join(name);
        if entry.path_is_symlink() {
            symlink(fs::read_link(entry.path())?, to)?;
        } else if entry.file_type().is_dir() {
            fs::create_dir(&to)?;
            fs::set_permissions(&to, Permissions::from_mode(0o755))?;
        } else {
            let executable = entry.metadata()?.permissions().mode() & 0o100 != 0;
            let template = to.extension().is_some_and(|extension| extension == "in");
            let to = if template { to.with_extension("") } else { to };
            if template {
                fs::write(&to, words.fill(&fs::read_to_string(entry.path())?))?;
            } else {
                fs::copy(entry.path(), &to)?;
            }
            fs::set_permissions(
                &to,
                Permissions::from_mode(if executable { 0o755 } else { 0o644 }),
            )?;
        }
    }
    Ok(())
}

/// A word that no earlier run has used.
fn nonce() -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    format!(
        "{:012x}",
        (now.as_nanos() as u64 ^ u64::from(std::process::id()) << 32) & 0xffff_ffff_ffff
    )
}

/// Lets the directory be removed whatever the case did to its modes.
fn unlock(top: &Path) {
    for entry in WalkDir::new(top)
        .into_iter()
        .flatten()
        .filter(|entry| entry.file_type().is_dir())
    {
        let _ = fs::set_permissions(entry.path(), Permissions::from_mode(0o700));
    }
}
