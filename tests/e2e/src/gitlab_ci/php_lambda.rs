//! A PHP application that becomes a Lambda function: the real modules, moto, an
//! image registry, and a GitLab that is told.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use stand_ins::Fault;
use stand_ins::gitlab::{self, Gitlab, MergeRequest, Role, Scope};
use test_support::{Running, repository};

use super::project::{Pipeline, Project};
use crate::fixture::copy_tracked;
use crate::lambda::moto::Moto;
use crate::lambda::registry::Registry;
use crate::lambda::shop::{KEY, SECRET, settings};
use crate::place::{GRACE, LIMIT, argument};

const APP: &str = "tests/e2e/fixtures/slim-app";
const RUNTIME: &str = "examples/php-app/packages/lambda-runtime";
const TOKEN: &str = "glpat-of-the-shop-9Kd4";
/// Of the project, as gitlab-ci-local takes it from its remote.
const PATH: &str = "acme/sites";
const JOB: &str = "shop-publish";

struct Shop {
    project: Project,
    moto: Moto,
    registry: Registry,
    gitlab: Gitlab,
    request: MergeRequest,
    /// For the jobs, and nobody else.
    variables: Vec<(&'static str, String)>,
}

impl Shop {
    fn new() -> Self {
        let (moto, registry) = (Moto::start(), Registry::start());
        let gitlab = Gitlab::start().expect("a stand-in");
        let bot = gitlab.user("bot", Role::Developer);
        gitlab.token(TOKEN, &bot, Scope::Api);
        let request = gitlab.merge_request();

        let project = Project::new("stages: [deploy]\n");
        let runner = project.real_cli();
        let place = &project.place;
        let modules = repository().join("modules");
        let pipeline = format!(
            "stages: [deploy]
include:
  - component: $CI_SERVER_FQDN/$CI_PROJECT_PATH/php-lambda@$CI_COMMIT_SHA
    inputs:
      name: shop
      runner: {runner}
      project-directory: {APP}
      changes: [\"{APP}/**/*\"]
      modules: {}
      smoke-options: --path /
      publish-arguments: --region eu-west-1 --endpoint {} --registry http://{}
      publish-options: --create-repository
      repository: site
",
            modules.display(),
            moto.server.url(),
            registry.host(),
        );
        place.write(".gitlab-ci.yml", pipeline);
        let lambda = "url: https://shop.example.com, lambda: { function: site, alias: live }";
        let config = format!("environments:\n  production: {{ branches: [main], {lambda} }}\n");
        place.write("pipeline.yaml", config);
        place.write("poniard.env", settings(&registry));
        copy_tracked(place, APP);
        copy_tracked(place, RUNTIME);
        let to = place.path(APP).join("packages/lambda-runtime");
        fs::rename(place.path(RUNTIME), to).expect("the runtime");
        let open = format!("{PATH}!{},other/site!9", request.iid);
        let configuration = place.path("poniard.env");
        let variables = vec![
            ("CI_SERVER_URL", gitlab.url()),
            ("CI_PROJECT_ID", gitlab::PROJECT.to_string()),
            ("CI_OPEN_MERGE_REQUESTS", open),
            ("CI_JOB_URL", "https://gitlab.example.com/jobs/1".to_owned()),
            ("CICD_COMMENT_TOKEN", TOKEN.to_owned()),
            ("AWS_ACCESS_KEY_ID", KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
            ("PONIARD_CONFIG", argument(&configuration).to_owned()),
        ];
        Self {
            project,
            moto,
            registry,
            gitlab,
            request,
            variables,
        }
    }

    /// Commits everything; gives the commit.
    fn commit(&self) -> String {
        self.project.commit();
        let sha = self.project.git(&["rev-parse", "HEAD"]);
        self.gitlab.commit(&sha);
        sha
    }

    fn push(&self) -> Pipeline<'_> {
        let variables = self.variables.iter();
        variables.fold(self.project.push(), |pipeline, (name, value)| {
            pipeline.with(name, value)
        })
    }

    /// What became of a commit: its statuses, its deployments.
    fn told(&self, sha: &str) -> String {
        let statuses = self.gitlab.statuses().into_iter();
        let statuses = statuses.filter(|one| one.sha == sha);
        let mut told: Vec<_> = statuses
            .map(|one| format!("{} {}", one.name, one.state))
            .collect();
        let deployments = self.gitlab.deployments().into_iter();
        told.extend(
            deployments
                .filter(|one| one.sha == sha)
                .map(|one| one.status),
        );
        told.join(", ")
    }

    fn note(&self) -> String {
        let notes = self.gitlab.notes(self.request.iid);
        notes
            .last()
            .map(|note| note.body.clone())
            .unwrap_or_default()
    }
}

/// No secret is shown.
#[track_caller]
fn kept_secret(said: &str) {
    for secret in [TOKEN, SECRET] {
        assert!(!said.contains(secret), "a secret is shown:\n{said}");
    }
}

#[test]
fn a_push_by_hand_and_the_api_put_a_commit_live_and_a_branch_without_an_environment_is_left_alone()
{
    let shop = Shop::new();
    let sha = shop.commit();
    let said = shop.push().succeeds(JOB);
    kept_secret(&said);
    assert_eq!(shop.told(&sha), "shop/production success, success");
    assert_eq!(shop.registry.tags("site"), [sha.as_str()]);
    let (_, digest) = shop.registry.manifest("site", &sha);
    let image = shop.moto.function()["Code"]["ImageUri"].to_string();
    assert!(image.contains(&digest), "{image}");
    let note = shop.note();
    for words in [
        "success in `production`",
        "alias `live` serves version 1",
        "jobs/1",
    ] {
        assert!(note.contains(words), "no `{words}`:\n{note}");
    }
    let deployment = shop.gitlab.environments().pop().expect("an environment");
    assert_eq!(
        deployment.external_url.as_deref(),
        Some("https://shop.example.com")
    );

    let api = shop.push().with("CI_PIPELINE_SOURCE", "trigger");
    let said = api.with("CI_COMMIT_BRANCH", "feature").succeeds(JOB);
    let word = "no environment of pipeline.yaml has the branch `feature`: nothing to do";
    assert!(said.contains(word), "{said}");
    assert_eq!(shop.gitlab.statuses().len(), 1);

    // By hand and by the API: any commit, which need not be one of the pipeline's branch.
    shop.project.git(&["checkout", "--quiet", "-b", "develop"]);
    let second = shop.commit();
    let _origin = shop.project.origin();
    for (source, branch, commit) in [("web", "main", &second), ("trigger", "develop", &sha)] {
        // The job before has left its own commit.
        shop.project.git(&["checkout", "--quiet", branch]);
        let pipeline = shop.push().with("CI_PIPELINE_SOURCE", source);
        let pipeline = pipeline.with("PONIARD_REF", "main");
        let said = pipeline.with("PONIARD_COMMIT", commit).succeeds(JOB);
        kept_secret(&said);
        let (_, digest) = shop.registry.manifest("site", commit);
        let image = shop.moto.function()["Code"]["ImageUri"].to_string();
        assert!(image.contains(&digest), "{source}: {image}");
    }
    assert_eq!(shop.told(&second), "shop/production success, success");
}

#[test]
fn a_failure_in_the_middle_and_one_at_the_start_are_told_with_the_lines_that_matter() {
    let shop = Shop::new();
    let page = shop.project.place.path(APP).join("legacy/greeting.php");
    let good = fs::read_to_string(&page).expect("a page");
    fs::write(
        &page,
        good.replace(
            "return ",
            "throw new LogicException('out of luck'); return ",
        ),
    )
    .expect("a page");
    let sha = shop.commit();
    let said = shop.push().fails(JOB, "GET / answered 500, not 200");
    kept_secret(&said);
    assert_eq!(shop.told(&sha), "shop/production failed, failed");
    let note = shop.note();
    for words in [
        "failed in `production`",
        "GET / answered 500",
        "LogicException: out of luck",
    ] {
        assert!(note.contains(words), "no `{words}`:\n{note}");
    }
    assert!(shop.registry.tags("site").is_empty());

    // A commit that is not there: no environment is known yet.
    let trigger = shop.push().with("CI_PIPELINE_SOURCE", "trigger");
    trigger
        .with("PONIARD_COMMIT", &"4".repeat(40))
        .fails(JOB, "fatal: ");
    assert!(
        shop.told(&sha).contains("shop failed"),
        "{}",
        shop.told(&sha)
    );
    assert!(shop.note().contains("fatal: "), "{}", shop.note());
}

#[test]
fn a_job_that_is_cancelled_leaves_no_deployment_running() {
    let shop = Shop::new();
    let sha = shop.commit();
    let server = &shop.registry.server;
    server
        .faults()
        .add(Fault::slow("PUT", "/manifests/", LIMIT));
    let script = |name: &str, parts: &[&str]| {
        let script = shop.push().script(JOB, parts);
        shop.project.place.write(name, script);
        let mut command = Command::new("bash");
        command.arg(name).current_dir(shop.project.place.path(""));
        for (name, value) in shop.push().environment() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
            .envs(shop.variables.iter().map(|(name, value)| (name, value)))
            .env("CI_COMMIT_BRANCH", "main")
            .env("CI_COMMIT_SHA", &sha)
            .env("CI_PROJECT_PATH", PATH)
            .env("CI_JOB_ID", "1");
        command
    };
    // As GitLab's runner does it: the script is ended, then after_script is run in
    // another shell.
    let mut job = script("job.env", &["before_script", "script"]);
    let mut after = script("after.env", &["after_script"]);
    let running = Running::start(&mut job, "").expect("a start");
    let deadline = Instant::now() + LIMIT;
    while !server.requests().iter().any(|one| one.method == "PUT") {
        assert!(Instant::now() < deadline, "nothing is pushed");
        std::thread::sleep(Duration::from_millis(50));
    }
    running.signal(Signal::TERM).expect("a signal");
    let done = running.finish(GRACE).expect("an end");
    assert!(!done.late, "{}{}", done.stdout(), done.stderr());
    assert_eq!(shop.told(&sha), "shop/production running, running");

    after.env("CI_JOB_STATUS", "canceled");
    let done = Running::to_end(&mut after, "", LIMIT).expect("a run");
    let said = done.stdout() + &done.stderr();
    assert_eq!(done.code, 0, "{said}");
    assert_eq!(shop.told(&sha), "shop/production canceled, canceled");
    assert!(
        shop.note().contains("canceled in `production`"),
        "{}",
        shop.note()
    );
}
