//! Which commit of which branch a function is made of.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use super::cli;
use super::project::Project;
use crate::place::argument;

const ANSWERS: &str =
    "found=true\nenvironment=production\nurl=https://example.com\nfunction=site\nalias=live";

/// What the job's CLI is told.
fn told(scripts: &TempDir) -> String {
    let read = |number: u32| fs::read_to_string(scripts.path().join(number.to_string()));
    (1..).map_while(|number| read(number).ok()).collect()
}

#[test]
fn a_trigger_names_the_branch_and_the_commit_that_become_the_function() {
    let project = Project::new(
        "stages: [deploy]\ninclude:\n  \
         - component: $CI_SERVER_FQDN/$CI_PROJECT_PATH/php-lambda@$CI_COMMIT_SHA\n    \
         inputs: { name: shop, runner: engine, repository: shop }\n",
    );
    cli::helpful(&project);
    let first = project.git(&["rev-parse", "HEAD"]);
    project.git(&["checkout", "--quiet", "-b", "develop"]);
    project.change("index.php", "new");
    let develop = project.git(&["rev-parse", "HEAD"]);
    project.git(&["checkout", "--quiet", "main"]);
    project.change("index.php", "newest");
    let newest = project.git(&["rev-parse", "HEAD"]);
    // The project's address leads to a repository on this machine.
    let bare = TempDir::new().expect("a directory");
    let origin = bare.path().join("acme/sites.git");
    project.git(&["clone", "--quiet", "--bare", ".", argument(&origin)]);
    let instead = format!("url.{}/.insteadOf", bare.path().display());
    project.git(&["config", &instead, "https://gitlab.example.com/"]);
    let any = ["config", "uploadpack.allowAnySHA1InWant", "true"];
    let done = Command::new("git").args(any).current_dir(&origin).status();
    assert!(done.is_ok_and(|status| status.success()));

    let asked = [
        (&[][..], "main", &newest),
        (&[("PONIARD_REF", "develop")], "develop", &develop),
        (&[("PONIARD_COMMIT", first.as_str())], "main", &first),
        (
            &[("PONIARD_REF", "develop"), ("PONIARD_COMMIT", &first)],
            "develop",
            &first,
        ),
    ];
    for (variables, branch, commit) in asked {
        // The job before has left its own commit.
        project.git(&["checkout", "--quiet", "main"]);
        let scripts = TempDir::new().expect("a directory");
        let pipeline = project
            .push()
            .with("CI_PIPELINE_SOURCE", "trigger")
            .with("CICD_COMMENT_TOKEN", "x")
            .with("SCRIPTS", argument(scripts.path()))
            .with("HONEST", "5")
            .with("ANSWERS", ANSWERS);
        let pipeline = variables.iter().fold(pipeline, |pipeline, (name, value)| {
            pipeline.with(name, value)
        });
        pipeline.succeeds("shop-publish");
        let told = told(&scripts);
        for words in [
            format!("has-environment {branch})"),
            format!("for-branch {branch})"),
            format!("{commit} running "),
            format!("--ref {branch} "),
            format!("--tag {commit} --alias live"),
            format!("{commit} success "),
        ] {
            assert!(told.contains(&words), "no `{words}`:\n{told}");
        }
    }
}
