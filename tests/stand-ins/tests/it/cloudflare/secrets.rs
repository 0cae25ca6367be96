//! `wrangler secret`, `wrangler versions secret`.

use serde_json::json;

use super::project::Project;

#[test]
fn secrets_are_put_listed_and_deleted_but_never_shown() {
    let project = Project::app();
    project.wrangler(&["deploy"]);
    let put = project.run(&["secret", "put", "PASSWORD"], "canary-4712");
    assert!(put.ok, "{}", put.output);
    let list = project.wrangler(&["secret", "list"]);
    assert_eq!(
        list.json(),
        json!([{ "name": "PASSWORD", "type": "secret_text" }])
    );
    assert!(!list.output.contains("canary"));
    let env = || {
        project
            .open("https://app.stand-in.workers.dev/api/env")
            .body
    };
    assert!(env().contains("canary-4712"), "{}", env());

    let deleted = project.run(&["secret", "delete", "PASSWORD"], "y\n");
    assert!(deleted.ok, "{}", deleted.output);
    assert!(!env().contains("canary-4712"), "{}", env());
}

#[test]
fn a_secret_of_a_version_waits_for_its_deployment() {
    let project = Project::app();
    project.wrangler(&["deploy"]);
    let put = project.run(
        &["versions", "secret", "put", "PASSWORD", "--message", "new"],
        "canary-4713",
    );
    assert!(put.ok, "{}", put.output);
    assert!(
        !project
            .open("https://app.stand-in.workers.dev/api/env")
            .body
            .contains("canary")
    );
    assert_eq!(project.worker("app").versions.len(), 2);

    // With a version that is not deployed, `secret put` would deploy it unseen.
    let refused = project.run(&["secret", "put", "OTHER"], "x");
    assert!(
        !refused.ok && refused.output.contains("isn't currently deployed"),
        "{}",
        refused.output
    );
}
