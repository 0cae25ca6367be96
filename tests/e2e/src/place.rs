//! A fresh directory to work in, and what is asked of every run there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;
use test_support::turn::{self, Turn};
use test_support::{Cli, Finished, Running, leftovers, state_dir, target_dir};
use walkdir::WalkDir;

/// For one command: it may have to make an image or build a module.
pub const LIMIT: Duration = Duration::from_secs(10 * 60);

/// For what happens by itself, and at once unless the machine has much to do.
pub const GRACE: Duration = Duration::from_secs(2 * 60);

/// A working directory that is a git repository of its own, used alone; with the
/// state directory of all tests unless the test sets another.
pub struct Place {
    pub cli: Cli,
    pub state: PathBuf,
    dir: PathBuf,
    _temporary: Option<TempDir>,
    _turn: Turn,
}

impl Place {
    pub fn new() -> Self {
        Self::in_turn(turn::alone().expect("a turn"))
    }

    /// Beside others, for a test that does not look at what is left behind.
    pub fn beside_others() -> Self {
        Self::in_turn(turn::shared().expect("a turn"))
    }

    fn in_turn(turn: Turn) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("e2e-")
            .tempdir()
            .expect("a directory");
        Self::in_directory(dir.path().to_path_buf(), Some(dir), turn)
    }

    /// At a path that is the same in every run, so that Cargo knows again what
    /// lies there.
    pub fn at_fixed_path(name: &str) -> Self {
        let turn = turn::alone().expect("a turn");
        let dir = target_dir().join("poniard-e2e").join(name);
        if dir.exists() {
            fs::remove_dir_all(&dir).expect("a removal");
        }
        fs::create_dir_all(&dir).expect("a directory");
        Self::in_directory(dir, None, turn)
    }

    fn in_directory(dir: PathBuf, temporary: Option<TempDir>, turn: Turn) -> Self {
        let status = Command::new("git")
            .args(["init", "--quiet"])
            .arg(&dir)
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "`git init` failed"
        );
        Self {
            cli: Cli::under_test().expect("a CLI"),
            state: state_dir(),
            dir,
            _temporary: temporary,
            _turn: turn,
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Writes a file, with the directories above it.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, contents).expect("a file");
    }

    /// A command of the CLI in this directory.
    pub fn command(&self, args: &[&str]) -> Command {
        self.command_of(&self.cli, args)
    }

    pub fn command_of(&self, cli: &Cli, args: &[&str]) -> Command {
        let mut command = cli.command_in(&self.state);
        command.args(args).current_dir(&self.dir);
        command
            .env("NO_COLOR", "1")
            .env("DO_NOT_TRACK", "1")
            .env("DAGGER_NO_NAG", "1");
        command
    }

    pub fn run(&self, args: &[&str]) -> Finished {
        Running::to_end(&mut self.command(args), "", LIMIT).expect("a run")
    }

    /// Runs, and expects one clear error that says all of `words`, and that
    /// everything is as before.
    #[track_caller]
    pub fn fails(&self, args: &[&str], words: &[&str]) -> Finished {
        let done = self.run(args);
        self.failed(&done, words);
        done
    }

    /// What is expected of a run that failed.
    #[track_caller]
    pub fn failed(&self, done: &Finished, words: &[&str]) {
        let stderr = done.stderr();
        assert!(!done.late, "it does not end:\n{stderr}");
        assert_ne!(done.code, 0, "it succeeds:\n{}{stderr}", done.stdout());
        readable(done);
        let errors = stderr
            .lines()
            .filter(|line| line.starts_with("Error: "))
            .count();
        assert_eq!(errors, 1, "not one error:\n{stderr}");
        for word in words {
            assert!(stderr.contains(word), "`{word}` is not said:\n{stderr}");
        }
        self.nothing_is_left();
        self.works();
    }

    /// No mount, process, interface or control group.
    #[track_caller]
    pub fn nothing_is_left(&self) {
        // The kernel takes its time for networks that nobody has any more.
        let left = leftovers::after(&self.state, GRACE);
        assert!(left.is_empty(), "left behind:\n{}", left.join("\n"));
    }

    /// Begins a script with a container of a few megabytes in which `sh`, `cat`,
    /// `head` and `sleep` run, for a state directory that is small or new.
    pub fn small_container(&self) -> String {
        let script = "container | from debian:bookworm-slim | with-exec -- sh -c 'mkdir /small && cd /usr/bin && \
             cp --parents /bin/sh /bin/cat /bin/head /bin/sleep /usr/bin/dash \
             $(ldd sh cat head sleep | grep -o \"/[^ :]*\" | sort -u) /small' \
             | directory /small | export small";
        let done = self.run(&["-M", "-c", script]);
        assert_eq!(done.code, 0, "no small container:\n{}", done.stderr());
        "container | with-rootfs $(host | directory small)".to_owned()
    }

    /// The state directory is good: a container runs.
    #[track_caller]
    pub fn works(&self) {
        let script = format!(
            "container | from debian:bookworm-slim | with-exec -- echo {} | stdout",
            nonce()
        );
        let done = self.run(&["-M", "-c", &script]);
        assert_eq!(done.code, 0, "nothing works any more:\n{}", done.stderr());
    }
}

/// Fails when a file below `dir` that was written since has one of these words, also
/// compressed, or when nothing was written.
#[track_caller]
pub fn kept_out_of(dir: &Path, since: SystemTime, words: &[&str]) {
    let mut count = 0;
    for entry in WalkDir::new(dir).into_iter().flatten() {
        let written = entry.metadata().is_ok_and(|found| {
            found.is_file() && found.modified().is_ok_and(|modified| modified >= since)
        });
        let Some(mut bytes) = written.then(|| fs::read(entry.path()).ok()).flatten() else {
            continue;
        };
        if bytes.starts_with(&[0x1f, 0x8b]) {
            let done = Command::new("gzip").arg("-dc").arg(entry.path()).output();
            bytes = done.expect("gzip").stdout;
        }
        let found = words_in(&bytes, words);
        assert!(found.is_empty(), "{found:?} in {}", entry.path().display());
        count += 1;
    }
    assert!(count > 0, "nothing was written to {}", dir.display());
}

/// Those of the words that are there.
pub fn words_in<'a>(bytes: &[u8], words: &[&'a str]) -> Vec<&'a str> {
    let has = |word: &&&str| {
        let word = word.as_bytes();
        bytes.windows(word.len()).any(|part| part == word)
    };
    words.iter().filter(has).copied().collect()
}

/// Nothing in the output is meant for the authors of poniard.
#[track_caller]
pub fn readable(done: &Finished) {
    let stderr = done.stderr();
    for word in [
        "panicked at",
        "RUST_BACKTRACE",
        "stack backtrace",
        "not yet implemented",
    ] {
        assert!(
            !stderr.contains(word) && !done.stdout().contains(word),
            "it panics:\n{stderr}"
        );
    }
}

/// A word that no earlier run has used, so that nothing is in a cache.
pub fn nonce() -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    format!("n{:x}", now.as_nanos())
}

/// A path as an argument.
pub fn argument(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}
