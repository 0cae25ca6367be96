//! `wrangler deploy`, `whoami`, `delete`.

use serde_json::json;

use super::project::Project;

#[test]
fn a_site_is_deployed_served_and_replaced() {
    let project = Project::site();
    let first = project.wrangler(&["deploy", "--message", "first", "--tag", "v1"]);
    assert_eq!(
        first.event("deploy")["targets"],
        json!(["https://site.stand-in.workers.dev"])
    );
    let worker = project.worker("site");
    let live = worker.live().expect("a deployment");
    assert_eq!(live.versions.len(), 1);
    assert_eq!(
        live.versions[0].0.to_string(),
        first.text("deploy", "version_id")
    );
    let version = &worker.versions[0];
    assert_eq!(version.annotations["workers/message"], "first");
    assert_eq!(version.annotations["workers/tag"], "v1");
    assert_eq!(version.compatibility_date.as_deref(), Some("2026-01-01"));
    let files = &version.assets.as_ref().expect("assets").files;
    assert_eq!(files.len(), 6);
    assert_eq!(files["/index.html"].contents, "<h1>home</h1>");

    let url = "https://site.stand-in.workers.dev";
    let home = project.open(url);
    assert_eq!((home.status, home.body.as_str()), (200, "<h1>home</h1>"));
    assert_eq!(home.header("content-type"), "text/html; charset=utf-8");
    let missing = project.open(&format!("{url}/nowhere"));
    assert_eq!(
        (missing.status, missing.body.as_str()),
        (404, "<h1>not here</h1>")
    );
    let docs = project.open(&format!("{url}/docs/"));
    assert_eq!((docs.status, docs.header("x-section")), (200, "docs"));
    assert_eq!(
        project.open(&format!("{url}/docs")).header("location"),
        "/docs/"
    );
    assert_eq!(project.open(&format!("{url}/about")).body, "<h1>about</h1>");
    assert_eq!(
        project.open(&format!("{url}/a%20b.txt")).body,
        "a name with a blank"
    );
    let old = project.open(&format!("{url}/old"));
    assert_eq!((old.status, old.header("location")), (301, "/docs/"));

    // What is the same is not uploaded again.
    project.write("dist/index.html", "<h1>home 2</h1>");
    project.cloudflare.forget_requests();
    let second = project.wrangler(&["deploy"]);
    assert!(
        second.output.contains("Found 1 new or modified"),
        "{}",
        second.output
    );
    let asked: Vec<String> = project
        .cloudflare
        .requests()
        .iter()
        .map(ToString::to_string)
        .collect();
    let uploads = asked
        .iter()
        .filter(|asked| asked.contains("/assets/upload?"));
    assert_eq!(uploads.count(), 1, "{asked:#?}");
    assert_eq!(project.open(url).body, "<h1>home 2</h1>");
    assert_eq!(project.worker("site").deployments.len(), 2);

    project.wrangler(&["delete", "--force"]);
    assert!(project.cloudflare.worker("site").is_none());
    assert_eq!(project.open(url).status, 404);
}

#[test]
fn code_runs_with_its_variables_secrets_and_pages() {
    let project = Project::app();
    project.write("secrets.env", "PASSWORD=canary-4711\n");
    let ran = project.wrangler(&[
        "deploy",
        "--secrets-file",
        "secrets.env",
        "--var",
        "GREETING:hi",
    ]);
    let url = "https://app.stand-in.workers.dev";
    let env: serde_json::Value =
        serde_json::from_str(&project.open(&format!("{url}/api/env")).body).expect("JSON");
    assert_eq!(
        env,
        json!({
            "url": "https://app.stand-in.workers.dev/api/env",
            "greeting": "hi",
            "limits": { "most": 3 },
            "secret": "canary-4711",
            "version": ran.text("deploy", "version_id"),
        })
    );
    let page = project.open(url);
    assert_eq!(page.body, "<h1>app</h1>");

    // A later deploy keeps the secret, and a dry run deploys nothing.
    project.wrangler(&["deploy"]);
    assert!(
        project
            .open(&format!("{url}/api/env"))
            .body
            .contains("canary-4711")
    );
    project.cloudflare.forget_requests();
    project.wrangler(&["deploy", "--dry-run"]);
    assert_eq!(project.cloudflare.requests(), []);

    let worker = project.worker("app");
    assert!(!format!("{worker:?}").contains("canary"), "{worker:?}");
}

#[test]
fn an_environment_is_a_worker_of_its_own() {
    let project = Project::app();
    let ran = project.wrangler(&["deploy", "--env", "staging"]);
    assert_eq!(
        ran.event("deploy")["targets"],
        json!(["https://app-staging.stand-in.workers.dev"])
    );
    let env = project.open("https://app-staging.stand-in.workers.dev/api/env");
    assert!(env.body.contains("hello from staging"), "{}", env.body);
    assert_eq!(project.cloudflare.worker_names(), ["app-staging"]);
}

#[test]
fn whoami_names_the_account() {
    let project = Project::site();
    let ran = project.wrangler(&["whoami"]);
    let settings = project.cloudflare.settings();
    assert!(ran.output.contains(&settings.account_id), "{}", ran.output);
    assert!(ran.output.contains(&settings.email), "{}", ran.output);
}
