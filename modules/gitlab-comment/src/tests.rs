//! What is refused before GitLab is asked, and what comes from `config`.
//! Everything that GitLab answers is tested against the stand-in, in `tests/e2e`.

use poniard_sdk::prelude::*;
use poniard_sdk::serde_json::{Value, json};
use poniard_sdk::testing::FakeEngine;

use crate::GitlabComment;

/// Nothing listens there: a request would say so.
const NOWHERE: &str = "http://127.0.0.1:1";
const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

fn engine(token: &str) -> FakeEngine {
    FakeEngine::new().on("Secret.plaintext", token)
}

fn error(engine: &FakeEngine, function: &str, args: Value) -> String {
    let constructor = json!({ "url": NOWHERE, "projectId": "42" });
    let module = engine.construct::<GitlabComment>(constructor).unwrap();
    format!("{:#}", module.call(function, args).err().unwrap())
}

fn note(change: (&str, &str)) -> Value {
    let mut args = json!({ "gitlabApiToken": "t", "mergeRequestId": "7", "body": "hi" });
    args[change.0] = json!(change.1);
    args
}

#[test]
fn types_are_current() {
    poniard_sdk::assert_types_current!(GitlabComment);
}

#[test]
fn bad_notes_are_refused_before_gitlab_is_asked() {
    let engine = engine("glpat-canary");
    for (change, wanted) in [
        (
            ("body", " \n"),
            "the body is empty: GitLab takes no empty notes",
        ),
        (("marker", "a-->b"), "`a-->b` is no marker"),
        (
            ("mergeRequestId", ""),
            "the merge request's number is empty",
        ),
        (("mergeRequestId", "seven"), "`seven` is no merge request"),
    ] {
        let error = error(&engine, "post", note(change));
        assert!(error.starts_with(wanted), "{error}");
    }
}

#[test]
fn tokens_that_cannot_write_notes_are_refused_before_gitlab_is_asked() {
    for function in ["post", "delete"] {
        let mut args = note(("mergeRequestId", "7"));
        if function == "delete" {
            args.as_object_mut().unwrap().remove("body");
        }
        let error = error(&engine("glcbt-64_canary"), function, args);
        assert!(
            error.starts_with("a job token (`CI_JOB_TOKEN`) cannot write notes"),
            "{error}"
        );
        assert!(!error.contains("canary"), "{error}");
    }
    let error = error(&engine("\n"), "post", note(("body", "hi")));
    assert!(error.starts_with("the token is empty"), "{error}");
}

#[test]
fn a_token_in_nobodys_reach_fails_with_the_address_and_without_the_token() {
    let args = json!({ "gitlabApiToken": "t", "sha": SHA, "state": "success", "name": "x" });
    let error = error(&engine("glpat-canary\u{7}"), "status", args);
    assert!(error.contains("`PRIVATE-TOKEN` cannot be sent"), "{error}");
    assert!(!error.contains("canary"), "{error}");
}

#[test]
fn bad_statuses_and_deployments_are_refused_before_gitlab_is_asked() {
    let engine = engine("glpat-canary");
    let status =
        json!({ "gitlabApiToken": "t", "sha": SHA, "state": "success", "name": "preview" });
    let deployment = json!({
        "gitlabApiToken": "t", "environment": "production", "sha": SHA, "ref": "main", "status": "success"
    });
    for (function, base, name, value, wanted) in [
        (
            "status",
            &status,
            "sha",
            "main",
            "`main` is no commit: pass all 40 digits",
        ),
        (
            "status",
            &status,
            "state",
            "ok",
            "`ok` is no state of a commit: use pending, running,",
        ),
        (
            "status",
            &status,
            "name",
            " ",
            "`--name` is what GitLab shows",
        ),
        (
            "status",
            &status,
            "targetUrl",
            "example.com",
            "`--target-url` is `example.com`",
        ),
        (
            "deployment",
            &deployment,
            "status",
            "created",
            "`created` is no status of a deployment: use running,",
        ),
        (
            "deployment",
            &deployment,
            "environment",
            "a:b",
            "`a:b` is no name of an environment",
        ),
        (
            "deployment",
            &deployment,
            "sha",
            "abc",
            "`abc` is no commit",
        ),
        (
            "deployment",
            &deployment,
            "url",
            "ftp://x",
            "`--url` is `ftp://x`",
        ),
    ] {
        let mut args = base.clone();
        args[name] = json!(value);
        let error = error(&engine, function, args);
        assert!(error.starts_with(wanted), "{error}");
    }
}

#[test]
fn bad_addresses_and_projects_are_refused_before_gitlab_is_asked() {
    let engine = engine("glpat-canary");
    for (url, id, wanted) in [
        (
            "gitlab.example",
            "42",
            "cannot ask GitLab: `gitlab.example/api/v4` is no address",
        ),
        ("http://x", "site", "`site` is no project"),
        ("http://x", "", "`` is no project"),
        ("http://x", "a//b", "`a//b` is no project"),
    ] {
        let module = engine
            .construct::<GitlabComment>(json!({ "url": url, "projectId": id }))
            .unwrap();
        let error = module.call("post", note(("body", "hi"))).err().unwrap();
        let error = format!("{error:#}");
        assert!(error.starts_with(wanted), "{error}");
    }
}

#[test]
fn what_is_not_given_is_asked_of_config() -> Result<()> {
    let engine = engine("glpat-canary")
        .on("config.gitlabUrl", NOWHERE)
        .on_error(
            "config.gitlabProjectId",
            EngineError::new("`gitlab.project-id` is not set"),
        );
    let module = engine.construct::<GitlabComment>(json!({}))?;
    let error = module.call("post", note(("body", "hi"))).err().unwrap();
    assert_eq!(
        format!("{error:#}"),
        "cannot tell which project: pass `--project-id`, or set it in `pipeline.yaml`: `gitlab.project-id` is not set"
    );
    Ok(())
}
