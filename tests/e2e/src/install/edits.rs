//! What `dagger.json` says after one command or several.

use super::{HTTP, Project};
use crate::git::Published;
use crate::git::http::Server;

fn entry(name: &str, source: &str, pin: &str) -> [String; 3] {
    [name, source, pin].map(str::to_owned)
}

#[test]
fn another_version_takes_the_place_of_the_one_before() {
    let published = Published::new();
    let server = Server::start(published.root());
    let project = Project::new(server.variables());
    published.describe_config("The second config.", &["v0.2.0"]);
    let config = format!("{HTTP}/modules/config");
    let (v1, v2) = (published.id("v0.1.0"), published.id("v0.2.0"));

    project.gives(&["install", &format!("{config}@v0.1.0")]);
    let once = project.files();
    project.gives(&["install", &format!("{config}@v0.1.0")]);
    assert_eq!(project.files(), once, "installed twice is something else");

    project.gives(&["install", &format!("{config}@v0.2.0")]);
    assert_eq!(
        project.dependencies(),
        [entry("config", &format!("{config}@v0.2.0"), &v2)]
    );
    let help = project.gives(&["-c", ".help config"]);
    assert!(help.contains("The second config."), "{help}");

    project.gives(&["update", "config@v0.1.0"]);
    let found = format!("{config}@modules/config/v0.1.0");
    assert_eq!(project.dependencies(), [entry("config", &found, &v1)]);
    project.gives(&["install", &format!("{config}@{v2}")]);
    assert_eq!(
        project.dependencies(),
        [entry("config", &format!("{config}@{v2}"), &v2)]
    );
}

#[test]
fn a_pinned_commit_stays_when_the_branch_moves_until_it_is_updated() {
    let published = Published::new();
    let server = Server::start(published.root());
    let project = Project::new(server.variables());
    let config = format!("{HTTP}/modules/config");
    let before = published.id("main");
    // No version is the default branch, which is written down.
    project.gives(&["install", &config]);
    assert_eq!(
        project.dependencies(),
        [entry("config", &format!("{config}@main"), &before)]
    );

    published.describe_config("The moved config.", &[]);
    let help = project.gives(&["-c", ".help config"]);
    assert!(!help.contains("The moved config."), "{help}");
    // What is not installed has no pin.
    let help = project.gives(&["-c", &format!(".help {config}@main")]);
    assert!(help.contains("The moved config."), "{help}");

    project.gives(&["update"]);
    let after = published.id("main");
    assert_eq!(
        project.dependencies(),
        [entry("config", &format!("{config}@main"), &after)]
    );
    let help = project.gives(&["-c", ".help config"]);
    assert!(help.contains("The moved config."), "{help}");
}

#[test]
fn a_module_is_known_by_the_name_that_it_was_given() {
    let published = Published::new();
    let server = Server::start(published.root());
    let project = Project::new(server.variables());
    let config = format!("{HTTP}/modules/config@v0.1.0");
    let bun = format!("{HTTP}/modules/bun-website@v0.1.0");
    project.gives(&["install", &config, "--name", "the-settings"]);
    let words = ["duplicate dependency name \"the-settings\"", "--name"];
    project.refuses(&["install", &bun, "--name", "the-settings"], &words);
    project.gives(&["install", &bun]);
    let names: Vec<_> = project
        .dependencies()
        .into_iter()
        .map(|[name, ..]| name)
        .collect();
    assert_eq!(names, ["bun-website", "the-settings"]);

    let schema = project.gives(&["-c", "the-settings | schema | contents"]);
    assert!(schema.contains("pipeline.yaml"), "{schema}");
    let script = ".help the-settings; .help TheSettingsEnvironment";
    let object = project.gives(&["-c", script]);
    assert!(object.contains("cloudflare-env"), "{object}");
    project.refuses(&["-c", "config"], &["`config` does not exist"]);

    // The same module by its own name again.
    project.gives(&["install", &config]);
    let names: Vec<_> = project
        .dependencies()
        .into_iter()
        .map(|[name, ..]| name)
        .collect();
    assert_eq!(names, ["bun-website", "config"]);
}

#[test]
fn a_module_is_uninstalled_by_name_or_source_and_one_that_is_absent_is_no_error() {
    let published = Published::new();
    let server = Server::start(published.root());
    let project = Project::new(server.variables());
    let fresh = project.files();
    let config = format!("{HTTP}/modules/config");
    for name in [
        "config",
        "config@v0.1.0",
        &config,
        &format!("{config}@v0.1.0"),
    ] {
        project.gives(&["install", &format!("{config}@v0.1.0")]);
        let words = ["not there with version `v9`", "name no version"];
        project.refuses(&["uninstall", "config@v9"], &words);
        project.gives(&["uninstall", name]);
        assert_eq!(project.files(), fresh, "uninstalled by `{name}`");
    }
    let done = project.run_in("", &["uninstall", "config"]);
    assert_eq!(done.code, 0);
    assert!(
        done.stderr().contains("there is no dependency `config`"),
        "{}",
        done.stderr()
    );
    assert_eq!(project.files(), fresh);
}

#[test]
fn what_cannot_be_updated_is_told() {
    let project = Project::new(Vec::new());
    project
        .place
        .write("near/dagger.json", r#"{"name": "near"}"#);
    project.gives(&["install", "./near"]);
    assert_eq!(project.dependencies(), [entry("near", "near", "")]);
    project.gives(&["update"]);
    project.refuses(&["update", "near"], &["`near` is local"]);
    project.refuses(&["update", "far"], &["there is no dependency `far`"]);
}
