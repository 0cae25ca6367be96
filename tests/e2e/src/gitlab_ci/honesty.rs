//! No job turns green without having run its script.

use super::project::Project;

/// A CLI that takes a script for a request for help, as Dagger's does since
/// 0.21.4 when it is called without a command.
const HELPFUL: &str = "#!/bin/sh
[ \"$1\" != version ] || { echo 'dagger v0.21.8 (here) linux/amd64'; exit; }
cat > /dev/null
echo 'Usage: dagger [options] [subcommand]'
";

/// What a component is included with, its pipeline's variables, and its jobs.
struct Component {
    name: &'static str,
    push: &'static [&'static str],
    merge_request: &'static [&'static str],
}

const COMPONENTS: &[Component] = &[Component {
    name: "website",
    push: &["it-production"],
    merge_request: &["it-preview", "it-remove-preview"],
}];

const TOKENS: [&str; 2] = ["CLOUDFLARE_WORKERS_TOKEN", "CICD_COMMENT_TOKEN"];

fn include(component: &str, runner: &str) -> String {
    format!(
        "stages: [deploy]\ninclude:\n  \
         - component: $CI_SERVER_FQDN/$CI_PROJECT_PATH/{component}@$CI_COMMIT_SHA\n    \
         inputs: {{ name: it, runner: {runner} }}\n"
    )
}

#[test]
fn no_job_is_green_when_the_cli_prints_its_usage_and_gives_zero() {
    for (component, runner) in COMPONENTS.iter().zip(["poniard", "engine"].iter().cycle()) {
        let project = Project::new(&include(component.name, runner));
        project.program("dagger", HELPFUL);
        project.program("poniard", HELPFUL);
        project.change("changed", "");
        let pushes = component.push.iter().map(|job| (project.push(), job));
        let requests = component.merge_request.iter();
        let requests = requests.map(|job| (project.merge_request(7), job));
        for (pipeline, job) in pushes.chain(requests) {
            let pipeline = TOKENS
                .iter()
                .fold(pipeline, |pipeline, name| pipeline.with(name, "x"));
            let done = pipeline.run(job);
            let said = done.stdout() + &done.stderr();
            // A manual job that fails must not block a pipeline, and is not green either.
            let red = done.code != 0 || said.contains("WARN 1");
            assert!(red, "`{job}` is green:\n{said}");
            let why = "did not run to its end, whatever its exit code says";
            assert!(
                said.contains(why),
                "`{job}` is red for another reason:\n{said}"
            );
        }
    }
}

#[test]
fn a_job_says_which_variable_is_missing() {
    let project = Project::new(&include("website", "poniard"));
    project.program("poniard", HELPFUL);
    project.change("changed", "");
    let done = project.push().run("it-production");
    assert_ne!(done.code, 0);
    let said = done.stdout() + &done.stderr();
    assert!(
        said.contains("CLOUDFLARE_WORKERS_TOKEN: set this variable"),
        "{said}"
    );
}
