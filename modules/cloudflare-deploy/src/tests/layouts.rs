//! Where the built site lands for what a configuration says.

use poniard_sdk::api::{Id, Workspace};
use poniard_sdk::prelude::*;
use poniard_sdk::serde_json::{Value, json};
use poniard_sdk::testing::FakeEngine;

use crate::layout::{Layout, Parts};
use crate::wrangler_config::Settings;

/// An engine with these files in the built site (a folder ends in `/`), and
/// these in the workspace, whose caller is in `/apps/site`.
struct World {
    dist: Vec<&'static str>,
    workspace: Vec<&'static str>,
}

/// What matters of a layout: where the configuration and the site are, and
/// what is beside the configuration.
type Places = (String, String, Option<String>);

const CONFIG: &str = "wrangler.jsonc";

fn exists(files: &[&str], root: &str, path: &Value, kind: &Value) -> Value {
    let path = format!("{root}{}", path.as_str().unwrap_or_default());
    let found = match kind.as_str() {
        Some("REGULAR_TYPE") => files.contains(&path.as_str()),
        _ => files
            .iter()
            .any(|file| file.starts_with(&format!("{path}/"))),
    };
    found.into()
}

impl World {
    fn engine(&self, text: &str) -> FakeEngine {
        let text = text.to_owned();
        let (dist, workspace) = (self.dist.clone(), self.workspace.clone());
        let entries: Vec<_> = dist
            .iter()
            .filter_map(|file| file.split('/').next())
            .collect();
        let configs = |files: &[&str]| -> Vec<String> {
            let matching = files.iter().filter(|file| file.ends_with(CONFIG));
            matching.map(|file| (*file).to_owned()).collect()
        };
        let in_dist = dist.clone();
        let in_workspace = workspace.clone();
        FakeEngine::new()
            .on("Directory.entries", json!(entries))
            .on("Directory.glob", json!(configs(&dist)))
            .on("Directory.file.contents", text.as_str())
            .on_with("Directory.exists", move |chain| {
                let arg = |name| chain.arg("exists", name).cloned().unwrap_or_default();
                Ok(exists(&in_dist, "", &arg("path"), &arg("expectedType")))
            })
            .on("Workspace.path", "/apps/site")
            .on("Workspace.directory.glob", json!(configs(&workspace)))
            .on("Workspace.directory.file.contents", text)
            .on_with("Workspace.directory.exists", move |chain| {
                let root = chain.arg("directory", "path").and_then(Value::as_str);
                let root = format!("{}/", root.unwrap_or_default().trim_start_matches('/'));
                let arg = |name| chain.arg("exists", name).cloned().unwrap_or_default();
                Ok(exists(
                    &in_workspace,
                    &root,
                    &arg("path"),
                    &arg("expectedType"),
                ))
            })
    }

    fn layout(&self, text: &str) -> Result<Places> {
        let engine = self.engine(text);
        let settings = Settings::read(CONFIG, text, None)?;
        engine.run(async {
            let dist: Directory = dag().object(Id("dist".into()));
            let workspace: Workspace = dag().object(Id("ws".into()));
            let parts = Parts {
                settings: &settings,
                text,
                dist: &dist,
                source: None,
                workspace: &workspace,
            };
            let Layout {
                home,
                dist,
                project,
            } = parts.layout().await?;
            let project = match project {
                Some(project) => Some(project.id().await?.0),
                None => None,
            };
            Ok((home, dist, project))
        })
    }

    #[track_caller]
    fn refused(&self, text: &str, words: &[&str]) {
        let error = format!("{:#}", self.layout(text).unwrap_err());
        for word in words {
            assert!(error.contains(word), "`{word}` is not in {error}");
        }
    }
}

