//! What cannot be installed is refused in one clear error, and changes nothing.

use test_support::Running;

use super::{HTTP, Project, refused};
use crate::git::http::Server;
use crate::git::{Published, ssh};
use crate::place::LIMIT;

#[test]
fn what_a_repository_does_not_have_is_told() {
    let published = Published::new();
    let server = Server::start(published.root());
    let project = Project::new(server.variables());
    let commit = "0123456789012345678901234567890123456789";
    for (reference, words) in [
        ("/modules/config@v9.9.9", &["has no tag `v9.9.9`"][..]),
        ("/modules/config@nope", &["no tag, branch or commit `nope`"]),
        (&format!("/modules/config@{commit}"), &["no commit", commit]),
        ("/modules/none@v0.1.0", &["no `modules/none/dagger.json`"]),
        ("/modules@main", &["no `modules/dagger.json`"]),
        ("/../other", &["leads out of its repository"]),
    ] {
        let reference = format!("{HTTP}{reference}");
        project.refuses(&["install", &reference], words);
        project.refuses(&["toolchain", "install", &reference], words);
    }
    let module = format!("{HTTP}/modules/none@main");
    let words = ["cannot load module", "no directory `modules/none`"];
    project.refuses(&["call", "-m", &module], &words);
}

#[test]
fn what_is_no_repository_is_told() {
    let published = Published::new();
    let server = Server::start(published.root());
    let project = Project::new(server.variables());
    let absent = "http://git.test/none.git/modules/config";
    project.refuses(&["install", absent], &["none.git", "not found"]);
    let file = format!("file://{}/none/modules/config", published.root().display());
    project.refuses(
        &["install", &file],
        &["none", "does not appear to be a git repository"],
    );
    project.refuses(
        &["install", "https://git.test/group/name/config"],
        &["end its name with `.git`"],
    );
    project.refuses(&["install", "./none"], &["`./none`", "No such file"]);
    project.refuses(&["install", "none"], &["`none`", "No such file"]);
}

#[test]
fn a_host_that_is_down_is_told_and_so_is_a_missing_network() {
    let published = Published::new();
    let server = Server::start(published.root());
    let variables = server.variables();
    drop(server);
    let project = Project::new(variables);
    let reference = format!("{HTTP}/modules/config@v0.1.0");
    project.refuses(&["install", &reference], &[HTTP, "connect"]);
    project.refuses(
        &["-c", &format!("{reference} | schema")],
        &[HTTP, "connect"],
    );

    let cut_off = project.place.cli.under(&["unshare", "--net"]);
    let reference = "https://git.invalid/poniard.git/modules/config";
    let before = project.files();
    let mut command = project.place.command_of(&cut_off, &["install", reference]);
    command.env_remove("https_proxy").env_remove("HTTPS_PROXY");
    let done = Running::to_end(&mut command, "", LIMIT).expect("a run");
    refused(&done, &["https://git.invalid/poniard.git", "resolve host"]);
    assert_eq!(project.files(), before);
}

#[test]
fn wrong_credentials_are_told_and_never_shown() {
    let published = Published::new();
    let server = Server::private(published.root());
    let reference = format!("{HTTP}/modules/config@v0.1.0");
    let mut project = Project::new(server.variables());
    let words = ["could not read Username", "credential helper"];
    project.refuses(&["install", &reference], &words);

    let canary = "canary-5f1c";
    let helper = format!("!f() {{ echo username=tests; echo password={canary}; }}; f");
    project.variables = server.variables_and(&[("credential.helper", &helper)]);
    let words = ["Authentication failed", "credential helper"];
    let done = project.refuses(&["install", &reference], &words);
    assert!(!done.stderr().contains(canary), "{}", done.stderr());
}

#[test]
fn a_certificate_that_is_not_accepted_is_told() {
    let published = Published::new();
    let server = Server::with_tls(published.root());
    let project = Project::new(server.variables_without_authority());
    let reference = "https://git.test/poniard.git/modules/config@v0.1.0";
    project.refuses(&["install", reference], &["certificate"]);
}

#[test]
fn a_key_a_user_or_a_host_that_ssh_does_not_accept_is_told() {
    let published = Published::new();
    let server = ssh::Server::start(published.root());
    let mut project = Project::new(server.by_other_key());
    let at = format!("{}{}", server.address(), published.bare().display());
    let reference = format!("ssh://git@{at}/modules/config@v0.1.0");
    let denied = ["cannot install", "Permission denied (publickey)", "ssh key"];
    project.refuses(&["install", &reference], &denied);
    project.refuses(&["call", "-m", &reference, "schema"], &denied[1..]);

    project.variables = server.by_key();
    let other = format!("ssh://other@{at}/modules/config@v0.1.0");
    project.refuses(&["install", &other], &denied);
    let absent = format!("ssh://git@{}/none.git/modules/config", server.address());
    let words = ["none.git", "does not appear to be a git repository"];
    project.refuses(&["install", &absent], &words);

    project.variables = server.by_stranger();
    let words = ["Host key verification failed"];
    project.refuses(&["install", &reference], &words);

    project.variables = server.by_key();
    drop(server);
    project.refuses(&["install", &reference], &["Connection refused"]);
}

#[test]
fn a_module_that_is_not_in_the_repository_is_refused() {
    let project = Project::new(Vec::new());
    let elsewhere = tempfile::tempdir().expect("a directory");
    std::fs::write(elsewhere.path().join("dagger.json"), r#"{"name":"x"}"#).expect("written");
    let path = elsewhere.path().to_str().expect("UTF-8");
    project.refuses(&["install", path], &["is not in parent context directory"]);
    project.refuses(&["install", "."], &["cannot depend on itself"]);
}
