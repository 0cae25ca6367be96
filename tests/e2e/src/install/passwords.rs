//! A password typed into an address is in no error and no line of progress.

use super::Project;
use crate::git::Published;
use crate::git::http::Server;

const CANARY: &str = "canary-5f1c";

/// Addresses of the module `config` with the password wherever it is typed.
fn addresses() -> Vec<String> {
    [
        format!("http://tests:{CANARY}@git.test"),
        format!("https://tests:a@{CANARY}@git.test"),
        format!("https://tests:a/{CANARY}@git.test"),
        format!("https://{CANARY}:x-oauth-basic@git.test"),
        format!("ssh://git:{CANARY}@git.test"),
        format!("tests:{CANARY}@git.test"),
        format!("first.last:{CANARY}@git.test"),
    ]
    .map(|host| format!("{host}/poniard.git/modules/config@v0.1.0"))
    .into()
}

/// Runs, whatever comes of it.
#[track_caller]
fn keeps_quiet(project: &Project, args: &[&str]) {
    let done = project.run_in("", args);
    let said = done.stdout() + &done.stderr();
    assert!(!said.is_empty(), "{args:?} says nothing");
    assert!(!said.contains(CANARY), "{args:?}: {said}");
}

/// Is refused, in one error, without a change.
#[track_caller]
fn refuses_quietly(project: &Project, args: &[&str], words: &[&str]) {
    let done = project.refuses(args, words);
    let said = done.stdout() + &done.stderr();
    assert!(!said.contains(CANARY), "{args:?}: {said}");
}

#[test]
fn a_password_that_is_typed_is_refused_and_not_repeated() {
    let project = Project::new(Vec::new());
    for address in &addresses() {
        for args in [
            &["install", address][..],
            &["toolchain", "install", address],
            &["init", "--sdk", address, "other"],
            &["-m", address, "functions"],
            &["call", "-m", address, "schema"],
            &["-c", &format!("'{address}' | schema")],
            &["-c", &format!("'{address}' | .help")],
        ] {
            refuses_quietly(&project, args, &["password"]);
        }
        for args in [
            &["update", address][..],
            &["install", "-m", address, "config"],
            &["develop", "-m", address],
            &["-c", &format!(".help '{address}'")],
            &["call", address],
            &[address],
        ] {
            refuses_quietly(&project, args, &[]);
        }
        keeps_quiet(&project, &["uninstall", address]);
    }
}

#[test]
fn a_password_in_a_dagger_json_is_refused_and_not_repeated() {
    for address in &addresses() {
        for pin in ["", "0123456789012345678901234567890123456789"] {
            let project = Project::new(Vec::new());
            let mut entry = serde_json::json!({"name": "config", "source": address});
            if !pin.is_empty() {
                entry["pin"] = pin.into();
            }
            let manifest = serde_json::json!({
                "name": "shop",
                "engineVersion": "v0.21.4",
                "dependencies": [entry],
                "toolchains": [entry],
            });
            project.place.write("dagger.json", manifest.to_string());
            for args in [
                &["update"][..],
                &["update", "config"],
                &["toolchain", "update"],
                &["call", "-m", "config", "schema"],
                &["call", "config", "schema"],
                &["functions"],
                &["-c", "config | schema"],
            ] {
                refuses_quietly(&project, args, &["password"]);
            }
            keeps_quiet(&project, &["uninstall", "config"]);
        }
    }
}

#[test]
fn a_password_given_to_the_api_is_in_no_error_and_no_line_of_progress() {
    let published = Published::new();
    let server = Server::private(published.root());
    let project = Project::new(server.variables());
    for user in [&format!("tests:{CANARY}"), CANARY] {
        let url = format!("http://{user}@{}/poniard.git", server.address());
        for script in [
            format!("git {url} | head | tree | entries"),
            format!("git {url} | ref nope | commit"),
        ] {
            let args = ["--progress=plain", "-c", &script];
            refuses_quietly(&project, &args, &["credential helper"]);
        }
    }
    let archive = format!("http://tests:{CANARY}@{}/none", server.address());
    let script = format!("http {archive} | contents");
    refuses_quietly(&project, &["--progress=plain", "-c", &script], &["http"]);
}
