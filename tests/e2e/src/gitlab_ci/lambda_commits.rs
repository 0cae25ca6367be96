//! Which commit of which branch a function is made of, and who publishes it.

use std::fs;

use tempfile::TempDir;

use super::cli;
use super::project::{Pipeline, Project};
use crate::place::argument;

const ANSWERS: &str =
    "found=true\nenvironment=production\nurl=https://example.com\nfunction=site\nalias=live";

/// What the job's CLI is told.
fn told(scripts: &TempDir) -> String {
    let read = |number: u32| fs::read_to_string(scripts.path().join(number.to_string()));
    (1..).map_while(|number| read(number).ok()).collect()
}

/// A pipeline of this source, whose CLI writes what it is told there.
fn from<'a>(project: &'a Project, source: &str, scripts: &TempDir) -> Pipeline<'a> {
    project
        .push()
        .with("CI_PIPELINE_SOURCE", source)
        .with("CICD_COMMENT_TOKEN", "x")
        .with("SCRIPTS", argument(scripts.path()))
        .with("HONEST", "5")
        .with("ANSWERS", ANSWERS)
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
    let _origin = project.origin();

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
        let pipeline = from(&project, "trigger", &scripts);
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

#[test]
fn a_job_takes_a_role_with_its_token_instead_of_keys() {
    let project = Project::new(
        "stages: [deploy]\ninclude:\n  \
         - component: $CI_SERVER_FQDN/$CI_PROJECT_PATH/php-lambda@$CI_COMMIT_SHA\n    \
         inputs: { name: shop, runner: engine, repository: shop, \
         role-arn: \"arn:aws:iam::123456789012:role/deploy\", id-token-audience: sts.amazonaws.com }\n",
    );
    cli::helpful(&project);
    let scripts = TempDir::new().expect("a directory");
    let pipeline = from(&project, "web", &scripts);
    let rendered = pipeline.rendered();
    let token = "id_tokens:\n    PONIARD_ID_TOKEN:\n      aud: sts.amazonaws.com\n";
    assert!(rendered.contains(token), "{rendered}");
    pipeline.succeeds("shop-publish");
    let told = told(&scripts);
    let role = "--role-arn arn:aws:iam::123456789012:role/deploy --web-identity-token env:PONIARD_ID_TOKEN ";
    assert!(
        told.contains(role) && !told.contains("access-key"),
        "{told}"
    );
}
