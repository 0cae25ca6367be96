//! The whole pipeline of the example, as a script and as a component: real
//! modules from a commit to the alias, and GitLab is told.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use stand_ins::Fault;
use stand_ins::gitlab::{self, Gitlab, MergeRequest, Role, Scope};
use test_support::{Finished, Running, repository};

use super::moto::{Moto, ROLE};
use super::refusal::denied;
use super::shop::{KEY, SECRET, Shop};
use crate::fixture::copy_tracked;
use crate::git::http::Server;
use crate::place::{GRACE, LIMIT, argument};

const APP: &str = "examples/php-app";
const TOKEN: &str = "glpat-of-the-pipeline-7Hq2";

/// A clone of the example, its origin, and whom the pipeline talks to.
struct Example {
    shop: Shop,
    moto: Moto,
    gitlab: Gitlab,
    request: MergeRequest,
    origin: Server,
}

impl Example {
    fn new() -> Self {
        let moto = Moto::start();
        let mut shop = Shop::new(moto.server.url());
        shop.secrets.push(("TEST_GITLAB_TOKEN", TOKEN.to_owned()));
        copy_tracked(&shop.place, APP);
        let gitlab = Gitlab::start().expect("a stand-in");
        let bot = gitlab.user("bot", Role::Developer);
        gitlab.token(TOKEN, &bot, Scope::Api);
        let request = gitlab.merge_request();
        let programs = shop.place.path("programs");
        fs::create_dir(&programs).expect("a directory");
        if shop.place.cli.is_built_here() {
            symlink(shop.place.cli.program(), programs.join("dagger")).expect("a link");
        }
        let origin = Server::start(&shop.place.path("origins"));
        let example = Self {
            shop,
            moto,
            gitlab,
            request,
            origin,
        };
        let bare = example.shop.place.path("origins/site.git");
        example.git(&["init", "--quiet", "--initial-branch", "main"]);
        example.git(&["init", "--quiet", "--bare", argument(&bare)]);
        let any = ["config", "uploadpack.allowReachableSHA1InWant", "true"];
        let done = Command::new("git").args(any).current_dir(&bare).status();
        assert!(done.is_ok_and(|status| status.success()));
        example.git(&["remote", "add", "origin", argument(&bare)]);
        example
    }

    fn work(&self) -> PathBuf {
        self.shop.place.path(APP)
    }

    fn git(&self, args: &[&str]) -> String {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]);
        let done = command.args(args).current_dir(self.work()).output();
        let done = done.expect("git");
        let stderr = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "git {args:?}: {stderr}");
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    /// Commits everything and pushes it to a branch.
    fn push(&self, branch: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&[
            "commit",
            "--quiet",
            "--allow-empty",
            "--message",
            "a change",
        ]);
        let to = format!("HEAD:refs/heads/{branch}");
        self.git(&["push", "--quiet", "origin", &to]);
        let sha = self.git(&["rev-parse", "HEAD"]);
        self.gitlab.commit(&sha);
        sha
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.work().join(file);
        let text = fs::read_to_string(&path).expect("a file");
        assert!(text.contains(from), "no `{from}` in {file}");
        fs::write(path, text.replace(from, to)).expect("a file");
    }

    /// The script, with what a job and its runner have in their environment.
    fn script(&self, args: &[&str]) -> Command {
        let place = &self.shop.place;
        let mut command = Command::new("sh");
        command.arg(self.work().join("pipeline.dsh"));
        for (name, value) in place.command(&[]).get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = [place.path("programs")]
            .into_iter()
            .chain(std::env::split_paths(&path));
        let origin = format!("http://{}/site.git", self.origin.address());
        command
            .args(args)
            .current_dir(place.path(""))
            .env("PATH", std::env::join_paths(path).expect("a path"))
            .env("PONIARD_CONFIG", place.path("poniard.toml"))
            .env("MODULES", repository().join("modules"))
            .env("REPOSITORY_URL", origin)
            .env("IMAGE_REPOSITORY", "site")
            .env(
                "IMAGE_REGISTRY",
                format!("http://{}", self.shop.registry.host()),
            )
            .env("AWS_ENDPOINT_URL", &self.shop.endpoint)
            .env("AWS_ACCESS_KEY_ID", KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
            .env("CICD_COMMENT_TOKEN", TOKEN)
            .env("CI_SERVER_URL", self.gitlab.url())
            .env("CI_PROJECT_ID", gitlab::PROJECT.to_string());
        command
    }

    /// The same in the job of a push to `main`.
    fn job(&self, sha: &str) -> Command {
        let mut command = self.script(&[]);
        command
            .env("CI_COMMIT_BRANCH", "main")
            .env("CI_COMMIT_SHA", sha)
            .env("CI_JOB_URL", "https://gitlab.example.com/jobs/1")
            .env("CI_PROJECT_PATH", gitlab::PROJECT_PATH)
            .env(
                "CI_OPEN_MERGE_REQUESTS",
                format!("{}!{},other/site!9", gitlab::PROJECT_PATH, self.request.iid),
            );
        command
    }

    #[track_caller]
    fn succeeds(&self, mut command: Command) -> String {
        let done = self.shop.end(&mut command);
        assert_eq!(done.code, 0, "{}", said(&done));
        said(&done)
    }

    #[track_caller]
    fn fails(&self, mut command: Command) -> String {
        let done = self.shop.end(&mut command);
        assert_ne!(done.code, 0, "{}", said(&done));
        said(&done)
    }

    /// The states that a commit had, by their name, and those of its deployment.
    fn told(&self, sha: &str) -> (Vec<String>, Vec<String>) {
        let statuses = self.gitlab.statuses().into_iter();
        let statuses = statuses.filter(|one| one.sha == sha);
        let deployments = self.gitlab.deployments().into_iter();
        let deployments = deployments.filter(|one| one.sha == sha);
        (
            statuses
                .map(|one| format!("{} {}", one.name, one.state))
                .collect(),
            deployments.map(|one| one.status).collect(),
        )
    }

    fn notes(&self) -> Vec<String> {
        let notes = self.gitlab.notes(self.request.iid).into_iter();
        notes.map(|note| note.body).collect()
    }

    /// The last note, which has all of these.
    #[track_caller]
    fn noted(&self, all: &[&str]) -> String {
        let note = self.notes().pop().expect("a note");
        for words in all {
            assert!(note.contains(words), "no `{words}`:\n{note}");
        }
        note
    }
}

