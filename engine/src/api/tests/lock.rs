//! The lock: what it says counts, and what it lacks is added.

use std::fs;
use std::process::Command;

use super::*;
use crate::lock::{FILE, parse};
use crate::module::reference;

/// A repository with a commit on `main`, tagged `v1.0.0`; gives its address.
fn repository(bench: &Bench) -> String {
    let dir = bench.0.path().join("repo");
    fs::create_dir(&dir).unwrap();
    let url = format!("file://{}", dir.display());
    git(bench, &["init", "-q", "-b", "main"]);
    commit(bench);
    git(bench, &["tag", "v1.0.0"]);
    url
}

fn git(bench: &Bench, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Ann", "-c", "user.email=ann@shop.test"])
        .args(args)
        .current_dir(bench.0.path().join("repo"))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Another commit; gives its id.
fn commit(bench: &Bench) -> String {
    git(bench, &["commit", "-q", "--allow-empty", "-m", "Next"]);
    git(bench, &["rev-parse", "HEAD"])
}

fn lock(bench: &Bench) -> String {
    fs::read_to_string(bench.work(FILE)).unwrap_or_default()
}

fn write(bench: &Bench, lines: &[String]) {
    let text = format!("[[\"version\",\"1\"]]\n{}", lines.join("\n"));
    fs::create_dir_all(bench.work(".dagger")).unwrap();
    fs::write(bench.work(FILE), text).unwrap();
}

/// The commit that a field of the repository gives in a run with the mode.
async fn asked(bench: &Bench, mode: Mode, url: &str, field: &str) -> String {
    let client = bench.caller_with(mode);
    let query = format!(r#"{{git(url:"{url}"){{{field}{{commit}}}}}}"#);
    let commit = value(&client, &query).await;
    client.engine().write_lock().await.unwrap();
    commit.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn refs_that_were_looked_up_are_found_in_the_lock_again() {
    let bench = Bench::new();
    let url = repository(&bench);
    let first = git(&bench, &["rev-parse", "HEAD"]);
    // With whether they go on following what they name.
    let fields = [
        ("head", true),
        (r#"branch(name:"main")"#, true),
        (r#"ref(name:"main")"#, true),
        (r#"tag(name:"v1.0.0")"#, false),
        ("latestVersion", false),
    ];
    for (field, _) in fields {
        assert_eq!(
            asked(&bench, Mode::Live, &url, field).await,
            first,
            "{field}"
        );
    }
    let line = |operation: &str, name: &str, policy: &str| {
        format!(r#"["","git.{operation}",["{url}"{name}],"{first}","{policy}"]"#)
    };
    let lines = [
        r#"[["version","1"]]"#.to_owned(),
        line("branch", r#","main""#, "float"),
        line("head", "", "float"),
        line("ref", r#","main""#, "float"),
        line("ref", r#","refs/tags/v1.0.0""#, "pin"),
        line("tag", r#","v1.0.0""#, "pin"),
    ];
    assert_eq!(lock(&bench), lines.join("\n"));

    // The tag is moved as well, as none should be.
    let second = commit(&bench);
    git(&bench, &["tag", "-f", "v1.0.0"]);
    for (field, _) in fields {
        assert_eq!(
            asked(&bench, Mode::Frozen, &url, field).await,
            first,
            "{field}"
        );
        assert_eq!(
            asked(&bench, Mode::Disabled, &url, field).await,
            second,
            "{field}"
        );
    }
    assert_eq!(lock(&bench), lines.join("\n"));
    for (field, floats) in fields {
        let expected = if floats { &second } else { &first };
        assert_eq!(
            &asked(&bench, Mode::Pinned, &url, field).await,
            expected,
            "{field}"
        );
    }
    let floating = lines.map(|line| match line.contains("float") {
        true => line.replace(&first, &second),
        false => line,
    });
    assert_eq!(lock(&bench), floating.join("\n"));
    for (field, _) in fields {
        assert_eq!(
            asked(&bench, Mode::Live, &url, field).await,
            second,
            "{field}"
        );
    }
    assert_eq!(lock(&bench), floating.join("\n").replace(&first, &second));
}

#[tokio::test]
async fn a_module_in_git_is_of_the_commit_that_the_lock_has() {
    let bench = Bench::new();
    let url = repository(&bench);
    let module = async |mode, version: &str| {
        let client = bench.caller_with(mode);
        let reference = format!("{url}@{version}");
        let found = reference::of_flag(client.engine(), &reference, &bench.work("")).await;
        client.engine().write_lock().await.unwrap();
        found.map(|dir| fs::read_to_string(dir.join("dagger.json")).unwrap())
    };
    let config = |name: &str| {
        let text = format!(r#"{{"name":"{name}"}}"#);
        fs::write(bench.0.path().join("repo/dagger.json"), &text).unwrap();
        git(&bench, &["add", "."]);
        (text, commit(&bench))
    };
    let (old, first) = config("old");
    git(&bench, &["tag", "stable"]);
    for version in ["main", "stable"] {
        assert_eq!(module(Mode::Live, version).await.unwrap(), old);
    }
    let expected = [
        r#"[["version","1"]]"#.to_owned(),
        format!(r#"["","modules.resolve",["{url}@main"],"{first}","float"]"#),
        format!(r#"["","modules.resolve",["{url}@stable"],"{first}","pin"]"#),
    ];
    assert_eq!(lock(&bench), expected.join("\n"));
    let (new, second) = config("new");
    git(&bench, &["tag", "-f", "stable"]);
    assert_eq!(module(Mode::Frozen, "main").await.unwrap(), old);
    assert_eq!(module(Mode::Pinned, "main").await.unwrap(), new);
    assert_eq!(module(Mode::Pinned, "stable").await.unwrap(), old);
    assert_eq!(module(Mode::Disabled, "stable").await.unwrap(), new);
    assert_eq!(
        lock(&bench),
        expected.join("\n").replacen(&first, &second, 1)
    );
    let missing = module(Mode::Frozen, "v1.0.0")
        .await
        .unwrap_err()
        .to_string();
    assert!(
        missing.contains("missing lock entry for `modules.resolve "),
        "{missing}"
    );
}

#[tokio::test]
async fn what_the_lock_lacks_fails_when_it_is_frozen_and_is_not_added() {
    let bench = Bench::new();
    let client = bench.caller_with(Mode::Frozen);
    for (query, words) in [
        (
            r#"{git(url:"https://git.test/r.git"){head{commit}}}"#,
            "missing lock entry for `git.head https://git.test/r.git`",
        ),
        (
            r#"{container{from(address:"registry.test/app"){sync}}}"#,
            "missing lock entry for `container.from registry.test/app:latest linux/",
        ),
    ] {
        let said = error(&client, query).await.message;
        assert!(said.contains(words), "{said}");
    }
    client.engine().write_lock().await.unwrap();
    assert!(!bench.work(".dagger").exists());
}

#[tokio::test]
async fn a_pinned_image_is_asked_for_by_its_digest() {
    let bench = Bench::new();
    let digest = format!("sha256:{}", "0".repeat(64));
    let platform = value(&bench.caller(), "{defaultPlatform}").await;
    // Nobody listens there.
    let name = "127.0.0.1:1/app";
    let line = format!(r#"["","container.from",["{name}:latest",{platform}],"{digest}","pin"]"#);
    write(&bench, &[line]);
    let query = format!(r#"{{container{{from(address:"{name}"){{sync}}}}}}"#);
    for (mode, by_digest) in [
        (Mode::Pinned, true),
        (Mode::Frozen, true),
        (Mode::Live, false),
    ] {
        let said = error(&bench.caller_with(mode), &query).await.message;
        let by = said.contains(&digest);
        assert!(said.contains(name) && by == by_digest, "{mode:?}: {said}");
    }
}

#[tokio::test]
async fn an_update_is_a_change_of_the_lock_alone_and_writes_nothing() {
    let bench = Bench::new();
    let url = repository(&bench);
    fs::write(bench.work("other"), "x").unwrap();
    let old = "c0ffee".repeat(7)[..40].to_owned();
    write(
        &bench,
        &[
            format!(r#"["","git.head",["{url}"],"{old}","pin"]"#),
            format!(r#"["","git.tag",["{url}","v1.0.0"],"{old}","float"]"#),
            format!(r#"["","modules.resolve",["{url}@v1.0.0"],"{old}","float"]"#),
        ],
    );
    let before = lock(&bench);
    let commit = git(&bench, &["rev-parse", "HEAD"]);
    let client = bench.caller();
    let query = "{currentWorkspace{update{addedPaths modifiedPaths removedPaths isEmpty}}}";
    let found = value(&client, query).await;
    assert_eq!(
        found,
        json!({"addedPaths": [], "modifiedPaths": [FILE], "removedPaths": [], "isEmpty": false})
    );
    let query =
        format!(r#"{{currentWorkspace{{update{{after{{file(path:"{FILE}"){{contents}}}}}}}}}}"#);
    let after = value(&client, &query).await;
    assert_eq!(after, before.replace(&old, &commit));
    assert_eq!(lock(&bench), before);
    // Applied, it is all there is to do.
    value(&client, r#"{currentWorkspace{update{export(path:".")}}}"#).await;
    assert_eq!(lock(&bench), before.replace(&old, &commit));
    assert_eq!(
        value(&client, "{currentWorkspace{update{isEmpty}}}").await,
        true
    );
    assert_eq!(fs::read_to_string(bench.work("other")).unwrap(), "x");
}

#[tokio::test]
async fn an_update_without_a_lock_makes_an_empty_one() {
    let bench = Bench::new();
    let client = bench.caller();
    let added = value(&client, "{currentWorkspace{update{addedPaths}}}").await;
    assert!(added.as_array().unwrap().contains(&json!(FILE)), "{added}");
    value(&client, r#"{currentWorkspace{update{export(path:".")}}}"#).await;
    assert_eq!(fs::read_to_string(bench.work(FILE)).unwrap(), "");
    assert_eq!(
        value(&client, "{currentWorkspace{update{isEmpty}}}").await,
        true
    );
}

#[tokio::test]
async fn an_update_tells_what_it_cannot_look_up() {
    let bench = Bench::new();
    let url = repository(&bench);
    for (line, words) in [
        (
            r#"["acme","resolve",["x"],"v","pin"]"#.to_owned(),
            "`acme resolve x` is no lookup that poniard knows",
        ),
        (
            format!(r#"["","git.branch",["{url}","gone"],"v","pin"]"#),
            "has no ref `gone`",
        ),
        (
            r#"["","container.from",["127.0.0.1:1/app:1","linux/amd64"],"v","pin"]"#.to_owned(),
            "127.0.0.1:1/app:1",
        ),
        ("x".to_owned(), "cannot read `.dagger/lock`: line 2"),
    ] {
        write(&bench, &[line]);
        let said = error(&bench.caller(), "{currentWorkspace{update{isEmpty}}}").await;
        assert!(said.message.contains(words), "{}", said.message);
    }
    assert!(parse(&lock(&bench)).is_err());
}
