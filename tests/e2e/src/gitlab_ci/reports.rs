//! What GitLab is told of a job that fails.

use std::fs;

use tempfile::TempDir;

use super::cli;
use super::project::{Pipeline, Project};

fn project(component: &str, inputs: &str) -> Project {
    let project = Project::new(&format!(
        "stages: [deploy]\ninclude:\n  \
         - component: $CI_SERVER_FQDN/$CI_PROJECT_PATH/{component}@$CI_COMMIT_SHA\n    \
         inputs: {{ name: it, runner: poniard, {inputs} }}\n"
    ));
    cli::helpful(&project);
    project.change("changed", "");
    project
}

/// Runs the pipeline; the script of this number fails, all others are run.
fn failing<'a>(project: &'a Project, scripts: &TempDir, number: u32) -> Pipeline<'a> {
    let environment =
        "found=true\nenvironment=production\nurl=https://example.com\nfunction=site\nalias=live";
    project
        .push()
        .with("CICD_COMMENT_TOKEN", "x")
        .with("DATABASE_URL", "x")
        .with("CI_OPEN_MERGE_REQUESTS", "acme/sites!3")
        .with("CI_JOB_URL", "https://gitlab.example.com/jobs/1")
        .with("SCRIPTS", scripts.path().to_str().expect("a path"))
        .with("HONEST", "9")
        .with("FAILS", &number.to_string())
        .with("ANSWERS", environment)
}

fn read(scripts: &TempDir, name: &str) -> String {
    fs::read_to_string(scripts.path().join(name)).expect("a script")
}

#[test]
fn a_function_that_cannot_be_published_is_told_with_the_lines_that_matter() {
    let project = project("php-lambda", "repository: site");
    let scripts = TempDir::new().expect("a directory");
    failing(&project, &scripts, 4).fails("it-publish", "Error: no such table: pages");

    assert!(
        read(&scripts, "3").contains(" running --name"),
        "not told that it runs"
    );
    let told = read(&scripts, "5");
    for words in [
        " failed --name 'it/production'",
        "--status failed",
        "post-file env:CICD_COMMENT_TOKEN 3 ",
    ] {
        assert!(told.contains(words), "no `{words}`:\n{told}");
    }
    let note = read(&scripts, "note");
    for words in [
        "#### it: failed in `production`",
        "Error: no such table: pages",
        "jobs/1",
    ] {
        assert!(note.contains(words), "no `{words}`:\n{note}");
    }
    assert!(
        !note.contains("a page was requested"),
        "more than matters:\n{note}"
    );
}

#[test]
fn a_failure_is_red_also_when_gitlab_cannot_be_told() {
    let project = project("php-lambda", "repository: site");
    let scripts = TempDir::new().expect("a directory");
    let pipeline = failing(&project, &scripts, 4).with("HONEST", "4");
    pipeline.fails("it-publish", "error: GitLab was not told of the failure");
}

#[test]
fn a_backup_that_fails_is_told_with_its_reason() {
    let project = project("db-backup", "bucket: backups");
    let scripts = TempDir::new().expect("a directory");
    let pipeline = failing(&project, &scripts, 1);
    pipeline.fails("it-backup", "Error: no such table: pages");
    let told = read(&scripts, "2");
    for words in [
        " failed --name 'it'",
        "--description 'Error: no such table: pages'",
    ] {
        assert!(told.contains(words), "no `{words}`:\n{told}");
    }
}