fn said(done: &Finished) -> String {
    done.stdout() + &done.stderr()
}

fn list<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).into()
}

#[test]
fn a_commit_goes_live_by_a_push_by_hand_and_by_a_trigger() {
    let example = Example::new();
    let first = example.push("main");
    let said = example.succeeds(example.job(&first));
    assert!(
        said.contains("**site** version **1** is published"),
        "{said}"
    );
    assert_eq!(example.shop.registry.tags("site"), [first.as_str()]);
    let (_, digest) = example.shop.registry.manifest("site", &first);
    let image = example.moto.function()["Code"]["ImageUri"].to_string();
    assert!(image.contains(&digest), "{image}");
    let (statuses, deployments) = example.told(&first);
    assert_eq!(statuses, ["deploy/production success"]);
    assert_eq!(deployments, ["success"]);
    let note = example.notes().pop().expect("a note");
    for words in [
        &first[..8],
        "alias `live` serves version 1",
        "jobs/1",
        digest.as_str(),
    ] {
        assert!(note.contains(words), "no `{words}`:\n{note}");
    }

    // By hand: an older commit, and the newest one of a branch.
    example.edit("templates/page.php", "<h1>", "<h1 class=\"new\">");
    let second = example.push("main");
    let said = example.succeeds(example.script(&["main"]));
    assert!(
        said.contains("alias `live` serves version 2, before: 1"),
        "{said}"
    );
    assert_eq!(
        example.told(&second),
        (list(["deploy/production success"]), list(["success"]))
    );
    // This time without keys: with a role, by a token of GitLab's.
    let mut by_role = example.script(&["main", &first]);
    by_role
        .env("AWS_ROLE_ARN", ROLE)
        .env("AWS_ID_TOKEN", "header.payload.signature")
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY");
    let said = example.succeeds(by_role);
    assert!(
        said.contains("alias `live` serves version 3, before: 2"),
        "{said}"
    );

    // By the trigger API, whose pipeline is one of `main`: this function is not there.
    let mut trigger = example.job(&second);
    let develop = example.push("develop");
    trigger.env("PONIARD_REF", "develop");
    let said = example.fails(trigger);
    assert!(said.contains("Function not found"), "{said}");
    assert_eq!(
        example.told(&develop),
        (list(["deploy/staging failed"]), list(["failed"]))
    );
    let status = example.gitlab.statuses().pop().expect("a status");
    let why = status.description.expect("a description");
    assert!(
        why.starts_with("publish: Error: Lambda GetFunction"),
        "{why}"
    );
    // That merge request is none of this branch.
    assert_eq!(example.notes(), [note]);

    // The last step fails, and what is live stays.
    example.moto.server.faults().add(denied("PUT", "/code"));
    example.fails(example.job(&second));
    example.noted(&[
        "**publish** failed",
        "allow `lambda:UpdateFunctionCode` to this role",
        "alias `live` serves version 3 as before",
    ]);
}

