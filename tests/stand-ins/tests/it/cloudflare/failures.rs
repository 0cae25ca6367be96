//! What Wrangler says when the API refuses or fails.

use stand_ins::Fault;
use stand_ins::cloudflare::faults;

use super::project::Project;

#[test]
fn a_wrong_token_is_an_authentication_error() {
    let project = Project::site().with_token("wrong-token-0000000000");
    let ran = project.refused(&["deploy"]);
    assert!(
        ran.output.contains("Authentication error [code: 10000]"),
        "{}",
        ran.output
    );
    // After such an error Wrangler looks at the token, and reports the failure of that.
    assert_eq!(ran.event("command-failed")["code"], 9109);
    let ran = project.refused(&["whoami"]);
    assert!(
        ran.output.contains("Invalid access token [code: 9109]"),
        "{}",
        ran.output
    );
}

#[test]
fn a_token_that_may_only_read_uploads_nothing() {
    let project = Project::site();
    let token = project.cloudflare.settings().read_only_token.clone();
    let project = project.with_token(&token);
    let ran = project.refused(&["deploy"]);
    assert!(ran.output.contains("[code: 10000]"), "{}", ran.output);
    assert_eq!(ran.event("command-failed")["code"], 10000);
    assert!(project.cloudflare.worker_names().is_empty());
}

#[test]
fn the_first_version_needs_a_deploy() {
    let project = Project::site();
    let ran = project.refused(&["versions", "upload"]);
    assert!(ran.output.contains("does not yet exist"), "{}", ran.output);
}

#[test]
fn a_bad_alias_is_refused_and_leaves_no_version() {
    let project = Project::site();
    project.wrangler(&["deploy"]);
    let ran = project.refused(&["versions", "upload", "--preview-alias", "HEAD"]);
    let said = "validation failures: invalid alias: HEAD [code: 10021]";
    assert!(ran.output.contains(said), "{}", ran.output);
    assert_eq!(project.worker("site").versions.len(), 1);
}

#[test]
fn code_that_throws_at_startup_leaves_the_live_version() {
    let project = Project::app();
    project.wrangler(&["deploy"]);
    project.write(
        "index.js",
        "throw new Error('not today');\nexport default { fetch() {} };",
    );
    let ran = project.refused(&["deploy"]);
    assert!(
        ran.output.contains("Uncaught Error: not today"),
        "{}",
        ran.output
    );
    assert!(ran.output.contains("[code: 10021]"), "{}", ran.output);
    assert_eq!(project.worker("app").versions.len(), 1);
    assert_eq!(
        project.open("https://app.stand-in.workers.dev").body,
        "<h1>app</h1>"
    );
}

#[test]
fn a_version_that_is_not_there_cannot_be_deployed() {
    let project = Project::site();
    project.wrangler(&["deploy"]);
    let ran = project.refused(&[
        "versions",
        "deploy",
        "00000000-0000-4000-8000-000000000000@100%",
        "-y",
    ]);
    assert!(ran.output.contains("[code: 100146]"), "{}", ran.output);
    assert_eq!(project.worker("site").deployments.len(), 1);
}

#[test]
fn wrangler_waits_as_told_and_goes_on_after_faults() {
    let project = Project::site();
    let faults = project.cloudflare.faults();
    faults.add(faults::too_many("POST", "/assets-upload-session", 1));
    faults.add(faults::unknown_error("PUT", "/workers/scripts/site"));
    let ran = project.wrangler(&["deploy"]);
    assert!(ran.output.contains("Retry-After"), "{}", ran.output);
    assert_eq!(project.cloudflare.faults().left(), 0);
    assert_eq!(project.worker("site").versions.len(), 1);
}

#[test]
fn a_server_error_comes_through_with_its_code() {
    let project = Project::site();
    project.wrangler(&["deploy"]);
    let fault = faults::unknown_error("POST", "/deployments");
    project.cloudflare.faults().add(fault);
    let ran = project.refused(&["deploy"]);
    assert!(ran.output.contains("[code: 10013]"), "{}", ran.output);
    let worker = project.worker("site");
    // The version is there, and answers nothing.
    assert_eq!((worker.versions.len(), worker.deployments.len()), (2, 1));
}

#[test]
fn an_upload_whose_answer_is_lost_is_sent_again() {
    let project = Project::site();
    project.wrangler(&["deploy"]);
    let fault = Fault::reset_after_taken("POST", "/scripts/site/versions");
    project.cloudflare.faults().add(fault);
    let ran = project.wrangler(&["deploy"]);
    let worker = project.worker("site");
    assert_eq!(worker.versions.len(), 3);
    let live = worker.live().expect("a deployment").versions[0].0;
    assert_eq!(live.to_string(), ran.text("deploy", "version_id"));
}
