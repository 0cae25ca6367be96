//! A site goes live.

use std::time::SystemTime;

use super::stage::Stage;
use crate::fixture::module;
use crate::place::{argument, kept_out_of};

#[test]
fn the_lines_of_a_pipeline_deploy_a_site_each_time_they_run() {
    let stage = Stage::site();
    let (deploy, api) = (module("cloudflare-deploy"), stage.cloudflare.api_url());
    let script = format!(
        "{} --api-url {api} | deploy \\\n  ./dist \\\n  wrangler.jsonc \\\n  env:CLOUDFLARE_WORKERS_TOKEN\n",
        argument(&deploy)
    );
    stage.shell(&script);
    assert_eq!(stage.live(), "<h1>first</h1>");
    // Nothing changed, and yet it is deployed: what has effects is not cached.
    stage.shell(&script);
    assert_eq!(stage.worker("site").versions.len(), 2);

    stage.page("edited");
    let version = stage.shell(&script.replace("TOKEN\n", "TOKEN | version-id\n"));
    assert_eq!(stage.live(), "<h1>edited</h1>");
    let worker = stage.worker("site");
    let live = &worker.live().expect("a deployment").versions[0];
    assert_eq!((live.0.to_string(), live.1), (version, 100.0));
}

#[test]
fn a_call_gives_what_was_deployed_in_fields() {
    let stage = Stage::site();
    let more = ["--message", "-n", "--tag", "1a2b3c", "deployment-id"];
    let deployment = stage.send("deploy", &more);
    let worker = stage.worker("site");
    let (version, live) = (
        worker.latest().expect("a version"),
        worker.live().expect("one"),
    );
    assert_eq!(deployment, live.id.to_string());
    let annotation = |name: &str| version.annotations.get(name).map(String::as_str);
    assert_eq!(annotation("workers/message"), Some("-n"));
    assert_eq!(annotation("workers/tag"), Some("1a2b3c"));
    let summary = stage.send("deploy", &["summary"]);
    assert!(
        summary.contains("https://site.stand-in.workers.dev"),
        "{summary}"
    );
}

#[test]
fn a_dry_run_sends_nothing() {
    let stage = Stage::site();
    let summary = stage.send("deploy", &["--dry-run", "summary"]);
    assert!(summary.contains("nothing was sent"), "{summary}");
    assert_eq!(stage.cloudflare.requests().len(), 0);
}

#[test]
fn secrets_reach_the_worker_and_stay_nowhere_else() {
    let stage = Stage::site();
    stage.place.write("wrangler.jsonc", r#"{ "name": "site", "main": "dist/_worker.js", "assets": { "directory": "./dist" }, "compatibility_date": "2026-01-01" }"#);
    stage.place.write("dist/.assetsignore", "_worker.js\n");
    stage.place.write(
        "dist/_worker.js",
        "export default { fetch: (request, env) => new Response(`${env.WHAT} is ${env.PASSWORD.length} long`) }",
    );
    let canary = "canary-8f3d1c-of-the-worker";
    stage
        .place
        .write(".secrets.json", format!("{{ \"PASSWORD\": \"{canary}\" }}"));
    let started = SystemTime::now();
    let more = [
        "--secrets-file",
        "file:.secrets.json",
        "--var",
        "WHAT=it",
        "url",
    ];
    let url = stage.send("deploy", &more);
    assert_eq!(stage.open(&format!("{url}/api")).body, "it is 27 long");
    let worker = stage.worker("site");
    let binding = worker.latest().and_then(|version| {
        let mut bindings = version.bindings.iter();
        bindings.find(|binding| binding.name == "PASSWORD").cloned()
    });
    assert_eq!(
        binding.map(|binding| binding.kind).as_deref(),
        Some("secret_text")
    );

    if stage.place.cli.is_built_here() {
        kept_out_of(&stage.place.state, started, &[canary, &stage.token]);
    }
}
