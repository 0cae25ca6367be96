//! Tokens: what they may not do is told, and they are shown nowhere.

use std::path::Path;
use std::process::Command;

use stand_ins::Fault;
use stand_ins::gitlab::{Role, Scope};

use super::lab::{Lab, POST, TOKEN, run};
use crate::place::argument;

#[test]
fn tokens_that_may_not_write_are_told_what_to_do_and_never_shown() {
    let lab = Lab::new();
    for (scope, words) in [
        (
            Scope::Expired,
            [
                "status 401: invalid_token: Token is expired.",
                "has not expired",
            ],
        ),
        (
            Scope::ReadApi,
            [
                "status 403: insufficient_scope",
                "give the token the scope `api`",
            ],
        ),
    ] {
        lab.gitlab.token(TOKEN, &lab.bot, scope);
        lab.refuses(&POST, &words);
    }
    let outsider = lab.gitlab.user("mallory", Role::None);
    lab.gitlab.token(TOKEN, &outsider, Scope::Api);
    lab.refuses(
        &POST,
        &["404 Project Not Found", "that the token's user is a member"],
    );

    let mut wrong = lab.command(&POST);
    let done = run(wrong.env("TOKEN", "glpat-canary-wrong"));
    assert!(
        done.stderr()
            .contains("`GET /user` with status 401: 401 Unauthorized; check that the token"),
        "{}",
        done.stderr()
    );

    lab.asked();
    let mut args = POST;
    args[2] = "env:JOB_TOKEN";
    lab.refuses(
        &args,
        &["a job token (`CI_JOB_TOKEN`) cannot write notes: use a project access token"],
    );
    let done = run(lab.command(&POST).env("TOKEN", ""));
    assert!(
        done.stderr().contains("the token is empty"),
        "{}",
        done.stderr()
    );
    assert_eq!(lab.asked(), Vec::<String>::new(), "GitLab was asked");
    assert!(lab.texts().is_empty());
}

#[test]
fn a_token_is_not_in_the_state_directory() {
    let lab = Lab::new();
    lab.place.write("now", "");
    lab.post("1", "hi", &[], "action");
    lab.gitlab
        .faults()
        .add(Fault::answer("GET", "/user", 401, "{}"));
    lab.call(&POST);
    let newer = lab.place.path("now");
    let found = Command::new("find")
        .arg(&lab.place.state)
        .args(["-type", "f", "-newer", argument(&newer), "-size", "-20M"])
        .args(["-exec", "grep", "-lF", TOKEN, "{}", "+"])
        .output()
        .expect("a search");
    assert!(
        found.stdout.is_empty(),
        "found in {}",
        String::from_utf8_lossy(&found.stdout)
    );
    assert!(Path::new(&lab.place.state).exists());
}
