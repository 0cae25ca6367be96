//! Blocks of a page, run one after another as a reader would.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;
use test_support::{Finished, Running};

use crate::place::{LIMIT, Place};

/// A fenced block: what stands after "```", and its text.
#[derive(Debug)]
pub struct Block {
    pub kind: String,
    pub text: String,
}

pub fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in page.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(kind), None) => {
                open = Some(Block {
                    kind: kind.to_owned(),
                    text: String::new(),
                });
            }
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

/// A shell that finds the CLI under test as `dagger`, and goes on where the last
/// block ended.
pub struct Shell<'a> {
    place: &'a Place,
    variables: Vec<(String, String)>,
    bin: TempDir,
}

impl<'a> Shell<'a> {
    pub fn new(place: &'a Place, variables: Vec<(String, String)>) -> Self {
        let bin = tempfile::tempdir().expect("a directory");
        for name in ["dagger", "poniard"] {
            symlink(place.cli.program(), bin.path().join(name)).expect("a link");
        }
        let cargo = bin.path().join("cargo");
        fs::write(&cargo, CARGO).expect("written");
        fs::set_permissions(&cargo, Permissions::from_mode(0o755)).expect("may be run");
        let shell = Self {
            place,
            variables,
            bin,
        };
        shell.stay(place.path(""));
        shell
    }

    /// The next block starts there.
    pub fn stay(&self, dir: PathBuf) {
        fs::write(self.at(), dir.display().to_string()).expect("written");
    }

    fn at(&self) -> PathBuf {
        self.bin.path().join("at")
    }

    /// Where the last block ended.
    pub fn dir(&self) -> PathBuf {
        fs::read_to_string(self.at()).expect("a path").trim().into()
    }

    /// Runs the blocks `sh` of a page; what the next block `text` shows, the last
    /// must have said. A block `rust` is where `code` is laid out. Gives how many
    /// results there were.
    #[track_caller]
    pub fn follow(&self, blocks: &[Block], code: impl Fn()) -> usize {
        let mut said = String::new();
        let mut shown = 0;
        for Block { kind, text } in blocks {
            match kind.as_str() {
                "sh" => said = self.run(text).stdout(),
                "text" => {
                    shown += 1;
                    for line in text.lines() {
                        assert!(said.contains(line), "`{line}` is not in:\n{said}");
                    }
                }
                "rust" => code(),
                // For root of a machine that is to be changed.
                "console" => {}
                // Read by others: tests of components, of settings.
                "" | "toml" | "yaml" => {}
                other => panic!("a block of an unknown kind: {other}"),
            }
        }
        shown
    }

    /// Runs a block; it must succeed.
    #[track_caller]
    pub fn run(&self, block: &str) -> Finished {
        let script = format!("{block}\npwd > '{}'\n", self.at().display());
        let mut shell = Command::new("sh");
        shell.args(["-eu", "-c", &script]).current_dir(self.dir());
        for (name, value) in self.place.command(&[]).get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        let path = std::env::var("PATH").unwrap_or_default();
        let mut cargos = std::env::split_paths(&path).map(|dir| dir.join("cargo"));
        let cargo = cargos.find(|cargo| cargo.is_file()).expect("cargo");
        shell
            .env("TRUE_CARGO", cargo)
            .env("PATH", format!("{}:{path}", self.bin.path().display()))
            .envs(as_poniard_compiles(self.place))
            .envs(self.variables.clone())
            .envs(author());
        let done = Running::to_end(&mut shell, "", LIMIT).expect("a run");
        assert_eq!(done.code, 0, "{block}\n{}{}", done.stdout(), done.stderr());
        done
    }
}

/// A cargo that uses poniard's profile where none is named. With that, and these
/// settings, what poniard has compiled for other modules is not compiled again.
const CARGO: &str = r#"#!/bin/sh
command=$1
shift
case "$command $*" in
*--profile*) exec "$TRUE_CARGO" "$command" "$@" ;;
run\ * | test\ *) exec "$TRUE_CARGO" "$command" --profile dagger "$@" ;;
*) exec "$TRUE_CARGO" "$command" "$@" ;;
esac
"#;

fn as_poniard_compiles(place: &Place) -> Vec<(&'static str, String)> {
    let target = place.state.join("cargo-target").display().to_string();
    vec![
        ("CARGO_TARGET_DIR", target),
        ("CARGO_BUILD_TARGET", "host-tuple".into()),
        ("RUSTFLAGS", "-C target-feature=+crt-static".into()),
        ("CARGO_NET_GIT_FETCH_WITH_CLI", "true".into()),
    ]
}

/// Whom git names in commits.
fn author() -> [(&'static str, &'static str); 4] {
    [
        ("GIT_AUTHOR_NAME", "tests"),
        ("GIT_AUTHOR_EMAIL", "tests@example.com"),
        ("GIT_COMMITTER_NAME", "tests"),
        ("GIT_COMMITTER_EMAIL", "tests@example.com"),
    ]
}
