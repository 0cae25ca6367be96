//! A repository on GitLab that includes components, and pipelines of it.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use test_support::{Finished, Running, repository, tools};

use crate::place::{LIMIT, Place, argument};

const ADDRESS: &str = "https://gitlab.example.com/acme/sites.git";

/// As GitLab numbers the project of gitlab-ci-local.
const PROJECT: &str = "1217";

/// Predefined variables that pipelines of these tests set.
const PREDEFINED: &str = "CI_COMMIT_BRANCH,CI_COMMIT_REF_PROTECTED,CI_JOB_URL,CI_PIPELINE_SOURCE,CI_PROJECT_ID,CI_SERVER_URL";

/// A repository with the components of this one, on its branch `main`.
pub struct Project {
    pub place: Place,
    /// Programs that jobs find before all others.
    programs: TempDir,
}

impl Project {
    /// With this `.gitlab-ci.yml`, committed and pushed.
    pub fn new(pipeline: &str) -> Self {
        Self::at(Place::beside_others(), pipeline)
    }

    pub fn at(place: Place, pipeline: &str) -> Self {
        let programs = TempDir::new().expect("a directory");
        let project = Self { place, programs };
        copy(
            &repository().join("templates"),
            &project.place.path("templates"),
        );
        project.place.write(".gitlab-ci.yml", pipeline);
        project
            .place
            .write(".gitignore", ".gitlab-ci-local/\ndist/\n*.env\n");
        project.git(&["symbolic-ref", "HEAD", "refs/heads/main"]);
        project.git(&["remote", "add", "origin", ADDRESS]);
        project.commit();
        project.pushed();
        project
    }

    /// Commits everything.
    pub fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&[
            "commit",
            "--quiet",
            "--allow-empty",
            "--message",
            "a change",
        ]);
    }

    /// What is committed from now on has changed as pipelines see it.
    pub fn pushed(&self) {
        self.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
        self.git(&[
            "symbolic-ref",
            "refs/remotes/origin/HEAD",
            "refs/remotes/origin/main",
        ]);
    }

    /// Writes a file and commits it.
    pub fn change(&self, name: &str, contents: &str) {
        self.place.write(name, contents);
        self.commit();
    }

    pub fn git(&self, args: &[&str]) -> String {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]);
        let done = command.args(args).current_dir(self.place.path("")).output();
        let done = done.expect("git");
        let stderr = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "git {args:?}: {stderr}");
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    /// All that is committed, in a repository on this machine to which the project's
    /// address leads from now on.
    pub fn origin(&self) -> TempDir {
        let bare = TempDir::new().expect("a directory");
        let origin = bare.path().join("acme/sites.git");
        self.git(&["clone", "--quiet", "--bare", ".", argument(&origin)]);
        let instead = format!("url.{}/.insteadOf", bare.path().display());
        self.git(&["config", &instead, "https://gitlab.example.com/"]);
        let any = ["config", "uploadpack.allowAnySHA1InWant", "true"];
        let done = Command::new("git").args(any).current_dir(&origin).status();
        assert!(done.is_ok_and(|status| status.success()));
        bare
    }

    /// What jobs find before all other programs.
    pub fn programs(&self) -> PathBuf {
        self.programs.path().to_path_buf()
    }

    /// Puts a script there.
    pub fn program(&self, name: &str, script: &str) {
        let file = self.programs().join(name);
        fs::write(&file, script).expect("a program");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("a mode");
    }

    /// Puts the CLI under test on the PATH of jobs; gives the kind of runner.
    pub fn real_cli(&self) -> &'static str {
        let (name, kind) = if self.place.cli.is_built_here() {
            ("poniard", "poniard")
        } else {
            ("dagger", "engine")
        };
        let program = self.place.cli.program();
        if program.is_absolute() {
            symlink(program, self.programs().join(name)).expect("a link");
        }
        kind
    }

    /// Puts poniard there under the name `dagger`; false when another CLI is tested.
    pub fn poniard_as_dagger(&self) -> bool {
        let program = self.place.cli.program();
        let here = self.place.cli.is_built_here();
        if here {
            symlink(program, self.programs().join("dagger")).expect("a link");
        }
        here
    }

    /// The pipeline of a push to a protected branch.
    pub fn push(&self) -> Pipeline<'_> {
        self.pipeline()
            .with("CI_PIPELINE_SOURCE", "push")
            .with("CI_COMMIT_REF_PROTECTED", "true")
    }

    /// The pipeline of a merge request within the project.
    pub fn merge_request(&self, iid: u32) -> Pipeline<'_> {
        let mut pipeline = self
            .pipeline()
            .with("CI_PIPELINE_SOURCE", "merge_request_event")
            .with("CI_MERGE_REQUEST_IID", &iid.to_string())
            .with("CI_MERGE_REQUEST_PROJECT_ID", PROJECT)
            .with("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", PROJECT);
        pipeline
            .args
            .extend(["--unset-variable".into(), "CI_COMMIT_BRANCH".into()]);
        pipeline
    }

    /// The pipeline of a protected tag.
    pub fn tag(&self, name: &str) -> Pipeline<'_> {
        let mut pipeline = self.push().with("CI_COMMIT_TAG", name);
        pipeline
            .args
            .extend(["--unset-variable".into(), "CI_COMMIT_BRANCH".into()]);
        pipeline
    }

    fn pipeline(&self) -> Pipeline<'_> {
        Pipeline {
            project: self,
            args: Vec::new(),
        }
    }
}

