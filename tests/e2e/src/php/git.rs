//! Projects out of git repositories.

use std::path::{Path, PathBuf};
use std::process::Command;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use stand_ins::Server;
use test_support::Running;

use crate::place::LIMIT;

use super::{Project, slim};

/// A repository with the project over http, and its two commits.
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
    // A commit that is not the newest may be asked for.
    git(
        &bare,
        &["config", "uploadpack.allowReachableSHA1InWant", "true"],
    );
    let root = bare.parent().expect("a parent").to_owned();
    let files = Router::new().fallback(move |request: Request| answer(root.clone(), request));
    (Server::start(files).expect("a server"), [first, second])
}

/// What git's own CGI program answers.
async fn answer(root: PathBuf, request: Request) -> Result<Response, StatusCode> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await;
    let body = body.map_err(|_| StatusCode::BAD_REQUEST)?;
    let header = |name: &str| {
        let value = head.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let mut backend = Command::new("git");
    backend
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", head.method.as_str())
        .env("PATH_INFO", head.uri.path())
        .env("QUERY_STRING", head.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", header("content-type"))
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"));
    let done = Running::to_end(&mut backend, body, LIMIT);
    let done = done.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let end = done.stdout.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
    let mut response = Response::builder();
    for line in String::from_utf8_lossy(&done.stdout[..end]).lines() {
        response = match line.split_once(": ") {
            Some(("Status", status)) => response.status(&status[..3]),
            Some((name, value)) => response.header(name, value),
            None => response,
        };
    }
    let body = Body::from(done.stdout[end + 4..].to_vec());
    response
        .body(body)
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
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
