//! Handing over to a real `dagger` CLI, when a real engine is meant.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use crate::client::Failure;
use crate::programs;

use super::argv::Line;

/// Variables that name a real engine.
const RUNNER_HOSTS: &[&str] = &["_EXPERIMENTAL_DAGGER_RUNNER_HOST", "DAGGER_RUNNER_HOST"];

/// Becomes `dagger` with the same words, if that is wanted.
///
/// # Errors
/// When there is no `dagger`.
pub fn consider(line: &Line) -> Result<(), Failure> {
    let (engine, words) = without_flag(&line.all, "--engine");
    let host = RUNNER_HOSTS
        .iter()
        .find(|name| std::env::var_os(name).is_some_and(|v| !v.is_empty()));
    let why = match (engine.as_deref(), host) {
        (Some("dagger"), _) => "--engine dagger".to_owned(),
        (None, Some(name)) => format!("the runner host in {name}"),
        _ => return Ok(()),
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = std::env::current_exe()
        .and_then(|exe| exe.canonicalize())
        .ok();
    let Some(dagger) = find(&path, own.as_deref()) else {
        let hint = "install it, or choose `--engine poniard`";
        return Err(Failure::new(format!(
            "{why} asks for the `dagger` CLI, which is not in PATH: {hint}"
        )));
    };
    let (trace, words) = without_flag(&words, "--trace");
    if trace.is_some() {
        // A job that says so for poniard works on both.
        let told = "--trace is of poniard's own engine: a Dagger Engine sends its spans to OTEL_EXPORTER_OTLP_ENDPOINT\n";
        let _ = std::io::Write::write_all(&mut std::io::stderr(), told.as_bytes());
    }
    let error = std::process::Command::new(&dagger).args(words).exec();
    Err(Failure::new(format!(
        "cannot run `{}`: {error}",
        dagger.display()
    )))
}

/// The value of a flag, and the words without it.
fn without_flag(words: &[String], flag: &str) -> (Option<String>, Vec<String>) {
    let mut given = None;
    let mut rest = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--" {
            rest.push(word.clone());
            break;
        }
        match word.strip_prefix(flag) {
            Some("") => given = words.next().cloned(),
            Some(value) if value.starts_with('=') => given = Some(value[1..].to_owned()),
            _ => rest.push(word.clone()),
        }
    }
    rest.extend(words.cloned());
    (given, rest)
}

/// The first `dagger` that is not this program under another name.
fn find(path: &std::ffi::OsStr, own: Option<&Path>) -> Option<PathBuf> {
    programs::all_in(path, "dagger").find(|file| file.canonicalize().ok().as_deref() != own)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_engine_flag_is_not_handed_over() {
        let words = |line: &str| -> Vec<String> { line.split(' ').map(str::to_owned).collect() };
        let cases = [
            ("--engine dagger call x", Some("dagger"), "call x"),
            ("call --engine=dagger x", Some("dagger"), "call x"),
            (
                "call x -- --engine dagger",
                None,
                "call x -- --engine dagger",
            ),
        ];
        for (line, engine, rest) in cases {
            assert_eq!(
                without_flag(&words(line), "--engine"),
                (engine.map(str::to_owned), words(rest)),
                "{line}"
            );
        }
    }

    #[test]
    fn a_link_to_this_program_is_no_dagger() {
        let (a, b) = (
            tempfile::tempdir().expect("a"),
            tempfile::tempdir().expect("b"),
        );
        let own = a.path().join("poniard");
        let program = |path: &Path| {
            std::fs::write(path, "").expect("written");
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(path, mode).expect("a mode");
        };
        program(&own);
        std::os::unix::fs::symlink(&own, a.path().join("dagger")).expect("linked");
        let path = std::env::join_paths([a.path(), b.path()]).expect("a path");
        let own = own.canonicalize().expect("there");
        assert_eq!(find(&path, Some(&own)), None);
        program(&b.path().join("dagger"));
        assert_eq!(find(&path, Some(&own)), Some(b.path().join("dagger")));
    }
}
