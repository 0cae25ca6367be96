//! Projects out of git repositories.

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use stand_ins::Server;
use test_support::Running;

use crate::git::{http, ssh};
use crate::place::{LIMIT, nonce};

use super::{Project, slim};

/// Makes the project a repository `site.git` with two commits, which it gives.
fn published(project: &Project) -> (PathBuf, [String; 2]) {
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
    (bare, [first, second])
}

/// The same over http, for everybody.
fn served(project: &Project) -> (Server, [String; 2]) {
    let (bare, commits) = published(project);
    let root = above(&bare);
    let files = Router::new().fallback(move |request: Request| answer(root.clone(), request));
    (Server::start(files).expect("a server"), commits)
}

fn above(repository: &Path) -> PathBuf {
    repository.parent().expect("a parent").to_owned()
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

#[test]
fn a_private_checkout_takes_the_token_under_the_name_of_each_host_and_keeps_it_secret() {
    let mut project = slim();
    if !project.place.cli.is_built_here() {
        // The real engine's git runs elsewhere, where nothing leads it to the
        // servers that stand for those hosts.
        return;
    }
    let (bare, [_, commit]) = published(&project);
    let token = nonce();
    // Who looks at processes sees what git is started with.
    let arguments = project.place.path("arguments");
    let found = Command::new("sh").args(["-c", "command -v git"]).output();
    let found = String::from_utf8(found.expect("sh").stdout).expect("a path");
    project.place.write(
        "bin/git",
        format!(
            "#!/bin/sh\necho \"$*\" >> {}\nexec {} \"$@\"\n",
            arguments.display(),
            found.trim()
        ),
    );
    let bin = project.place.path("bin");
    let made = fs::set_permissions(bin.join("git"), Permissions::from_mode(0o755));
    made.expect("a program");
    let path = format!("{}:{}", bin.display(), env::var("PATH").expect("a path"));

    for (host, user) in [
        ("github.test", "x-access-token"),
        ("gitlab.test", "oauth2"),
        ("bitbucket.test", "x-token-auth"),
    ] {
        let server = http::Server::private_with_tls(&above(&bare), user, &token);
        let base = format!("https://{host}/");
        project.variables = server.variables_for(&base);
        project.variables.push(("PATH".into(), path.clone()));
        let build = format!("php-build | from-git {base}site.git --ref main");

        project.variables.push(("TOKEN".into(), token.clone()));
        let script = format!(
            "site=$({build} --token env://TOKEN)
            $site | image | label org.opencontainers.image.revision
            $site | image | label org.opencontainers.image.source
            $site | image | as-tarball --forced-compression Uncompressed | export image.tar"
        );
        let done = project.shell(&script);
        assert_eq!(done.code, 0, "{}", done.stderr());
        let said = done.stdout();
        assert!(said.contains(&commit), "{said}");
        assert!(said.contains(&format!("{base}site.git")), "{said}");
        let unread = project.refuses(&build, &[&format!("`main` of `{base}site.git`")]);
        project
            .variables
            .push(("TOKEN".into(), format!("{token}-not")));
        let wrong = project.refuses(
            &format!("{build} --token env://TOKEN"),
            &[&format!(
                "cannot read `main` of `{base}site.git` with the token"
            )],
        );
        for done in [done, unread, wrong] {
            project.write(&format!("said/{}", nonce()), done.stdout() + &done.stderr());
        }
        let work = project.place.path(project.dir);
        let seen = [work.join("said"), work.join("image.tar"), arguments.clone()];
        assert_eq!(holding(&token, &seen), "", "the token of {host} is told");
        assert!(!holding(&base, &seen[2..]).is_empty(), "git is another one");
    }
    let state = |name: &str| project.place.state.join(name);
    let mut looked_at = vec![state("cache"), state("index"), state("modules")];
    // There only if some other test has taken a module from git.
    looked_at.extend(Some(state("git-modules")).filter(|dir| dir.exists()));
    assert_eq!(holding(&token, &looked_at), "");
    project.variables.clear();
    project.refuses(
        "php-build | from-git http://gitlab.test/site.git --token env://PATH",
        &["a token goes over https only"],
    );
}

#[test]
fn a_checkout_over_ssh_takes_the_key_of_an_agent() {
    let mut project = slim();
    if !project.place.cli.is_built_here() {
        // The real engine does not know the key of this server's host.
        return;
    }
    let (bare, [first, second]) = published(&project);
    let server = ssh::Server::start(&above(&bare));
    let agent = server.by_agent();
    let (socket, variables): (Vec<_>, Vec<_>) = agent
        .variables
        .clone()
        .into_iter()
        .partition(|(name, _)| name == "SSH_AUTH_SOCK");
    // Not from the environment.
    project.variables = variables;
    let url = format!("ssh://git@{}{}", server.address(), bare.display());
    let build = format!("php-build | from-git {url} --ref main");
    project.refuses(&build, &["cannot read `main`", "Permission denied"]);
    let build = format!("{build} --ssh {}", socket[0].1);
    let said = project.says(&format!(
        "{build} | image | label org.opencontainers.image.revision
        {build} --commit {first} | smoke --contains 'hello from PHP'
        {build} | image | label org.opencontainers.image.source"
    ));
    assert!(said.starts_with(&second) && said.ends_with(&url), "{said}");
}

/// Those of the files, and of the files below the directories, that hold the word.
fn holding(word: &str, paths: &[PathBuf]) -> String {
    let mut search = Command::new("grep");
    search.args([
        "--recursive",
        "--text",
        "--files-with-matches",
        "--fixed-strings",
        "--",
        word,
    ]);
    let done = search.args(paths).output().expect("grep");
    assert!(
        done.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8(done.stdout).expect("paths")
}
