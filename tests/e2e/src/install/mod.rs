//! The modules of this repository in other repositories: got from git and from
//! paths, reached by name, updated and removed.

mod checkout;
mod clients;
mod documented;
mod edits;
mod failures;
mod monorepo;
mod passwords;
mod toolchains;
mod transports;

use std::fs;
use std::path::Path;

use serde_json::Value as Json;
use test_support::{Finished, Running};
use walkdir::WalkDir;

use crate::place::{LIMIT, Place, readable};

/// Where the published modules are, to those who know the way.
const HTTP: &str = "http://git.test/poniard.git";

/// A fresh repository with a module `shop` that has no code.
struct Project {
    place: Place,
    /// How git finds the host `git.test`.
    variables: Vec<(String, String)>,
}

impl Project {
    fn new(variables: Vec<(String, String)>) -> Self {
        let place = Place::new();
        let project = Self { place, variables };
        project.gives(&["init", "--name", "shop"]);
        project
    }

    /// Runs in a directory of the project.
    fn run_in(&self, dir: &str, args: &[&str]) -> Finished {
        let dir = self.place.path(dir);
        fs::create_dir_all(&dir).expect("a directory");
        let mut command = self.place.command(args);
        command.current_dir(dir).envs(self.variables.clone());
        Running::to_end(&mut command, "", LIMIT).expect("a run")
    }

    /// What a run says that succeeds.
    #[track_caller]
    fn gives(&self, args: &[&str]) -> String {
        self.gives_in("", args)
    }

    #[track_caller]
    fn gives_in(&self, dir: &str, args: &[&str]) -> String {
        let done = self.run_in(dir, args);
        assert_eq!(done.code, 0, "{args:?} in `{dir}`:\n{}", done.stderr());
        done.stdout()
    }

    /// Runs, and expects one clear error that says all of `words`, and that
    /// nothing in the project is changed.
    #[track_caller]
    fn refuses(&self, args: &[&str], words: &[&str]) -> Finished {
        let before = self.files();
        let done = self.run_in("", args);
        refused(&done, words);
        assert_eq!(self.files(), before, "{args:?} leaves something behind");
        self.place.nothing_is_left();
        done
    }

    /// All files but git's, with what is in them.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let root = self.place.path("");
        let walk = WalkDir::new(&root).sort_by_file_name().into_iter();
        walk.filter_entry(|entry| entry.file_name() != ".git")
            .map(|entry| entry.expect("an entry").into_path())
            .filter(|path| path.is_file())
            .map(|path| (path.display().to_string(), fs::read(&path).expect("a file")))
            .collect()
    }

    fn manifest(&self) -> Json {
        manifest(&self.place.path(""))
    }

    /// Name, source and pin of each dependency.
    fn dependencies(&self) -> Vec<[String; 3]> {
        listed(&self.manifest(), "dependencies")
    }
}

/// What is expected of every error.
#[track_caller]
fn refused(done: &Finished, words: &[&str]) {
    let stderr = done.stderr();
    assert!(!done.late, "it does not end:\n{stderr}");
    assert_ne!(done.code, 0, "it succeeds:\n{}{stderr}", done.stdout());
    readable(done);
    let errors = stderr.lines().filter(|line| line.starts_with("Error: "));
    assert_eq!(errors.count(), 1, "not one error:\n{stderr}");
    for word in words {
        assert!(stderr.contains(word), "`{word}` is not said:\n{stderr}");
    }
}

fn manifest(dir: &Path) -> Json {
    let text = fs::read_to_string(dir.join("dagger.json")).expect("a dagger.json");
    serde_json::from_str(&text).expect("JSON")
}

fn listed(manifest: &Json, list: &str) -> Vec<[String; 3]> {
    let entries = manifest[list].as_array().cloned().unwrap_or_default();
    let text = |entry: &Json, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    let all = |entry: &Json| ["name", "source", "pin"].map(|key| text(entry, key));
    entries.iter().map(all).collect()
}
