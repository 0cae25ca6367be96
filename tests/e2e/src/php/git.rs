//! Projects out of git repositories.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use axum::Router;
use axum::http::{StatusCode, Uri};
use stand_ins::Server;

use super::{Project, slim};

/// A repository with the project, served as plain files, which git understands.
fn served(project: &Project) -> (Server, [String; 2]) {
    let work = project.place.path(project.dir);
    let bare = project.place.path("site.git");
    git(&work, &["init", "--quiet", "--initial-branch", "main"]);
    let commit = |message: &str| {
        git(&work, &["add", "--all"]);
        let who = ["-c", "user.name=A", "-c", "user.email=a@example.com"];
        git(
            &work,
            &[&who[..], &["commit", "--quiet", "--message", message]].concat(),
        );
        git(&work, &["rev-parse", "HEAD"])
    };
    let first = commit("first");
    project.edit("legacy/greeting.php", "hello from", "greetings from");
    let second = commit("second");
    git(
        &work,
        &[
            "clone",
            "--quiet",
            "--bare",
            ".",
            bare.to_str().expect("a path"),
        ],
    );
    git(&bare, &["update-server-info"]);
    let files = Router::new().fallback(move |uri: Uri| answer(bare.clone(), uri));
    (Server::start(files).expect("a server"), [first, second])
}

async fn answer(root: PathBuf, uri: Uri) -> Result<Vec<u8>, StatusCode> {
    let path = uri.path().trim_start_matches("/site.git/");
    fs::read(root.join(path)).map_err(|_| StatusCode::NOT_FOUND)
}

fn git(dir: &Path, args: &[&str]) -> String {
    let done = Command::new("git").args(args).current_dir(dir).output();
    let done = done.expect("git");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}

#[test]
fn a_checkout_is_built_at_the_commit_that_was_asked_for() {
    let project = slim();
    let (server, [first, second]) = served(&project);
    let url = format!("{}/site.git", server.url());
    let said = project.says(&format!(
        "newest=$(php-build | from-git {url} --ref main)
        $newest | smoke --contains 'greetings from PHP'
        $newest | image | label org.opencontainers.image.revision
        older=$(php-build | from-git {url} --ref main --commit {first})
        $older | smoke --contains 'hello from PHP'
        $older | image | label org.opencontainers.image.source"
    ));
    assert!(said.contains(&second) && said.ends_with(&url), "{said}");

    let elsewhere = "0123456789".repeat(4);
    project.refuses(
        &format!("php-build | from-git {url} --ref main --commit {elsewhere}"),
        &[&elsewhere, &url],
    );
}
