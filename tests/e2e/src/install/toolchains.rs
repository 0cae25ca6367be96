//! The other list of `dagger.json`.

use super::{HTTP, Project, listed};
use crate::git::Published;
use crate::git::http::Server;

#[test]
fn a_toolchain_is_reached_without_m_and_only_by_the_name_it_was_given() {
    let published = Published::new();
    let server = Server::start(published.root());
    let project = Project::new(server.variables());
    let fresh = project.files();
    let config = format!("{HTTP}/modules/config@v0.1.0");
    project.gives(&["toolchain", "install", &config, "--name", "settings"]);
    let names = listed(&project.manifest(), "toolchains");
    assert_eq!(names[0][0], "settings");
    assert_eq!(names[0][2], published.id("v0.1.0"));
    let table = project.gives(&["toolchain", "list"]);
    assert!(table.contains("\nsettings   http://git.test/"), "{table}");

    let functions = project.gives(&["functions"]);
    assert!(functions.contains("\nsettings "), "{functions}");
    let schema = project.gives(&["call", "settings", "schema", "contents"]);
    assert!(schema.contains("pipeline.yaml"), "{schema}");
    let schema = project.gives(&["-c", "settings | schema | contents"]);
    assert!(schema.contains("pipeline.yaml"), "{schema}");
    // As in Dagger.
    project.refuses(
        &["-m", "settings", "functions"],
        &["only a toolchain", "`dependencies`"],
    );

    project.gives(&["toolchain", "uninstall", "settings"]);
    assert_eq!(project.files(), fresh);
}
