//! How visitors reach workers, and what is left afterwards.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::multipart::{Form, Part};
use stand_ins::cloudflare::Settings;

use super::project::Project;

#[test]
fn a_worker_answers_by_its_local_name_and_to_containers() {
    let project = Project::site();
    project.wrangler(&["deploy"]);
    let url = "https://site.stand-in.workers.dev/docs/";
    let local = project.cloudflare.local_url(url).expect("a URL");
    let port = project.cloudflare.address().port();
    assert_eq!(
        local,
        format!("http://site.stand-in.workers.dev.localhost:{port}/docs/")
    );
    let exposed = project.cloudflare.expose(url).expect("a server");
    for url in [local, format!("{}/docs/", exposed.url())] {
        let curl = Command::new("curl")
            .args(["--silent", "--show-error", "--noproxy", "*", &url])
            .output();
        let curl = curl.expect("curl");
        assert_eq!(
            String::from_utf8_lossy(&curl.stdout),
            "<h1>docs</h1>",
            "{url}: {curl:?}"
        );
    }
}

#[tokio::test]
async fn nothing_runs_after_a_stand_in_that_was_killed() {
    let mut stand_in = Command::new(env!("CARGO_BIN_EXE_stand-ins"))
        .args(["cloudflare", "--port", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    let mut url = String::new();
    // Kept open: it would end when it cannot print.
    let mut output = BufReader::new(stand_in.stdout.take().expect("its output"));
    output.read_line(&mut url).expect("its URL");

    // Code is started when it is uploaded.
    let settings = Settings::default();
    let path = format!("accounts/{}/workers/scripts/app", settings.account_id);
    let module = Part::text("export default { fetch: () => new Response('hi') }")
        .file_name("index.js")
        .mime_str("application/javascript+module")
        .expect("a type");
    let metadata = r#"{ "main_module": "index.js", "compatibility_date": "2026-01-01" }"#;
    let form = Form::new()
        .text("metadata", metadata)
        .part("index.js", module);
    let client = reqwest::Client::builder().no_proxy().build();
    let uploaded = client
        .expect("a client")
        .put(format!("{}/{path}", url.trim()))
        .bearer_auth(settings.token)
        .multipart(form)
        .send()
        .await
        .expect("an answer");
    let status = uploaded.status();
    let body = uploaded.text().await.expect("a body");
    assert_eq!(status, 200, "{body}");

    let started = descendants(stand_in.id());
    let runs = |name: &str| started.values().any(|command| command.contains(name));
    assert!(runs("serve.mjs") && runs("workerd"), "{started:?}");
    stand_in.kill().expect("a signal");
    stand_in.wait().expect("an end");
    let deadline = Instant::now() + Duration::from_secs(60);
    let left = |pid: &u32| Path::new("/proc").join(pid.to_string()).exists();
    while started.keys().any(left) {
        assert!(Instant::now() < deadline, "{started:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Processes below a process, by their commands.
fn descendants(of: u32) -> BTreeMap<u32, String> {
    let mut found = BTreeMap::new();
    let tasks = format!("/proc/{of}/task");
    for task in fs::read_dir(tasks).into_iter().flatten().flatten() {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in children
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok())
        {
            let command = fs::read_to_string(format!("/proc/{child}/cmdline"));
            found.insert(child, command.unwrap_or_default().replace('\0', " "));
            found.extend(descendants(child));
        }
    }
    found
}
