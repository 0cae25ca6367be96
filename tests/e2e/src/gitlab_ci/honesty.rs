//! No job turns green without having run its scripts.

use tempfile::TempDir;

use super::cli;
use super::project::{Pipeline, Project};

const UNRUN: &str = "did not run to its end, whatever its exit code says";

/// A job of a component.
struct Job {
    name: &'static str,
    merge_request: bool,
    /// How many scripts it runs.
    scripts: usize,
    /// What the scripts answer.
    answers: &'static str,
}

const fn job(name: &'static str, scripts: usize, answers: &'static str) -> Job {
    let merge_request = false;
    Job {
        name,
        merge_request,
        scripts,
        answers,
    }
}

impl Job {
    const fn of_merge_request(mut self) -> Self {
        self.merge_request = true;
        self
    }

    /// Its pipeline, with a CLI that runs as many scripts as `honest`.
    fn pipeline<'a>(&self, project: &'a Project, scripts: &TempDir, honest: usize) -> Pipeline<'a> {
        let pipeline = if self.merge_request {
            project.merge_request(7)
        } else {
            project.push()
        };
        let scripts = scripts.path().to_str().expect("a path");
        let pipeline = VARIABLES.iter().fold(pipeline, |p, name| p.with(name, "x"));
        pipeline
            .with("PONIARD_SCHEDULE", "it")
            .with("CI_JOB_URL", "https://gitlab.example.com/jobs/1")
            .with("SCRIPTS", scripts)
            .with("HONEST", &honest.to_string())
            .with("ANSWERS", self.answers)
    }
}

const VARIABLES: [&str; 3] = [
    "CLOUDFLARE_WORKERS_TOKEN",
    "CICD_COMMENT_TOKEN",
    "DATABASE_URL",
];

const ENVIRONMENT: &str =
    "found=true\nenvironment=production\nurl=https://example.com\nfunction=site\nalias=live";

fn project(component: &str, inputs: &str) -> Project {
    let project = Project::new(&format!(
        "stages: [deploy]\ninclude:\n  \
         - component: $CI_SERVER_FQDN/$CI_PROJECT_PATH/{component}@$CI_COMMIT_SHA\n    \
         inputs: {{ name: it, {inputs} }}\n"
    ));
    cli::helpful(&project);
    project.change("changed", "");
    project
}

/// Whichever of its scripts the CLI does not run, the job is red; when all are
/// run, it is green.
#[track_caller]
fn no_script_may_be_skipped(component: &str, inputs: &str, jobs: &[Job]) {
    let project = project(component, inputs);
    for job in jobs {
        for honest in 0..job.scripts {
            let scripts = TempDir::new().expect("a directory");
            job.pipeline(&project, &scripts, honest)
                .fails(job.name, UNRUN);
        }
        let scripts = TempDir::new().expect("a directory");
        job.pipeline(&project, &scripts, job.scripts)
            .succeeds(job.name);
        let unrun = scripts.path().join((job.scripts + 1).to_string());
        assert!(!unrun.exists(), "`{}` has more scripts than that", job.name);
    }
}

#[test]
fn a_website_is_not_deployed_by_a_cli_that_prints_its_usage() {
    let jobs = [
        job("it-production", 1, "url=https://example.com"),
        job("it-preview", 1, "url=https://example.com").of_merge_request(),
        job("it-remove-preview", 1, "").of_merge_request(),
    ];
    no_script_may_be_skipped("website", "runner: poniard", &jobs);
}

#[test]
fn a_function_is_not_published_by_a_cli_that_prints_its_usage() {
    let jobs = [job("it-publish", 5, ENVIRONMENT)];
    no_script_may_be_skipped("php-lambda", "runner: engine, repository: site", &jobs);
}

#[test]
fn a_database_is_not_backed_up_by_a_cli_that_prints_its_usage() {
    let jobs = [job("it-backup", 2, "")];
    no_script_may_be_skipped("db-backup", "runner: poniard, bucket: backups", &jobs);
}

#[test]
fn a_branch_without_an_environment_is_left_alone() {
    let project = project("php-lambda", "runner: engine, repository: site");
    let scripts = TempDir::new().expect("a directory");
    let skipped = job("it-publish", 1, "found=false");
    let said = skipped
        .pipeline(&project, &scripts, 1)
        .succeeds(skipped.name);
    assert!(
        said.contains("no environment of pipeline.yaml has the branch `main`"),
        "{said}"
    );
    assert!(!scripts.path().join("2").exists(), "it goes on");
}

#[test]
fn a_branch_whose_name_would_be_read_as_a_script_is_refused() {
    let project = project("php-lambda", "runner: engine, repository: site");
    let scripts = TempDir::new().expect("a directory");
    for name in [
        "$(container)",
        "x;container",
        "x|container",
        "--upload-pack",
    ] {
        let pipeline = job("it-publish", 0, "").pipeline(&project, &scripts, 0);
        let pipeline = pipeline.with("PONIARD_REF", name);
        pipeline.fails(
            "it-publish",
            "has characters that the branch of an environment may not have",
        );
    }
    assert!(!scripts.path().join("1").exists(), "a script was run");
}

#[test]
fn a_job_says_which_variable_is_missing() {
    let project = project("website", "runner: poniard");
    let why = "CLOUDFLARE_WORKERS_TOKEN: set this variable";
    project.push().fails("it-production", why);
}
