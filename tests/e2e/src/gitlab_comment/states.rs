//! Statuses of commits and deployments.

use stand_ins::Fault;
use stand_ins::gitlab::{COMMIT, Role, Scope};

use super::lab::{Lab, TOKEN};

#[test]
fn a_status_is_set_and_set_again_without_an_error() {
    let lab = Lab::new();
    let set = |state: &str, field: &str| {
        lab.succeeds(&[
            "status",
            "--gitlab-api-token",
            "env:TOKEN",
            "--sha",
            COMMIT,
            "--state",
            state,
            "--name",
            "preview",
            "--target-url",
            "https://example.com",
            "--ref",
            "main",
            field,
        ])
    };
    assert_eq!(set("running", "action"), "CREATED");
    assert_eq!(set("running", "action"), "UNCHANGED");
    lab.gitlab
        .faults()
        .add(Fault::reset_after_taken("POST", "/statuses"));
    assert_eq!(
        set("SUCCESS", "summary"),
        "Status `preview` of `61049424` is **success**."
    );
    let statuses = lab.gitlab.statuses();
    let last = statuses.last().expect("a status");
    assert_eq!(
        (last.state.as_str(), last.target_url.as_deref()),
        ("success", Some("https://example.com"))
    );

    set("running", "action");
    let status = [
        "status",
        "--gitlab-api-token",
        "env:TOKEN",
        "--name",
        "preview",
        "--ref",
        "main",
    ];
    let of = |sha: &'static str, state: &'static str| {
        [&status[..], &["--sha", sha, "--state", state]].concat()
    };
    lab.refuses(
        &of(COMMIT, "pending"),
        &[
            "Cannot transition status via :enqueue from :running",
            "it is `running`, which cannot become `pending`",
        ],
    );
    let unknown = "0000000000000000000000000000000000000000";
    lab.refuses(
        &of(unknown, "success"),
        &["404 Commit Not Found", "check that the commit is pushed"],
    );
    let reporter = lab.gitlab.user("reporter", Role::Reporter);
    lab.gitlab.token(TOKEN, &reporter, Scope::Api);
    lab.refuses(
        &of(COMMIT, "success"),
        &["403 Forbidden", "Developer for statuses and deployments"],
    );
}

#[test]
fn a_deployment_is_created_and_moved_on() {
    let lab = Lab::new();
    let record = |token: &str, status: &str, more: &[&str], field: &str| {
        let start = [
            "deployment",
            "--gitlab-api-token",
            token,
            "--environment",
            "review/1",
            "--sha",
            COMMIT,
            "--ref",
            "main",
            "--status",
            status,
        ];
        lab.succeeds(&[&start, more, &[field]].concat())
    };
    assert_eq!(record("env:TOKEN", "running", &[], "action"), "CREATED");
    lab.gitlab
        .faults()
        .add(Fault::reset_after_taken("PUT", "/deployments"));
    let url = ["--url", "https://mr-1.example.com"];
    assert_eq!(
        record("env:TOKEN", "success", &url, "summary"),
        "Deployment #1 of `61049424` to [review/1](https://mr-1.example.com) is **success**."
    );
    assert_eq!(
        lab.gitlab.environments()[0].external_url.as_deref(),
        Some("https://mr-1.example.com")
    );

    // Run again: nothing to do. Once it runs anew, it is another one.
    assert_eq!(
        record("env:JOB_TOKEN", "success", &url, "action"),
        "UNCHANGED"
    );
    lab.gitlab
        .faults()
        .add(Fault::reset_after_taken("POST", "/deployments"));
    assert_eq!(record("env:JOB_TOKEN", "running", &[], "action"), "CREATED");
    assert_eq!(
        record("env:JOB_TOKEN", "failed", &[], "deployment-iid"),
        "2"
    );
    let statuses: Vec<_> = lab
        .gitlab
        .deployments()
        .into_iter()
        .map(|one| one.status)
        .collect();
    assert_eq!(statuses, ["success", "failed"]);
}
