//! How visitors reach workers, and what is left afterwards.

use std::fs;
use std::process::Command;

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

#[test]
fn nothing_runs_after_the_stand_in() {
    let project = Project::site();
    project.wrangler(&["deploy"]);
    assert_eq!(
        project.open("https://site.stand-in.workers.dev").status,
        200
    );
    let started = children();
    assert!(
        started.iter().any(|command| command.contains("serve.mjs")),
        "{started:?}"
    );
    drop(project);
    // Other tests of this process have processes of their own.
    assert!(children().len() < started.len(), "{started:?}");
}

/// Commands of the processes that descend from this one's `serve.mjs`.
fn children() -> Vec<String> {
    let me = std::process::id().to_string();
    let mut commands = Vec::new();
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let parent = stat
            .rsplit(") ")
            .next()
            .and_then(|rest| rest.split(' ').nth(1));
        if parent == Some(me.as_str()) {
            let command = fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
            commands.push(command.replace('\0', " "));
        }
    }
    commands
}
