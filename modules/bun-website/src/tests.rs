//! The module's functions, on an engine that answers what a test sets.

use poniard_sdk::prelude::*;
use poniard_sdk::serde_json::{Value, json};
use poniard_sdk::testing::FakeEngine;

use crate::BunWebsite;

const MANIFEST: &str =
    r#"{ "name": "site", "scripts": { "build": "astro build", "dev": "astro dev" } }"#;

/// A workspace whose caller is in `/site`, and the files that are found there.
fn workspace(found: &[(&str, &str)]) -> FakeEngine {
    let mut engine = FakeEngine::new()
        .on("Workspace.findUp", Value::Null)
        .on("Workspace.path", "site")
        .on("Workspace.directory.file.contents", MANIFEST);
    for (name, path) in found {
        let (name, path, from) = ((*name).to_owned(), (*path).to_owned(), parent(found));
        for chain in [
            format!(r#"Workspace(id: "ws").findUp(name: "{name}")"#),
            format!(r#"Workspace(id: "ws").findUp(from: "{from}", name: "{name}")"#),
        ] {
            engine = engine.on(&chain, path.as_str());
        }
    }
    engine
}

/// The directory of the package that is found.
fn parent(found: &[(&str, &str)]) -> String {
    let manifest = found.iter().find(|(name, _)| *name == "package.json");
    manifest.map_or_else(String::new, |(_, path)| {
        path.trim_end_matches("/package.json").to_owned()
    })
}

fn site() -> FakeEngine {
    workspace(&[
        ("package.json", "/site/package.json"),
        ("bun.lock", "/site/bun.lock"),
    ])
}

/// A build that leaves `dist` with a page.
fn builds(engine: FakeEngine) -> FakeEngine {
    engine
        .on("*.exists", true)
        .on("*.directory.entries", json!(["index.html"]))
}

fn call(engine: &FakeEngine, function: &str, mut args: Value) -> Result<Value> {
    if !["check", "serve"].contains(&function) {
        args["workspace"] = json!("ws");
    }
    let website = engine.construct::<BunWebsite>(json!({}))?;
    Ok(website.call(function, args)?.value().clone())
}

fn error(engine: &FakeEngine, function: &str, args: Value) -> String {
    format!("{:#}", call(engine, function, args).unwrap_err())
}

#[test]
fn types_are_current() {
    poniard_sdk::assert_types_current!(BunWebsite);
}

#[test]
fn installing_sees_the_manifests_before_the_source_is_there() -> Result<()> {
    let built = call(&builds(site()), "build", json!({}))?;
    let built = built.as_str().unwrap_or_default();
    let order = [
        r#"from(address: "oven/bun:1")"#,
        r#"withMountedCache(cache: "#,
        r#"withDirectory(path: "/app""#,
        r#"withExec(args: ["bun","ci"])"#,
        r#"withDirectory(path: "/app""#,
        r#"withExec(args: ["bun","run","build"])"#,
        r#"directory(path: "/app/dist")"#,
    ];
    let mut rest = built;
    for part in order {
        let at = rest.find(part);
        let Some(at) = at else {
            panic!("no `{part}` in its place in {built}")
        };
        rest = &rest[at + part.len()..];
    }
    Ok(())
}

#[test]
fn the_manifests_hold_no_page() -> Result<()> {
    let engine = builds(site());
    call(&engine, "build", json!({ "output": "public" }))?;
    let asked = engine.asked();
    let directories: Vec<_> = asked
        .iter()
        .filter(|chain| {
            chain.starts_with(r#"Workspace(id: "ws").directory("#) && chain.ends_with(".id")
        })
        .collect();
    let has = |text: &str| directories.iter().any(|chain| chain.contains(text));
    assert!(
        has(r#"exclude: ["**/node_modules","**/.git","**/.astro","public"], path: "/site""#),
        "{asked:?}"
    );
    assert!(
        has(r#"include: ["package.json","bun.lock","bunfig.toml",".npmrc"]"#),
        "{asked:?}"
    );
    Ok(())
}

#[test]
fn a_project_with_install_scripts_is_installed_from_its_whole_source() -> Result<()> {
    let engine = builds(site()).on(
        "Workspace.directory.file.contents",
        r#"{ "scripts": { "build": "x", "postinstall": "bun fetch.ts" } }"#,
    );
    call(&engine, "build", json!({}))?;
    assert!(
        !engine
            .asked()
            .iter()
            .any(|chain| chain.contains("include:")),
        "{:?}",
        engine.asked()
    );
    Ok(())
}

#[test]
fn a_package_of_a_monorepo_is_locked_above() -> Result<()> {
    let engine = builds(workspace(&[
        ("package.json", "/apps/site/package.json"),
        ("bun.lock", "/bun.lock"),
    ]))
    .on(
        r#"Workspace(id: "ws").file(path: "/bun.lock").contents"#,
        r#""apps/site": { "name": "site" }"#,
    )
    .on(
        "Workspace.directory.glob",
        json!([
            "apps/site/package.json",
            "libs/ui/package.json",
            "package.json"
        ]),
    )
    .on_with("Workspace.directory.file.contents", |chain| {
        let root = chain.arg("file", "path") == Some(&json!("package.json"));
        Ok(json!(if root {
            r#"{ "workspaces": ["apps/*", "libs/*"] }"#
        } else {
            MANIFEST
        }))
    });
    let built = call(&engine, "build", json!({}))?;
    let built = built.as_str().unwrap_or_default();
    assert!(
        built.contains(r#"withWorkdir(path: "/app/apps/site")"#),
        "{built}"
    );
    assert!(
        built.ends_with(r#"directory(path: "/app/apps/site/dist")"#),
        "{built}"
    );
    let asked = engine.asked().join("\n");
    assert!(
        asked.contains(r#""libs/ui/package.json""#) && asked.contains(r#""apps/site/dist""#),
        "{asked}"
    );
    Ok(())
}

#[test]
fn what_is_missing_is_named_before_anything_is_built() {
    let nothing = workspace(&[]);
    assert_eq!(
        error(&nothing, "build", json!({})),
        "no `package.json` in `site` or above: go to the website's directory, or pass `--source`"
    );
    let unlocked = workspace(&[("package.json", "/site/package.json")]);
    assert_eq!(
        error(&unlocked, "build", json!({})),
        "no `bun.lock` for `site/package.json`: run `bun install` and commit `bun.lock`"
    );
    let binary = workspace(&[
        ("package.json", "/site/package.json"),
        ("bun.lockb", "/site/bun.lockb"),
    ]);
    assert!(
        error(&binary, "install", json!({})).starts_with("`site/bun.lockb` is a binary lock file")
    );
    let elsewhere = workspace(&[
        ("package.json", "/docs/package.json"),
        ("bun.lock", "/bun.lock"),
    ])
    .on("Workspace.file.contents", r#"{ "workspaces": { "": {} } }"#);
    assert!(
        error(&elsewhere, "build", json!({})).starts_with("no `bun.lock` for `docs/package.json`")
    );
    for (function, args) in [
        ("build", json!({ "script": "site" })),
        ("run", json!({ "script": "site" })),
    ] {
        assert_eq!(
            error(&site(), function, args),
            "no script `site` in `site/package.json`: it has `build`, `dev`"
        );
    }
    for engine in [nothing, unlocked, binary, elsewhere, site()] {
        assert!(
            !engine
                .asked()
                .iter()
                .any(|chain| chain.contains("withExec"))
        );
    }
}

#[test]
fn an_output_that_is_no_directory_below_the_package_is_refused() {
    for output in ["", ".", "..", "/dist", "a/../..", "a//b"] {
        let error = error(&FakeEngine::new(), "build", json!({ "output": output }));
        assert!(
            error.starts_with(&format!("output `{output}` must be")),
            "{error}"
        );
    }
}

#[test]
fn a_build_without_output_names_what_is_there() {
    let engine = site()
        .on("*.exists", false)
        .on("*.directory.entries", json!(["package.json", "public/"]));
    assert_eq!(
        error(&engine, "build", json!({})),
        "`bun run build` made no directory `dist`: there are `package.json`, `public/`; pass `--output`"
    );
    let empty = site()
        .on("*.exists", true)
        .on("*.directory.entries", json!([]));
    assert_eq!(
        error(&empty, "build", json!({})),
        "`bun run build` left `dist` empty"
    );
}

#[test]
fn a_failing_script_comes_through_with_its_output() {
    let failed = EngineError::new("exit code: 3")
        .with_value("exitCode", 3)
        .with_value("stderr", "no such page");
    let engine = site().on_error("*.exists", failed);
    let report = call(&engine, "build", json!({})).unwrap_err();
    let found = EngineError::find(&report);
    assert_eq!(
        found.and_then(|error| error.exit_code()),
        Some(3),
        "{report:#}"
    );
}

#[test]
fn a_given_source_is_built_without_the_workspace() -> Result<()> {
    let engine = builds(FakeEngine::new())
        .on(
            "Directory.filter.entries",
            json!(["bun.lock", "package.json", "src/"]),
        )
        .on("Directory.filter.file.contents", MANIFEST);
    let built = call(&engine, "build", json!({ "source": "given" }))?;
    assert!(
        built
            .as_str()
            .unwrap_or_default()
            .ends_with(r#"directory(path: "/app/dist")"#),
        "{built}"
    );
    assert!(
        !engine
            .asked()
            .iter()
            .any(|chain| chain.starts_with("Workspace"))
    );
    let empty = FakeEngine::new().on("Directory.filter.entries", json!(["src/"]));
    assert_eq!(
        error(&empty, "build", json!({ "source": "given" })),
        "no `package.json` in the directory given as source: it has `src/`"
    );
    Ok(())
}

#[test]
fn tests_run_the_script_or_buns_own_runner() -> Result<()> {
    let ran = |manifest: &str, function: &str| -> Result<String> {
        let engine = site().on("Workspace.directory.file.contents", manifest);
        call(&engine, function, json!({}))?;
        Ok(engine.asked().last().cloned().unwrap_or_default())
    };
    let with = r#"{ "scripts": { "test": "vitest", "lint": "biome ci" } }"#;
    assert!(ran(with, "test")?.contains(r#"["bun","run","test"]"#));
    assert!(ran(MANIFEST, "test")?.contains(r#"["bun","test"]"#));
    assert!(ran(with, "lint")?.contains(r#"["bun","run","lint"]"#));
    assert!(error(&site(), "lint", json!({})).starts_with("no script `lint`"));
    Ok(())
}

#[test]
fn tools_variables_and_secrets_are_there_when_dependencies_are_installed() -> Result<()> {
    let engine = builds(site());
    let website = engine
        .construct::<BunWebsite>(json!({ "version": "1.2" }))?
        .call("withD2", json!({ "version": "v0.7.1" }))?
        .call("withEnv", json!({ "name": "SITE", "value": "x" }))?
        .call(
            "withSecret",
            json!({ "name": "NPM_TOKEN", "secret": "token" }),
        )?;
    let built = website.call("build", json!({ "workspace": "ws" }))?;
    let built = built.value().as_str().unwrap_or_default();
    let (before, _) = built
        .split_once(r#"withExec(args: ["bun","ci"])"#)
        .unwrap_or_default();
    assert!(
        before.contains(r#"from(address: "oven/bun:1.2")"#),
        "{built}"
    );
    assert!(
        before.contains(r#"withFile(path: "/usr/local/bin/d2", permissions: 493"#),
        "{built}"
    );
    assert!(
        before.contains(r#"withEnvVariable(name: "SITE", value: "x")"#),
        "{built}"
    );
    assert!(
        before.contains(r#"withSecretVariable(name: "NPM_TOKEN", secret: "token")"#),
        "{built}"
    );
    assert!(
        engine
            .asked()
            .iter()
            .any(|chain| chain.contains(r#"from(address: "terrastruct/d2:v0.7.1").file"#))
    );
    Ok(())
}

fn dist(files: &[(&str, &str)]) -> FakeEngine {
    let names: Vec<_> = files.iter().map(|(path, _)| *path).collect();
    let mut engine = FakeEngine::new().on("Directory.glob", json!(names));
    for (path, html) in files {
        engine = engine.on(
            &format!(r#"Directory(id: "dist").file(path: "{path}").contents"#),
            *html,
        );
    }
    engine
}

#[test]
fn check_reads_pages_only_and_fails_with_the_whole_list() -> Result<()> {
    let fine = dist(&[
        ("index.html", "<a href=/a/>a</a><img src=/p.png>"),
        ("a/", ""),
        ("a/index.html", "a"),
        ("p.png", ""),
    ]);
    let passed = call(&fine, "check", json!({ "dist": "dist" }))?;
    assert_eq!(passed, json!("2 pages, 2 links: all lead somewhere"));
    assert!(!fine.asked().iter().any(|chain| chain.contains("p.png")));

    let broken = dist(&[
        ("index.html", "<a href=/a/>a</a>\n<a href=/api/x>b</a>"),
        ("b.html", ""),
    ]);
    assert_eq!(
        error(
            &broken,
            "check",
            json!({ "dist": "dist", "ignore": ["/api/*"] })
        ),
        "2 problems in 2 pages:\nb.html: the page is empty\nindex.html:1: <a href=\"/a/\">: no `a/index.html` in the site"
    );
    let none = dist(&[("readme.txt", "")]);
    assert_eq!(
        error(&none, "check", json!({ "dist": "dist" })),
        "no page in the directory: it has `readme.txt`"
    );
    Ok(())
}

#[test]
fn serving_mounts_the_site_and_exposes_the_port() -> Result<()> {
    let engine = FakeEngine::new();
    let server = call(&engine, "serve", json!({ "dist": "dist", "port": 3000 }))?;
    let server = server.as_str().unwrap_or_default();
    assert!(
        server.contains(r#"withExposedPort(port: 3000)"#),
        "{server}"
    );
    assert!(
        server.ends_with(r#"asService(args: ["bun","/srv/serve.js","/srv/site","3000"])"#),
        "{server}"
    );
    assert!(error(&engine, "serve", json!({ "dist": "dist", "port": 0 })).starts_with("port 0"));
    Ok(())
}
