//! Versions get requests step by step, and lose them again.

use super::stage::Stage;

/// Shares of the versions, the newest version first.
fn shares(stage: &Stage) -> Vec<(String, String)> {
    let ids = stage.on_worker("versions", &["version-id"]);
    let percents = stage.on_worker("versions", &["percent"]);
    let lines = ids.lines().zip(percents.lines());
    lines
        .map(|(id, percent)| (id.to_owned(), percent.to_owned()))
        .collect()
}

#[test]
fn a_version_is_promoted_step_by_step_and_rolled_back() {
    let stage = Stage::site();
    let old = stage.send("deploy", &["version-id"]);
    stage.page("second");
    let new = stage.send("upload", &["--alias", "next", "version-id"]);
    assert_eq!(stage.live(), "<h1>first</h1>");
    let next = "https://next-site.stand-in.workers.dev";
    assert_eq!(stage.open(next).body, "<h1>second</h1>");

    let promote = |percent: &str| {
        stage.on_worker(
            "promote",
            &["--version-id", &new, "--percent", percent, "summary"],
        )
    };
    let summary = promote("20");
    assert!(summary.contains(&format!("`{new}`: 20 %")), "{summary}");
    let of = |new_share: &str, old_share: &str| {
        vec![
            (new.clone(), new_share.to_owned()),
            (old.clone(), old_share.to_owned()),
        ]
    };
    assert_eq!(shares(&stage), of("20", "80"));
    promote("100");
    assert_eq!(stage.live(), "<h1>second</h1>");

    let url = stage.on_worker("rollback", &["url"]);
    assert_eq!(url, "https://site.stand-in.workers.dev");
    assert_eq!(shares(&stage), of("0", "100"));
    assert_eq!(stage.live(), "<h1>first</h1>");
}

#[test]
fn a_rollout_that_cannot_be_changes_nothing() {
    let stage = Stage::site();
    let done = stage.try_on_worker("rollback", &[]);
    stage.failed(&done, &["no worker `site` yet"]);
    let only = stage.send("deploy", &["version-id"]);
    let done = stage.try_on_worker("rollback", &[]);
    stage.failed(&done, &["no version before the live one"]);
    let done = stage.try_on_worker("promote", &["--version-id", &only, "--percent", "10"]);
    stage.failed(&done, &["the only one that is live"]);
    let done = stage.try_on_worker("promote", &["--version-id", &only[..8]]);
    stage.failed(&done, &["is no id of a version"]);
    let gone = "00000000-0000-4000-8000-000000000000";
    let done = stage.try_on_worker("promote", &["--version-id", gone]);
    stage.failed(&done, &["`wrangler versions deploy", "failed"]);
    assert_eq!(stage.worker("site").deployments.len(), 1);
}

#[test]
fn smoke_waits_for_pages_and_says_what_they_answer() {
    let stage = Stage::site();
    let url = stage.send("deploy", &["url"]);
    let exposed = stage.cloudflare.expose(&url).expect("a server");
    let url = exposed.url();
    let summary = stage.call(&["smoke", "--url", &url, "--contains", "first", "summary"]);
    assert!(summary.contains("answered with 200"), "{summary}");
    let fault = stand_ins::Fault::answer("GET", "/", 503, "not yet").times(1);
    exposed.faults().add(fault);
    stage.call(&["smoke", "--url", &url, "summary"]);
    let args = [
        "smoke", "--url", &url, "--path", "/", "--path", "/gone", "--within", "1",
    ];
    let done = stage.try_call(&args);
    stage.failed(
        &done,
        &[
            "does not answer as expected after 1 seconds",
            "`/gone`: status 404, not 200",
        ],
    );
}
