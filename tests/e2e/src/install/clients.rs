//! A module in Rust that calls an installed one through its typed client.

use std::fs;

use super::{HTTP, listed, manifest};
use crate::fixture::{copy_tracked, greeter};
use crate::git::Published;
use crate::git::http::Server;
use crate::place::{LIMIT, Place, argument};
use test_support::{Finished, Running};

/// Asks the dependency `name` for its schema.
fn asks(name: &str) -> String {
    format!(
        "use poniard_sdk::prelude::*;\n\n\
         mod deps {{\n    poniard_sdk::dependencies!();\n}}\n\
         use deps::Dependencies;\n\n\
         /// Greets.\n#[object]\npub struct Greeter {{}}\n\n\
         #[functions]\nimpl Greeter {{\n    /// Greets.\n    \
         #[function(cache = \"never\")]\n    pub async fn greet(&self) -> Result<String> {{\n        \
         Ok(dag().{name}().schema().contents().await?)\n    }}\n}}\n"
    )
}

fn run(place: &Place, server: &Server, args: &[&str]) -> Finished {
    let mut command = place.command(args);
    command.envs(server.variables());
    Running::to_end(&mut command, "", LIMIT).expect("a run")
}

#[test]
fn install_lays_down_the_types_that_the_client_of_a_module_in_git_is_made_from() {
    let published = Published::new();
    let server = Server::start(published.root());
    let (place, module) = greeter(&asks("the_settings"));
    let module = argument(&module);
    let call = ["call", "-m", module, "greet"];
    let types = place.path("greeter/src/deps/the-settings.types.json");
    let before = fs::read(place.path("greeter/dagger.json")).expect("a manifest");

    let config = format!("{HTTP}/modules/config@v0.1.0");
    let install = ["install", "-m", module, &config, "--name", "the-settings"];
    let done = run(&place, &server, &install);
    assert_eq!(done.code, 0, "{}", done.stderr());
    let kept = fs::read(&types).expect("types are laid down");
    let done = run(&place, &server, &call);
    assert!(done.stdout().contains("pipeline.yaml"), "{}", done.stderr());

    // `develop` makes the same of a `dagger.json` that somebody else edited.
    fs::remove_file(&types).expect("a removal");
    let words = [
        "the types of dependency `the-settings` are not in",
        "dagger develop",
    ];
    place.failed(&run(&place, &server, &call), &words);
    run(&place, &server, &["develop", "-m", module]);
    assert_eq!(fs::read(&types).expect("types again"), kept);

    let done = run(
        &place,
        &server,
        &["uninstall", "-m", module, "the-settings"],
    );
    assert_eq!(done.code, 0, "{}", done.stderr());
    assert!(!types.exists(), "types of what is uninstalled stay");
    let json = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).expect("JSON");
    let after = fs::read(place.path("greeter/dagger.json")).expect("a manifest");
    let mut before = json(&before);
    before
        .as_object_mut()
        .expect("an object")
        .remove("dependencies");
    assert_eq!(json(&after), before);
}

#[test]
fn install_of_a_neighbour_names_its_types_in_include_as_an_engine_needs_it() {
    let (place, module) = greeter(&asks("config"));
    copy_tracked(&place, "modules/config");
    let module = argument(&module);
    let done = place.run(&["install", "-m", module, "modules/config"]);
    assert_eq!(done.code, 0, "{}", done.stderr());
    let found = manifest(&place.path("greeter"));
    let names = listed(&found, "dependencies");
    assert_eq!(names, [["config", "../modules/config", ""]]);
    let types = "../modules/config/dagger.types.json";
    let included = found["include"].as_array().expect("a list");
    assert!(included.iter().any(|name| name == types), "{included:?}");

    place.run(&["uninstall", "-m", module, "config"]);
    let found = manifest(&place.path("greeter"));
    let included = found["include"].as_array().expect("a list");
    assert!(!included.iter().any(|name| name == types), "{included:?}");
}