fn built(files: &[&'static str]) -> World {
    World {
        dist: files.to_vec(),
        workspace: Vec::new(),
    }
}

fn assets(directory: &str) -> String {
    format!(r#"{{ "name": "site", "assets": {{ "directory": "{directory}" }} }}"#)
}

fn script(main: &str, directory: &str) -> String {
    format!(r#"{{ "name": "site", "main": "{main}", "assets": {{ "directory": "{directory}" }} }}"#)
}

fn alone(home: &str, dist: &str) -> Places {
    (home.to_owned(), dist.to_owned(), None)
}

#[test]
fn a_site_of_files_lies_where_the_configuration_says() -> Result<()> {
    let site = built(&["index.html", "assets/a.css"]);
    for (directory, place) in [
        ("./dist", "dist"),
        ("dist/", "dist"),
        ("public", "public"),
        ("./build/client", "build/client"),
        ("./a/../b", "b"),
    ] {
        assert_eq!(
            site.layout(&assets(directory))?,
            alone("", place),
            "{directory}"
        );
    }
    Ok(())
}

#[test]
fn a_part_of_the_site_may_be_the_assets() -> Result<()> {
    let site = built(&["client/index.html", "server/index.js"]);
    assert_eq!(site.layout(&assets("./dist/client"))?, alone("", "dist"));
    let both = script("./dist/server/index.js", "./dist/client");
    assert_eq!(site.layout(&both)?, alone("", "dist"));
    Ok(())
}

#[test]
fn a_script_among_the_assets_is_found() -> Result<()> {
    let site = built(&["index.html", "_worker.js/index.js"]);
    let text = script("dist/_worker.js/index.js", "./dist");
    assert_eq!(site.layout(&text)?, alone("", "dist"));
    Ok(())
}

#[test]
fn a_script_without_assets_is_the_site() -> Result<()> {
    let text = r#"{ "name": "api", "main": "build/index.js" }"#;
    assert_eq!(
        built(&["index.js", "chunk.js"]).layout(text)?,
        alone("", "build")
    );
    Ok(())
}

#[test]
fn paths_upwards_get_directories_above() -> Result<()> {
    let site = built(&["index.html"]);
    assert_eq!(
        site.layout(&assets("../../dist"))?,
        alone("project/project", "dist")
    );
    Ok(())
}

#[test]
fn a_configuration_that_was_built_along_is_found_in_the_site() -> Result<()> {
    let site = built(&["client/index.html", "site/index.js", "site/wrangler.jsonc"]);
    let text = script("index.js", "../client");
    assert_eq!(site.layout(&text)?, alone("dist/site", "dist"));
    Ok(())
}

#[test]
fn a_script_outside_the_site_comes_from_beside_the_configuration() -> Result<()> {
    let world = World {
        dist: vec!["index.html"],
        workspace: vec!["apps/site/wrangler.jsonc", "apps/site/src/worker.ts"],
    };
    let (home, dist, project) = world.layout(&script("src/worker.ts", "./dist"))?;
    assert_eq!(
        (home.as_str(), dist.as_str()),
        ("apps/site", "apps/site/dist")
    );
    let project = project.unwrap_or_default();
    assert!(project.contains(r#"path: "/apps/site""#), "{project}");
    for part in [
        "**/node_modules",
        "**/.env*",
        "**/.dev.vars*",
        "**/.git",
        r#""dist""#,
    ] {
        assert!(project.contains(part), "`{part}` is uploaded: {project}");
    }
    Ok(())
}

#[test]
fn a_configuration_elsewhere_in_the_workspace_is_found_by_its_text() -> Result<()> {
    let world = World {
        dist: vec!["index.html"],
        workspace: vec!["shop/wrangler.jsonc", "shop/src/worker.ts"],
    };
    let (home, dist, project) = world.layout(&script("src/worker.ts", "../dist"))?;
    assert_eq!((home.as_str(), dist.as_str()), ("shop", "dist"));
    assert!(project.is_some());
    Ok(())
}

#[test]
fn what_is_missing_is_told_before_anything_is_sent() {
    built(&[]).refused(&assets("./dist"), &["empty", "build the site first"]);
    let site = built(&["index.html"]);
    let text = script("./dist/_worker.js", "./dist");
    site.refused(
        &text,
        &["wrangler.jsonc:1:27: `main`", "`index.html`", "--source"],
    );
    let world = World {
        dist: vec!["index.html"],
        workspace: vec!["apps/site/wrangler.jsonc"],
    };
    let text = script("src/worker.ts", "./dist");
    world.refused(
        &text,
        &[
            "`main`: no `src/worker.ts`",
            "`index.html`",
            "`apps/site` of the workspace",
        ],
    );
    let twice = World {
        dist: vec!["index.html"],
        workspace: vec!["a/wrangler.jsonc", "b/wrangler.jsonc"],
    };
    twice.refused(&text, &["`a`, `b`", "--source"]);
}

#[test]
fn a_configuration_is_never_published_with_the_site() {
    for directory in [".", "./", "..", "a/.."] {
        built(&["index.html"]).refused(
            &assets(directory),
            &["`assets.directory`", "which would be published"],
        );
    }
}
