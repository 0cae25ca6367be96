//! A module from each kind of address.

use super::{HTTP, Project};
use crate::git::http::Server;
use crate::git::{Published, ssh};

/// What the function `schema` of the module `config` begins with.
const SCHEMA: &str = "\"title\": \"pipeline.yaml\"";

/// Installs the module `config` from a repository and asks it something.
#[track_caller]
fn installs(project: &Project, published: &Published, repository: &str) {
    let source = format!("{repository}/modules/config");
    project.gives(&["install", &format!("{source}@v0.1.0")]);
    // The tag that was found is written down in full.
    let source = format!("{source}@modules/config/v0.1.0");
    let pin = published.id("v0.1.0");
    assert_eq!(project.dependencies(), [["config".into(), source, pin]]);
    let schema = project.gives_in("deep/down", &["-c", "config | schema | contents"]);
    assert!(schema.contains(SCHEMA), "{schema}");
}

#[test]
fn a_module_from_http_answers_by_name_everywhere_and_needs_the_server_no_more() {
    let published = Published::new();
    let server = Server::start(published.root());
    let project = Project::new(server.variables());
    installs(&project, &published, HTTP);
    let source = format!("{HTTP}/modules/config@v0.1.0");
    project.gives(&["toolchain", "install", &source]);
    drop(server);
    for dir in ["", "sub", "deep/down"] {
        for line in [
            &["-c", "config | schema | contents"][..],
            &["call", "config", "schema", "contents"],
            &["call", "-m", "config", "schema", "contents"],
        ] {
            let schema = project.gives_in(dir, line);
            assert!(schema.contains(SCHEMA), "{line:?} in `{dir}`: {schema}");
        }
        let listed = project.gives_in(dir, &["functions"]);
        assert!(listed.contains("\nconfig "), "in `{dir}`: {listed}");
        let listed = project.gives_in(dir, &["-m", "config", "functions"]);
        assert!(listed.contains("\nfor-branch "), "in `{dir}`: {listed}");
    }
}

#[test]
fn a_module_is_installed_over_tls_of_a_custom_authority() {
    let published = Published::new();
    let server = Server::with_tls(published.root());
    let project = Project::new(server.variables());
    installs(&project, &published, "https://git.test/poniard.git");
    // Without a scheme it is the same address, and another spelling of it.
    project.gives(&["uninstall", "config"]);
    installs(&project, &published, "git.test/poniard.git");
}

#[test]
fn a_module_is_installed_over_ssh_in_both_spellings() {
    let published = Published::new();
    let server = ssh::Server::start(published.root());
    let project = Project::new(server.by_configuration());
    let path = published.bare().display().to_string();
    for repository in [
        format!("ssh://git@git.test{path}"),
        format!("ssh://git.test{path}"),
        "git@git.test:poniard.git".into(),
    ] {
        installs(&project, &published, &repository);
        project.gives(&["uninstall", &format!("{repository}/modules/config")]);
        assert_eq!(project.dependencies(), [[""; 3]; 0]);
    }
}

#[test]
fn a_module_is_installed_over_ssh_with_the_key_that_git_is_given_or_an_agent_has() {
    let published = Published::new();
    let server = ssh::Server::start(published.root());
    let agent = server.by_agent();
    let path = published.bare();
    let repository = format!("ssh://git@{}{}", server.address(), path.display());
    for variables in [server.by_key(), agent.variables.clone()] {
        installs(&Project::new(variables), &published, &repository);
    }
}

#[test]
fn a_commit_over_ssh_is_what_is_installed_also_when_the_branch_moves() {
    let published = Published::new();
    let server = ssh::Server::start(published.root());
    let project = Project::new(server.by_key());
    let commit = published.id("v0.1.0");
    published.describe_config("Something else.", &[]);
    let path = published.bare();
    let source = format!(
        "ssh://git@{}{}/modules/config",
        server.address(),
        path.display()
    );
    let pinned = format!("{source}@{commit}");
    project.gives(&["install", &pinned]);
    let want = ["config".to_owned(), pinned.clone(), commit];
    assert_eq!(project.dependencies(), [want]);
    for args in [
        ["-c", "config | .help"],
        ["-c", &format!("{pinned} | .help")],
    ] {
        let help = project.gives(&args);
        assert!(!help.contains("Something else."), "{args:?}: {help}");
    }
    let help = project.gives(&["-c", &format!("{source}@main | .help")]);
    assert!(help.contains("Something else."), "{help}");
}

#[test]
fn a_module_is_installed_from_a_repository_on_disk() {
    let published = Published::new();
    let project = Project::new(Vec::new());
    let repository = format!("file://{}", published.bare().display());
    installs(&project, &published, &repository);
}

#[test]
fn a_private_repository_is_read_with_the_credentials_that_git_has() {
    let published = Published::new();
    let server = Server::private(published.root());
    let helper = "!f() { echo username=tests; echo password=secret; }; f";
    let project = Project::new(server.variables_and(&[("credential.helper", helper)]));
    installs(&project, &published, HTTP);
}
