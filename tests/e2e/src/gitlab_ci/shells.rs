//! Jobs on the shell and with the programs of Alpine's images, which have no
//! bash; and how Dagger's CLI gets there.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use axum::Router;
use axum::body::Bytes;
use axum::routing::get;
use stand_ins::Server;
use tempfile::TempDir;
use test_support::{Finished, Running};

use super::cli;
use super::project::Project;
use crate::place::LIMIT;

const VERSION: &str = "9.9.9";

/// A project with one component, its job's script in a file.
struct Job {
    project: Project,
    /// BusyBox under the name of every program that it has.
    alpine: TempDir,
}

impl Job {
    fn new(component: &str, inputs: &str, job: &str) -> Self {
        let project = Project::new(&format!(
            "stages: [deploy]\ninclude:\n  \
             - component: $CI_SERVER_FQDN/$CI_PROJECT_PATH/{component}@$CI_COMMIT_SHA\n    \
             inputs: {{ name: it, {inputs} }}\n"
        ));
        let script = project.push().script(job, &["before_script", "script"]);
        project.place.write("job.sh", script);

        let alpine = TempDir::new().expect("a directory");
        let mut command = Command::new("busybox");
        let installed = command
            .args(["--install", "-s"])
            .arg(alpine.path())
            .status();
        assert!(installed.is_ok_and(|status| status.success()), "no busybox");
        // What poniard needs of a machine, besides itself.
        for name in ["runc", "nft", "ip", "git"] {
            let _ = symlink("/bin/true", alpine.path().join(name));
        }
        Self { project, alpine }
    }

    fn run(&self, scripts: &TempDir, answers: &str) -> Finished {
        let path = [self.project.programs(), self.alpine.path().to_path_buf()];
        let mut command = Command::new(self.alpine.path().join("sh"));
        command
            .arg("job.sh")
            .env_clear()
            .env("PATH", std::env::join_paths(path).expect("a path"))
            .env("HOME", scripts.path())
            .env("CI_COMMIT_BRANCH", "main")
            .env("CI_COMMIT_SHA", "0123456789abcdef0123456789abcdef01234567")
            .env("CI_PROJECT_PATH", "acme/sites")
            .env(
                "CI_OPEN_MERGE_REQUESTS",
                "acme/sites!3,other/sites!4,acme/sites!5",
            )
            .env("SCRIPTS", scripts.path())
            .env("HONEST", "9")
            .env("ANSWERS", answers)
            .current_dir(self.project.place.path(""));
        for name in [
            "CLOUDFLARE_WORKERS_TOKEN",
            "CICD_COMMENT_TOKEN",
            "DATABASE_URL",
        ] {
            command.env(name, "x");
        }
        Running::to_end(&mut command, "", LIMIT).expect("busybox")
    }

    #[track_caller]
    fn succeeds(&self, answers: &str) -> (TempDir, String) {
        let scripts = TempDir::new().expect("a directory");
        let done = self.run(&scripts, answers);
        let said = done.stdout() + &done.stderr();
        assert_eq!(done.code, 0, "{said}");
        (scripts, said)
    }
}

fn script(scripts: &TempDir, number: u32) -> String {
    fs::read_to_string(scripts.path().join(number.to_string())).expect("a script")
}

#[test]
fn a_site_is_deployed_from_every_kind_of_runner() {
    for runner in ["docker", "engine", "poniard"] {
        let job = Job::new("website", &format!("runner: {runner}"), "it-production");
        cli::helpful(&job.project);
        job.project
            .program("docker", "#!/bin/sh\necho Server Version: 27.2.0\n");
        let (scripts, said) = job.succeeds("url=https://example.com");
        assert!(said.contains("PONIARD_URL=https://example.com"), "{said}");
        let script = script(&scripts, 1);
        let lines: Vec<&str> = script.lines().take(2).map(str::trim_end).collect();
        let deploy = "url=$(cloudflare-deploy  | deploy ./dist wrangler.jsonc env:CLOUDFLARE_WORKERS_TOKEN  | url)";
        assert_eq!(lines, ["bun-website | build | export dist", deploy]);
        let mirror = scripts.path().join(".config/dagger/engine.json");
        let mirror = fs::read_to_string(mirror).unwrap_or_default();
        assert_eq!(
            mirror.contains("mirror.gcr.io"),
            runner == "docker",
            "{mirror}"
        );
    }
}

