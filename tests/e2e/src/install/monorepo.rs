//! Modules that depend on their neighbours, in a monorepo and in git.

use std::fs;

use test_support::{Finished, Running};

use super::{HTTP, Project};
use crate::fixture::greeter_with;
use crate::git::http::Server;
use crate::git::{Published, modules};
use crate::place::LIMIT;

const SOURCE: &str = "use poniard_sdk::prelude::*;\n\n\
    mod deps {\n    poniard_sdk::dependencies!();\n}\n\
    use deps::Dependencies;\n\n\
    /// Greets.\n#[object]\npub struct Greeter {}\n\n\
    #[functions]\nimpl Greeter {\n    /// Tells the account.\n    \
    #[function(cache = \"never\")]\n    pub async fn account(&self) -> Result<String> {\n        \
    Ok(dag().config().cloudflare_account_id().await?)\n    }\n}\n";

#[test]
fn a_project_calls_a_module_by_its_relative_path_which_reads_the_projects_own_settings() {
    let (place, _) = greeter_with(SOURCE, &["config"]);
    let run = |project: &str, args: &[&str]| -> Finished {
        let mut command = place.command(args);
        command.current_dir(place.path(project));
        Running::to_end(&mut command, "", LIMIT).expect("a run")
    };
    for project in ["x", "y"] {
        let settings = format!("cloudflare: {{ account-id: account-of-{project} }}\n");
        place.write(
            &format!("projects/{project}/website/pipeline.yaml"),
            settings,
        );
    }
    for project in ["x", "y"] {
        for line in [
            &["-c", "../../../greeter | account"][..],
            &["call", "-m", "../../../greeter", "account"],
            // A directory within the module is the module.
            &["call", "-m", "../../../greeter/src", "account"],
        ] {
            let done = run(&format!("projects/{project}/website"), line);
            let want = format!("account-of-{project}");
            assert_eq!(done.stdout(), want, "{line:?}:\n{}", done.stderr());
        }
    }
    // By name, for a project with a `dagger.json` of its own.
    fs::write(
        place.path("projects/x/website/dagger.json"),
        r#"{"name": "website", "engineVersion": "v0.21.8"}"#,
    )
    .expect("written");
    let done = run("projects/x/website", &["install", "../../../greeter"]);
    assert_eq!(done.code, 0, "{}", done.stderr());
    let done = run("projects/x/website", &["-c", "greeter | account"]);
    assert_eq!(done.stdout(), "account-of-x", "{}", done.stderr());
}

#[test]
fn a_module_in_git_brings_its_neighbours_and_is_compiled_only_when_called() {
    let published = Published::new();
    let server = Server::start(published.root());
    let project = Project::new(server.variables());
    for module in modules() {
        let reference = format!("{HTTP}/modules/{module}@v0.1.0");
        let done = project.run_in("", &["-m", &reference, "functions"]);
        assert_eq!(done.code, 0, "{}", done.stderr());
        assert!(!done.stderr().contains("compile"), "{}", done.stderr());
    }
    // `sink` asks its dependency `./dep`, and includes files of the root.
    let sink = format!("{HTTP}/tests/conformance/sink@v0.1.0");
    let call = ["call", "-m", &sink, "ask-dep", "--name", "git"];
    let first = project.run_in("", &call);
    assert_eq!(first.code, 0, "{}", first.stderr());
    assert!(first.stdout().contains("git"), "{}", first.stdout());
    let second = project.run_in("sub", &call);
    assert_eq!(second.stdout(), first.stdout());
    let said = second.stderr();
    assert!(said.contains("sink.askDep\n#2 CACHED"), "{said}");
    assert!(
        !said.contains("compile") && !said.contains("git fetch"),
        "{said}"
    );
}