/// A pipeline, by the variables that GitLab would set.
#[derive(Clone)]
pub struct Pipeline<'a> {
    project: &'a Project,
    args: Vec<String>,
}

impl Pipeline<'_> {
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.args
            .extend(["--variable".into(), format!("{name}={value}")]);
        self
    }

    /// The jobs of it, as `name` or `name (manual)`.
    pub fn jobs(&self) -> Vec<String> {
        let done = self.local(&["--list-csv", "--json-schema-validation=false"]);
        assert_eq!(done.code, 0, "{}", done.stderr());
        let stdout = done.stdout();
        let fields = stdout.lines().skip(1).map(|line| line.split(';'));
        fields
            .map(|mut fields| match (fields.next(), fields.nth(1)) {
                (Some(name), Some("on_success")) => name.to_owned(),
                (Some(name), Some(when)) => format!("{name} ({when})"),
                _ => panic!("not a list of jobs:\n{stdout}"),
            })
            .collect()
    }

    /// Runs one job.
    pub fn run(&self, job: &str) -> Finished {
        self.local(&[
            "--force-shell-executor",
            "--json-schema-validation=false",
            job,
        ])
    }

    /// Runs one job, and expects it to be green.
    #[track_caller]
    pub fn succeeds(&self, job: &str) -> String {
        let done = self.run(job);
        let said = done.stdout() + &done.stderr();
        assert_eq!(done.code, 0, "`{job}` is red:\n{said}");
        said
    }

    /// Runs one job, and expects it to be red, having said this.
    #[track_caller]
    pub fn fails(&self, job: &str, why: &str) -> String {
        let done = self.run(job);
        let said = done.stdout() + &done.stderr();
        // A manual job that fails must not block a pipeline, and is not green either.
        let red = done.code != 0 || said.contains("WARN 1");
        assert!(red, "`{job}` is green:\n{said}");
        assert!(
            said.contains(why),
            "`{job}` is red for another reason:\n{said}"
        );
        said
    }

    /// Everything put together, checked by gitlab-ci-local.
    pub fn rendered(&self) -> String {
        // It ends without waiting for a pipe that is full (64 KiB) to take the rest.
        let by_file = "file=$(mktemp); gitlab-ci-local --preview \"$@\" > \"$file\"; code=$?; \
                       cat \"$file\"; rm \"$file\"; exit $code";
        let mut shell = tools::command("sh");
        shell.args(["-c", by_file, "sh"]);
        let done = self.run_by(shell, &[]);
        assert_eq!(done.code, 0, "{}", done.stderr());
        done.stdout()
    }

    /// What gitlab-ci-local says to a pipeline that cannot be.
    #[track_caller]
    pub fn refused(&self) -> String {
        let done = self.local(&["--preview"]);
        assert_ne!(done.code, 0, "it is accepted:\n{}", done.stdout());
        done.stdout() + &done.stderr()
    }

    /// A part of a job as GitLab's runner runs it: its lines as one script.
    pub fn script(&self, job: &str, parts: &[&str]) -> String {
        self.project.place.write("rendered.yml", self.rendered());
        let join = "import sys, yaml; job = yaml.safe_load(open('rendered.yml'))[sys.argv[1]]; \
                    print('\\n'.join(sum((job[part] for part in sys.argv[2:]), ['set -eo pipefail'])))";
        let mut command = tools::command("python3");
        let command = command.args(["-c", join, job]).args(parts);
        let done = command.current_dir(self.project.place.path("")).output();
        let done = done.expect("python3");
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    /// What jobs find in their environment, of what this pipeline sets.
    pub fn environment(&self) -> Vec<(OsString, Option<OsString>)> {
        let place = &self.project.place;
        let command = place.command(&[]);
        let of_place = command.get_envs();
        let mut all: Vec<_> = of_place
            .map(|(name, value)| (name.to_owned(), value.map(OsStr::to_owned)))
            .collect();
        let first = self.project.programs.path().to_path_buf();
        let path = tools::search_path();
        let path = env::join_paths([first].into_iter().chain(env::split_paths(&path)));
        all.push(("PATH".into(), Some(path.expect("a search path"))));
        all
    }

    fn local(&self, args: &[&str]) -> Finished {
        self.run_by(tools::command("gitlab-ci-local"), args)
    }

    fn run_by(&self, mut command: Command, args: &[&str]) -> Finished {
        let place = &self.project.place;
        for (name, value) in self.environment() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
            .env("GCL_IGNORE_PREDEFINED_VARS", PREDEFINED)
            .args(&self.args)
            .args(args)
            .current_dir(place.path(""));
        Running::to_end(&mut command, "", LIMIT).expect("no gitlab-ci-local")
    }
}

/// Copies a directory.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("a copy");
        }
    }
}