#[test]
fn a_function_is_published_and_gitlab_is_told() {
    let job = Job::new(
        "php-lambda",
        "runner: engine, repository: site",
        "it-publish",
    );
    cli::helpful(&job.project);
    let answers =
        "found=true\nenvironment=production\nurl=https://example.com\nfunction=site\nalias=live";
    let (scripts, _) = job.succeeds(answers);
    let publish = script(&scripts, 4);
    let words = "publish $($build | image ) site --repository site --tag 0123456789abcdef0123456789abcdef01234567 --alias live";
    assert!(publish.contains(words), "{publish}");
    let report = script(&scripts, 5);
    for iid in ["3", "5"] {
        let note = format!("$gitlab | post-file env:CICD_COMMENT_TOKEN {iid} ");
        assert!(report.contains(&note), "{report}");
    }
    assert!(
        !report.contains("TOKEN 4 "),
        "a note in another project:\n{report}"
    );
    assert!(
        !script(&scripts, 3).contains("post-file"),
        "a note before anything happened"
    );
}

#[test]
fn a_backup_is_made_and_gitlab_is_told() {
    let job = Job::new("db-backup", "runner: engine, bucket: backups", "it-backup");
    cli::helpful(&job.project);
    let (scripts, _) = job.succeeds("it is there");
    let words =
        "db-backup env:DATABASE_URL | backup backups --access-key-id env:BACKUP_ACCESS_KEY_ID";
    assert!(script(&scripts, 1).contains(words));
    assert!(script(&scripts, 2).contains(" success "));
}

#[test]
fn docker_that_never_answers_is_told() {
    let job = Job::new("website", "runner: docker", "it-production");
    job.project.program(
        "docker",
        "#!/bin/sh\necho Cannot connect to the Docker daemon; exit 1\n",
    );
    job.project.program("sleep", "#!/bin/sh\n");
    let scripts = TempDir::new().expect("a directory");
    let done = job.run(&scripts, "");
    let said = done.stdout() + &done.stderr();
    assert_ne!(done.code, 0);
    for words in ["Cannot connect to the Docker daemon", "`privileged = true`"] {
        assert!(said.contains(words), "{said}");
    }
}

/// Releases of a CLI, as Dagger's are laid out.
struct Releases {
    server: Server,
    sha256: String,
}

impl Releases {
    fn new(program: &Path) -> Self {
        let name = format!("dagger_v{VERSION}_linux_{}.tar.gz", machine());
        let dir = program.parent().expect("a directory");
        let archive = dir.join(&name);
        let output = |command: &mut Command| command.output().expect("a program").stdout;
        output(
            Command::new("tar")
                .arg("-czf")
                .arg(&archive)
                .arg("-C")
                .arg(dir)
                .arg("dagger"),
        );
        let list = output(Command::new("sha256sum").arg(&name).current_dir(dir));
        let list = String::from_utf8(list).expect("a list");
        let sha256 = list.split(' ').next().unwrap_or_default().to_owned();
        let archive = Bytes::from(fs::read(archive).expect("an archive"));
        let router = Router::new()
            .route(
                &format!("/{VERSION}/{name}"),
                get(move || async move { archive }),
            )
            .route(
                &format!("/{VERSION}/checksums.txt"),
                get(move || async move { list }),
            );
        let server = Server::start(router).expect("a server");
        Self { server, sha256 }
    }

    fn job(&self, sha256: &str) -> Job {
        let url = self.server.url();
        let inputs = format!(
            "runner: engine, dagger-version: {VERSION}, dagger-releases: \"{url}\", dagger-sha256: \"{sha256}\""
        );
        Job::new("website", &inputs, "it-production")
    }
}

fn machine() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn releases() -> (TempDir, Releases) {
    let dir = TempDir::new().expect("a directory");
    let program: PathBuf = dir.path().join("dagger");
    cli::write(&program);
    let releases = Releases::new(&program);
    (dir, releases)
}

#[test]
fn a_cli_is_downloaded_and_compared_with_its_checksum() {
    let (_dir, releases) = releases();
    let (_, said) = releases
        .job(&releases.sha256)
        .succeeds("url=https://example.com");
    assert!(said.contains("PONIARD_URL=https://example.com"), "{said}");
    // Without one, with the list beside it.
    let (_, said) = releases.job("").succeeds("url=https://example.com");
    assert!(said.contains("taking the release's own list"), "{said}");
}

#[test]
fn a_cli_with_another_checksum_is_not_run() {
    let (_dir, releases) = releases();
    let job = releases.job(&"0".repeat(64));
    let scripts = TempDir::new().expect("a directory");
    let done = job.run(&scripts, "url=https://example.com");
    let said = done.stdout() + &done.stderr();
    assert_ne!(done.code, 0, "{said}");
    assert!(
        said.contains("error: the checksum of") && said.contains("is not 000"),
        "{said}"
    );
    assert!(!scripts.path().join("1").exists(), "it was run");
}
