//! The command line interface under test.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::place::{repository, state_dir};

/// What the tests run: the command line in `PONIARD_TEST_CLI` (`dagger`, say;
/// a relative path counts from the root of the repository), by default the
/// `poniard` that lies beside the running test in the target directory.
#[derive(Clone, Debug)]
pub struct Cli {
    words: Vec<OsString>,
    built_here: bool,
}

impl Cli {
    pub fn under_test() -> Result<Self, String> {
        match env::var("PONIARD_TEST_CLI") {
            Ok(line) if !line.trim().is_empty() => Self::from_line(&line),
            _ => Self::built(),
        }
    }

    /// A command line in the syntax of a POSIX shell.
    pub fn from_line(line: &str) -> Result<Self, String> {
        let mut words =
            shlex::split(line).ok_or_else(|| format!("cannot split `{line}` into words"))?;
        match words.first_mut() {
            None => return Err("`PONIARD_TEST_CLI` names no command".into()),
            Some(program) if program.contains('/') => {
                *program = repository().join(&program).to_string_lossy().into_owned();
            }
            Some(_) => {}
        }
        Ok(Self {
            words: words.into_iter().map(OsString::from).collect(),
            built_here: false,
        })
    }

    fn built() -> Result<Self, String> {
        let exe = env::current_exe().map_err(|e| format!("cannot find the running test: {e}"))?;
        let poniard = exe
            .ancestors()
            .nth(2)
            .map(|dir| dir.join("poniard"))
            .unwrap_or_default();
        if !poniard.exists() {
            let poniard = poniard.display();
            return Err(format!(
                "no `{poniard}`: run `cargo build -p poniard`, or set `PONIARD_TEST_CLI`"
            ));
        }
        Ok(Self {
            words: vec![poniard.into()],
            built_here: true,
        })
    }

    /// The poniard of this repository, as opposed to a CLI named by the user.
    pub fn is_built_here(&self) -> bool {
        self.built_here
    }

    /// The program itself.
    pub fn program(&self) -> PathBuf {
        PathBuf::from(&self.words[0])
    }

    /// The same, started by another program: `["unshare", "--net"]`, say.
    pub fn under(&self, wrapper: &[&str]) -> Self {
        let mut words: Vec<OsString> = wrapper.iter().map(OsString::from).collect();
        words.extend(self.words.iter().cloned());
        Self {
            words,
            built_here: self.built_here,
        }
    }

    /// The same with the program at another place.
    pub fn at(&self, program: &Path) -> Self {
        let mut moved = self.clone();
        moved.words[0] = program.into();
        moved
    }

    /// A command with the tests' state directory and the repository's image
    /// recipes, free of what Cargo puts into the environment of tests.
    pub fn command(&self) -> Command {
        self.command_in(&state_dir())
    }

    /// The same with a state directory of its own.
    pub fn command_in(&self, state: &Path) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]);
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(set_by_cargo) {
                command.env_remove(name);
            }
        }
        command.env("PONIARD_STATE", state);
        command.env("PONIARD_CONFIG", repository().join("poniard.toml"));
        command
    }
}

/// Whether `cargo test` (or rustup's proxy before it) sets this variable.
fn set_by_cargo(name: &str) -> bool {
    const EXACT: [&str; 6] = [
        "CARGO",
        "CARGO_CRATE_NAME",
        "CARGO_PRIMARY_PACKAGE",
        "LD_LIBRARY_PATH",
        "OUT_DIR",
        "RUST_RECURSION_COUNT",
    ];
    const PREFIXES: [&str; 3] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"];
    EXACT.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_program_counts_from_the_root_of_the_repository() {
        let cli = Cli::from_line("./some/poniard --flag 'two words'").expect("a command line");
        assert_eq!(cli.program(), repository().join("./some/poniard"));
        assert_eq!(cli.words[1..], ["--flag", "two words"]);
    }

    #[test]
    fn a_bare_name_is_left_to_the_search_path() {
        let cli = Cli::from_line("dagger").expect("a command line");
        assert_eq!(cli.program(), Path::new("dagger"));
    }

    #[test]
    fn an_unclosed_quote_is_refused() {
        assert!(Cli::from_line("dagger 'x").is_err());
    }

    #[test]
    fn commands_do_not_see_the_variables_of_cargo() {
        let command = Cli::from_line("x").expect("a command line").command();
        let removed = |name: &str| {
            command
                .get_envs()
                .any(|(key, value)| key == name && value.is_none())
        };
        assert!(removed("CARGO_MANIFEST_DIR") && removed("CARGO_PKG_NAME"));
    }
}