#[test]
fn a_branch_without_an_environment_is_skipped_with_a_word() {
    let example = Example::new();
    example.push("feature");
    let said = example.succeeds(example.script(&["feature"]));
    let word = "no environment of pipeline.yaml has the branch `feature`: nothing to do";
    assert!(said.contains(word), "{said}");
    assert!(example.gitlab.statuses().is_empty() && example.gitlab.deployments().is_empty());
    let said = example.fails(example.script(&["$(container)"]));
    assert!(
        said.contains("is no branch that could have an environment"),
        "{said}"
    );
}

#[test]
fn a_failure_at_any_step_is_told_with_the_lines_that_matter() {
    let example = Example::new();
    example.edit(
        "web/index.php",
        "$pages->count($slug);",
        "error_log('about to fail'); throw new LogicException('out of luck');",
    );
    let broken = example.push("main");
    example.fails(example.job(&broken));
    assert_eq!(
        example.told(&broken),
        (list(["deploy/production failed"]), list(["failed"]))
    );
    let note = example.noted(&[
        "**smoke** failed",
        "GET / answered 500, not 200",
        "LogicException: out of luck",
    ]);
    assert!(!note.contains(TOKEN) && !note.contains(SECRET), "{note}");
    assert!(example.shop.registry.tags("site").is_empty());

    let failed = |sha: &str, step: &str, words: &str| {
        let said = example.fails(example.job(sha));
        let (statuses, deployments) = example.told(sha);
        assert_eq!(statuses, ["deploy/production failed"], "{said}");
        assert_eq!(deployments, ["failed"], "{said}");
        example.noted(&[&format!("**{step}** failed"), words]);
    };
    example.edit("package.json", "vite build", "echo no such page; exit 3");
    failed(&example.push("main"), "image", "no such page");
    let gone = "4".repeat(40);
    example.gitlab.commit(&gone);
    failed(&gone, "clone", &gone);

    // Before it is known which environment it is.
    let secret = "  AWS_SECRET_ACCESS_KEY: env://AWS_SECRET_ACCESS_KEY\n";
    example.edit("pipeline.yaml", secret, "");
    let poor = example.push("main");
    example.fails(example.job(&poor));
    let (statuses, deployments) = example.told(&poor);
    assert_eq!((statuses, deployments.len()), (list(["deploy failed"]), 0));
    let has = |words: [&str; 2]| {
        let notes = example.notes();
        let found = |note: &String| words.iter().all(|word| note.contains(word));
        assert!(notes.iter().any(found), "{words:?} in none of {notes:?}");
    };
    has(["**secrets** failed", "AWS_SECRET_ACCESS_KEY"]);
    example.edit("pipeline.yaml", "branches: [main]", "branches: main");
    let unclear = example.push("main");
    example.fails(example.job(&unclear));
    let (statuses, deployments) = example.told(&unclear);
    assert_eq!((statuses, deployments.len()), (list(["deploy failed"]), 0));
    has(["**environment** failed", "pipeline.yaml:"]);
}

#[test]
fn a_pipeline_that_is_cancelled_leaves_nothing_running() {
    let example = Example::new();
    let sha = example.push("main");
    let server = &example.shop.registry.server;
    server
        .faults()
        .add(Fault::slow("PUT", "/manifests/", LIMIT));
    let running = Running::start(&mut example.job(&sha), "").expect("a start");
    assert!(running.says("== publish", LIMIT), "nothing is published");
    let deadline = Instant::now() + LIMIT;
    let reached = || server.requests().iter().any(|one| one.method == "PUT");
    while !reached() {
        assert!(Instant::now() < deadline, "nothing is pushed");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(example.told(&sha).1, ["running"]);
    running.signal(Signal::TERM).expect("a signal");
    let done = running.finish(GRACE).expect("an end");
    assert_eq!(done.code, 143, "{}", said(&done));
    let told = (list(["deploy/production canceled"]), list(["canceled"]));
    assert_eq!(example.told(&sha), told, "{}", said(&done));
    example.shop.place.nothing_is_left();
}
