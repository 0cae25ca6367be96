//! PHP projects: images, their smoke tests, and what is said to broken ones.

mod broken;
mod builds;
mod git;
mod private;
mod running;

use std::fs;

use test_support::{Finished, Running};

use crate::fixture::{copy_tracked, module};
use crate::place::{LIMIT, Place};

const RUNTIME: &str = "examples/php-app/packages/lambda-runtime";

/// A place with a copy of a project of this repository.
struct Project {
    place: Place,
    dir: &'static str,
    /// Of every run.
    variables: Vec<(String, String)>,
}

/// The example with the layout of a Craft CMS project.
fn craft() -> Project {
    Project::copy("examples/php-app")
}

/// A project without a `craft-cloud.yaml`.
fn slim() -> Project {
    let project = Project::copy("tests/e2e/fixtures/slim-app");
    // Of the example; both need it in their own directory.
    copy_tracked(&project.place, RUNTIME);
    let to = project
        .place
        .path(project.dir)
        .join("packages/lambda-runtime");
    fs::rename(project.place.path(RUNTIME), to).expect("the runtime");
    project
}

impl Project {
    fn copy(dir: &'static str) -> Self {
        let place = Place::new();
        copy_tracked(&place, dir);
        Self {
            place,
            dir,
            variables: Vec::new(),
        }
    }

    /// Runs a shell script in the project, `php-build` in it being the module.
    fn shell(&self, script: &str) -> Finished {
        let module = module("php-build");
        let script = script.replace("php-build", &module.display().to_string());
        let mut command = self
            .place
            .command(&["shell", "--progress", "plain", "-c", &script]);
        command
            .current_dir(self.place.path(self.dir))
            .envs(self.variables.iter().cloned());
        Running::to_end(&mut command, "", LIMIT).expect("a run")
    }

    /// The same, expecting success: what is printed.
    #[track_caller]
    fn says(&self, script: &str) -> String {
        let done = self.shell(script);
        assert_eq!(done.code, 0, "`{script}` fails:\n{}", done.stderr());
        done.stdout()
    }

    /// The same, expecting an error that says all of `words`.
    #[track_caller]
    fn refuses(&self, script: &str, words: &[&str]) -> Finished {
        let done = self.shell(script);
        self.place.failed(&done, words);
        done
    }

    fn write(&self, file: &str, contents: impl AsRef<[u8]>) {
        self.place.write(&format!("{}/{file}", self.dir), contents);
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.place.path(self.dir).join(file)).expect("a file")
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = self.read(file);
        assert!(text.contains(from), "no `{from}` in {file}");
        self.write(file, text.replace(from, to));
    }

    fn remove(&self, file: &str) {
        fs::remove_file(self.place.path(self.dir).join(file)).expect("a removal");
    }
}

/// Whether plain progress says that a command ran, and was not taken from the cache.
fn ran(done: &Finished, command: &str) -> bool {
    let stderr = done.stderr();
    let mut numbers = stderr.lines().filter_map(|line| {
        let (number, name) = line.split_once(' ')?;
        name.starts_with(command).then_some(number)
    });
    numbers.any(|number| !stderr.contains(&format!("{number} CACHED")))
}
