//! The module's functions, on an engine that answers what a test sets.

use poniard_sdk::prelude::*;
use poniard_sdk::serde_json::{Value, json};
use poniard_sdk::testing::FakeEngine;

use crate::PhpBuild;

const COMPOSER: &str = r#"{ "name": "a/site", "require": { "php": "^8.2", "ext-gd": "*" } }"#;
const LOCK: &str = r#"{ "packages": [
    { "name": "a/cms", "require": { "ext-gd": "*" } },
    { "name": "bref/bref" }
] }"#;

/// What `check.php` writes of a base that lacks nothing.
fn complete() -> String {
    has(true, json!({ "gd": "8.4.1" }))
}

fn has(current: bool, extensions: Value) -> String {
    json!({
        "current": current,
        "php": "8.4.1",
        "extensions": extensions,
        "available": ["intl", "redis"],
    })
    .to_string()
}

/// An entry of `composer check-platform-reqs`.
fn unmet(name: &str, status: &str) -> Value {
    let failed = json!({ "source": "a/cms", "constraint": "^9.0" });
    json!({ "name": name, "version": "8.4.1", "status": status, "failed_requirement": failed })
}

/// A project without `craft-cloud.yaml` whose files are these.
fn project(check: String, files: &[(&'static str, String)]) -> FakeEngine {
    let mut all = vec![
        ("composer.json", COMPOSER.to_owned()),
        ("composer.lock", LOCK.to_owned()),
        ("/tmp/check.json", check),
    ];
    all.retain(|(name, _)| !files.iter().any(|(other, _)| other == name));
    all.extend(files.iter().cloned());
    all.retain(|(_, text)| !text.is_empty());
    let read = all.clone();
    FakeEngine::new()
        .on("defaultPlatform", "linux/amd64")
        .on_with("*.exists", move |chain| {
            let path = chain.arg("exists", "path").and_then(Value::as_str);
            Ok(json!(all.iter().any(|(name, _)| Some(*name) == path)))
        })
        .on_with("*.contents", move |chain| {
            let path = chain.arg("file", "path").and_then(Value::as_str);
            let found = read.iter().find(|(name, _)| Some(*name) == path);
            Ok(found.map_or(Value::Null, |(_, text)| json!(text)))
        })
        .on_with("*.glob", |chain| {
            let pages = chain.arg("glob", "pattern") == Some(&json!("**/index.php"));
            Ok(match pages {
                true => json!(["public/index.php", "src/index.php"]),
                false => json!([]),
            })
        })
        .on("*.entries", json!(["README.md"]))
}

/// A project with a package that requires this.
fn requiring(requirements: &str) -> FakeEngine {
    let package = format!(r#"{{ "name": "a/b", "require": {{ {requirements} }} }},"#);
    let polyfill = r#"{ "name": "a/polyfill", "provide": { "ext-mbstring": "*" } },"#;
    let lock = LOCK.replacen('[', &format!("[ {polyfill} {package}"), 1);
    project(complete(), &[("composer.lock", lock)])
}

fn call(engine: &FakeEngine, new: Value, function: &str, mut args: Value) -> Result<Value> {
    if !["fromGit", "withDatabase"].contains(&function) {
        args["workspace"] = json!("ws");
    }
    let mut given = json!({ "source": "src" });
    for (name, value) in new.as_object().into_iter().flatten() {
        given[name] = value.clone();
    }
    let built = engine.construct::<PhpBuild>(given)?;
    Ok(built.call(function, args)?.value().clone())
}

fn settings(engine: &FakeEngine) -> Result<Value> {
    call(engine, json!({}), "settings", json!({}))
}

fn error(engine: &FakeEngine, function: &str, args: Value) -> String {
    format!("{:#}", call(engine, json!({}), function, args).unwrap_err())
}

#[test]
fn types_are_current() {
    poniard_sdk::assert_types_current!(PhpBuild);
}

#[test]
fn composer_json_decides_without_craft_cloud_yaml() -> Result<()> {
    let settings = settings(&project(complete(), &[]))?;
    assert_eq!(settings["phpVersion"], "8.5");
    assert_eq!(settings["brefImage"], "bref/php-85:3");
    assert_eq!(settings["documentRoot"], "public");
    let pinned = COMPOSER.replace(
        "\"require\"",
        "\"config\": { \"platform\": { \"php\": \"8.3.7\" } }, \"require\"",
    );
    let pinned = project(complete(), &[("composer.json", pinned)]);
    assert_eq!(super::tests::settings(&pinned)?["phpVersion"], "8.3");
    Ok(())
}

#[test]
fn extensions_are_switched_on_where_they_are_and_added_where_they_are_not() -> Result<()> {
    let check = has(true, json!({}));
    let lock = LOCK.replace("\"ext-gd\"", "\"ext-intl\": \"*\", \"ext-gd\"");
    let engine = project(check.clone(), &[("composer.lock", lock)]);
    let settings = settings(&engine)?;
    assert_eq!(settings["enabledExtensions"], json!(["intl"]));
    assert_eq!(settings["extraImages"], json!(["bref/extra-gd-php-85:3"]));
    let base = call(&engine, json!({}), "base", json!({}))?;
    let base = base.as_str().unwrap_or_default();
    assert!(base.contains("extension=intl"), "{base}");
    let asked = engine.asked().join("\n");
    assert!(!asked.contains("check-platform-reqs"), "{asked}");

    let arm = json!({ "platform": "linux/arm64" });
    let refused = call(&project(check, &[]), arm, "settings", json!({})).unwrap_err();
    assert!(
        format!("{refused:#}").contains("linux/amd64 only"),
        "{refused:#}"
    );
    let arm = json!({ "platform": "linux/arm64" });
    let settings = call(&project(complete(), &[]), arm, "settings", json!({}))?;
    assert_eq!(settings["brefImage"], "bref/arm-php-85:3");
    Ok(())
}

#[test]
fn what_cannot_run_is_told_with_who_asks_for_it() {
    let lock = LOCK.replace("ext-gd", "ext-nowhere");
    let engine = project(complete(), &[("composer.lock", lock)]).on(
        "*.stdout",
        json!([unmet("php", "failed"), unmet("ext-nowhere", "missing")]).to_string(),
    );
    let said = error(&engine, "dependencies", json!({}));
    assert!(
        said.contains("a/cms requires `php` `^9.0`, but the base has PHP 8.4.1"),
        "{said}"
    );
    assert!(
        said.contains("`ext-nowhere`, required by a/cms (*)"),
        "{said}"
    );
}

#[test]
fn composer_is_asked_about_what_is_not_certain() -> Result<()> {
    for requirement in [
        r#""ext-gd": "^8.5""#,
        r#""ext-gd": "dev-main""#,
        r#""ext-nowhere": "*""#,
        r#""lib-curl": "*""#,
        r#""php": "8.4""#,
        r#""composer-plugin-api": "^1.0""#,
        // Another package comes in its place, in a version of its own.
        r#""ext-mbstring": "^8.0""#,
    ] {
        let engine = requiring(requirement).on("*.stdout", "a warning\n[]");
        settings(&engine)?;
        let asked = engine.asked().join("\n");
        assert!(
            asked.contains("check-platform-reqs"),
            "{requirement}: {asked}"
        );
    }
    for requirement in [
        r#""composer-plugin-api": "^1.1 || ^2.0", "composer-runtime-api": "^2.1""#,
        r#""ext-mbstring": "*", "php": ">=8.2 <8.5", "php-64bit": "^8", "ext-GD": "^8.4""#,
    ] {
        let engine = requiring(requirement);
        settings(&engine)?;
        let asked = engine.asked().join("\n");
        assert!(
            !asked.contains("check-platform-reqs"),
            "{requirement}: {asked}"
        );
    }
    Ok(())
}

#[test]
fn composer_is_asked_about_versions_of_it_that_are_not_the_newest_and_its_first_is_refused()
-> Result<()> {
    let requirement = r#""composer-plugin-api": "^2.2""#;
    for (version, asks) in [("2", false), ("2.1", true), ("lts", true)] {
        let engine = requiring(requirement).on("*.stdout", "[]");
        let new = json!({ "composerVersion": version });
        call(&engine, new, "settings", json!({}))?;
        let asked = engine.asked().join("\n");
        assert_eq!(asked.contains("check-platform-reqs"), asks, "{version}");
    }
    let engine = requiring(requirement);
    for version in ["1", "1.10"] {
        let new = json!({ "composerVersion": version });
        let said = call(&engine, new, "settings", json!({})).unwrap_err();
        let expected = format!(
            "`--composer-version {version}`: Composer 1 cannot install what Bref and Craft CMS need; pass `2`, or a version of it"
        );
        assert_eq!(format!("{said:#}"), expected);
    }
    Ok(())
}

#[test]
fn a_lock_file_that_is_certainly_current_is_not_looked_at() -> Result<()> {
    // The hash is what PHP makes of these names, paths and letters.
    let manifest = COMPOSER.replacen(
        '{',
        r#"{ "extra": { "a/b": {}, "é": "😀" }, "config": { "platform": { "php": "8.4" } },"#,
        1,
    );
    let lock = LOCK.replacen(
        '{',
        r#"{ "content-hash": "1a3b0278bf0a898feb2b2ed9ba1296dd","#,
        1,
    );
    for (lock, looked) in [(lock, false), (LOCK.to_owned(), true)] {
        let files = [("composer.json", manifest.clone()), ("composer.lock", lock)];
        let engine = project(complete(), &files);
        settings(&engine)?;
        let asked = engine.asked().join("\n");
        assert_eq!(asked.contains("/tmp/project"), looked, "{asked}");
    }
    Ok(())
}

#[test]
fn a_lock_file_that_is_missing_or_old_is_told() {
    let none = project(complete(), &[("composer.lock", String::new())]);
    let said = error(&none, "settings", json!({}));
    assert_eq!(
        said,
        "no `composer.lock`: run `composer update` and commit the file"
    );
    let old = project(has(false, json!({})), &[]);
    let said = error(&old, "settings", json!({}));
    assert!(
        said.starts_with("`composer.lock` is out of date: `composer.json` was changed"),
        "{said}"
    );
    let broken = project(
        String::new(),
        &[("composer.json", "{\n  \"name\": }".to_owned())],
    );
    assert!(error(&broken, "settings", json!({})).starts_with("`composer.json:2:11` is not JSON"));
}

#[test]
fn an_image_lays_packages_below_sources() -> Result<()> {
    let image = call(
        &project(complete(), &[]),
        json!({ "revision": "abc" }),
        "image",
        json!({}),
    )?;
    let image = image.as_str().unwrap_or_default();
    let order = [
        r#"withDirectory(path: "/var""#,
        r#"withDirectory(path: "/var""#,
        r#"withEnvVariable(name: "BREF_RUNTIME", value: "fpm")"#,
        r#"withDefaultArgs(args: ["public/index.php"])"#,
        r#"withLabel(name: "org.opencontainers.image.title", value: "a/site")"#,
        r#"withLabel(name: "org.opencontainers.image.revision", value: "abc")"#,
    ];
    let mut rest = image;
    for part in order {
        let Some(at) = rest.find(part) else {
            panic!("no `{part}` in its place in {image}")
        };
        rest = &rest[at + part.len()..];
    }
    Ok(())
}

#[test]
fn a_console_that_is_not_there_is_told() {
    let engine = project(complete(), &[]);
    let said = error(&engine, "image", json!({ "handler": "CONSOLE" }));
    assert!(
        said.starts_with("no `craft`, `artisan` or `bin/console`"),
        "{said}"
    );
}

#[test]
fn bad_arguments_are_refused_before_anything_is_asked() {
    let engine = project(String::new(), &[]);
    for (function, args, words) in [
        (
            "smoke",
            json!({ "path": ["about"] }),
            "path `about` must start with `/`",
        ),
        ("serve", json!({ "port": 0 }), "port 0"),
        (
            "invoke",
            json!({ "payload": "{" }),
            "the payload is not JSON",
        ),
        (
            "invoke",
            json!({ "payload": "1", "timeout": 0.0 }),
            "timeout 0",
        ),
        (
            "matrix",
            json!({ "php": ["8.2"], "package": ["cms"] }),
            "`cms` is no package with a constraint",
        ),
        (
            "matrix",
            json!({ "php": ["7.4"] }),
            "no Bref image of PHP `7.4`",
        ),
        (
            "withDatabase",
            json!({ "kind": "MYSQL", "version": "8;rm" }),
            "`8;rm` is no version",
        ),
        (
            "fromGit",
            json!({ "url": "https://a.b/c", "commit": "abc" }),
            "`abc` is no commit",
        ),
        (
            "fromGit",
            json!({ "url": "http://a.b/c", "token": "t" }),
            "over https only",
        ),
    ] {
        let said = error(&engine, function, args);
        assert!(said.contains(words), "{function}: {said}");
    }
    let asked = engine.asked().join("\n");
    assert!(
        !asked.contains("withExec") && !asked.contains("git("),
        "{asked}"
    );
}

#[test]
fn a_commit_has_to_be_on_the_branch() -> Result<()> {
    let (old, new) = ("a".repeat(40), "b".repeat(40));
    let engine = |common: &str| {
        FakeEngine::new()
            .on("git.ref.commit", new.as_str())
            .on("git.ref.commonAncestor.commit", common)
    };
    let args = json!({ "url": "https://github.com/a/b", "ref": "main", "commit": old });
    let checkout = call(&engine(&old), json!({}), "fromGit", args.clone())?;
    assert_eq!(checkout["revision"], json!(old));
    let said = format!(
        "{:#}",
        call(&engine(&new), json!({}), "fromGit", args).unwrap_err()
    );
    assert!(
        said.contains("is not on `main` of `https://github.com/a/b`"),
        "{said}"
    );
    Ok(())
}

#[test]
fn credentials_reach_the_steps_as_secrets_and_not_the_image() -> Result<()> {
    let engine = project(complete(), &[]);
    let built = engine.construct::<PhpBuild>(json!({ "source": "src" }))?;
    let built = built.call("withComposerAuth", json!({ "auth": "auth" }))?;
    let packages = built.call("dependencies", json!({ "workspace": "ws" }))?;
    let packages = packages.value().as_str().unwrap_or_default().to_owned();
    assert!(
        packages.contains(r#"withSecretVariable(name: "COMPOSER_AUTH""#),
        "{packages}"
    );
    Ok(())
}

#[test]
fn a_branch_brings_the_variables_of_its_environment() -> Result<()> {
    let engine = project(complete(), &[("pipeline.yaml", "…".to_owned())])
        .on("config.forBranch.name", "staging")
        .on("config.forBranch.variables", json!(["SITE_NAME=A site"]));
    let built = engine.construct::<PhpBuild>(json!({ "source": "src" }))?;
    let built = built.call(
        "withBranch",
        json!({ "branch": "develop", "workspace": "ws" }),
    )?;
    let image = built.call("image", json!({ "workspace": "ws" }))?;
    let image = image.value().as_str().unwrap_or_default().to_owned();
    for pair in [
        r#"withEnvVariable(name: "SITE_NAME", value: "A site")"#,
        r#"withEnvVariable(name: "CRAFT_ENVIRONMENT", value: "staging")"#,
    ] {
        assert!(image.contains(pair), "no `{pair}` in {image}");
    }
    Ok(())
}

#[test]
fn a_queue_needs_its_handler() {
    let engine = project(complete(), &[]);
    let said = error(&engine, "image", json!({ "handler": "QUEUE" }));
    assert!(said.starts_with("no `queue.php` in the project"), "{said}");
}

#[test]
fn an_image_needs_the_runtime() {
    let lock = LOCK.replace("bref/bref", "a/other");
    let engine = project(complete(), &[("composer.lock", lock)]);
    let said = error(&engine, "image", json!({}));
    assert!(said.contains("run `composer require bref/bref`"), "{said}");
}
