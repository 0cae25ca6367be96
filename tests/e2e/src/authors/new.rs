//! What `init --sdk` lays down.

use std::fs;
use std::path::Path;

use test_support::{Running, repository};
use walkdir::WalkDir;

use super::script::{Shell, blocks};
use crate::fixture::{copy_tracked, workspace};
use crate::git::Published;
use crate::git::http::Server;
use crate::place::{LIMIT, Place};

/// All files, with what is in them.
fn files(dir: &Path) -> Vec<(String, String)> {
    let walk = WalkDir::new(dir).sort_by_file_name().into_iter();
    walk.map(|entry| entry.expect("an entry").into_path())
        .filter(|path| path.is_file())
        .map(|path| {
            let text = fs::read(&path).expect("a file");
            let text = String::from_utf8_lossy(&text).into_owned();
            (path.display().to_string(), text)
        })
        .collect()
}

#[test]
fn a_new_module_from_a_path_compiles_and_its_readme_holds() {
    let place = Place::at_fixed_path("new");
    copy_tracked(&place, "sdk");
    let lock = fs::read(repository().join("Cargo.lock")).expect("a lock file");
    place.write("Cargo.lock", lock);
    place.write("Cargo.toml", workspace(&[]));
    let done = place.run(&["init", "--sdk=../sdk", "my-2nd-module"]);
    assert_eq!(done.code, 0, "{}", done.stderr());
    let dir = place.path("my-2nd-module");

    let shell = Shell::new(&place, Vec::new());
    shell.stay(dir.clone());
    let readme = fs::read_to_string(dir.join("README.md")).expect("a README");
    let said: Vec<String> = blocks(&readme)
        .iter()
        .map(|block| shell.run(&block.text).stdout())
        .collect();
    assert!(said[0].contains("greet-all") && said[0].contains("Hello, Ada!"));
    assert!(said[1].contains("test result: ok. 3 passed"), "{}", said[1]);

    let before = files(&dir);
    let done = place.run(&["develop", "-m", "my-2nd-module"]);
    assert_eq!(done.code, 0, "{}", done.stderr());
    assert_eq!(files(&dir), before, "`develop` changes what is new");
    for (path, text) in before {
        assert!(!text.contains("{{"), "`{path}` has a hole:\n{text}");
    }
}

#[test]
fn a_new_module_from_git_finds_its_crate_there_and_replaces_nothing() {
    let published = Published::new();
    let server = Server::start(published.root());
    let place = Place::at_fixed_path("new-from-git");
    place.write("shop/index.html", "mine");
    let run = |args: &[&str]| {
        let mut command = place.command(args);
        command.envs(server.variables());
        let done = Running::to_end(&mut command, "", LIMIT).expect("a run");
        assert_eq!(done.code, 0, "{args:?}:\n{}", done.stderr());
        done.stdout()
    };
    let sdk = "--sdk=http://git.test/poniard.git/sdk@v0.1.0";
    run(&["init", sdk, "shop"]);
    let text = |name: &str| fs::read_to_string(place.path(name)).expect(name);
    assert_eq!(text("shop/index.html"), "mine");
    let commit = published.id("v0.1.0");
    let found = format!(r#"{{ git = "http://git.test/poniard.git", rev = "{commit}" }} # v0.1.0"#);
    let manifest = text("shop/.dagger/Cargo.toml");
    assert!(manifest.contains(&found), "{manifest}");
    assert!(text("shop/dagger.json").contains(r#""source": ".dagger""#));

    let config = "http://git.test/poniard.git/modules/config@v0.1.0";
    run(&["install", "-m", "shop", config]);
    assert!(
        place
            .path("shop/.dagger/src/deps/config.types.json")
            .exists()
    );
    let code = text("shop/.dagger/src/lib.rs").replace(
        "/// Greets people.",
        "mod deps {\n    poniard_sdk::dependencies!();\n}\nuse deps::Dependencies;\n\n/// Greets people.",
    );
    let code = code.replace(
        r#"format!("{}, {name}!", self.greeting)"#,
        r#"{ let _ = dag().config(); format!("{}, {name}!", self.greeting) }"#,
    );
    place.write("shop/.dagger/src/lib.rs", code);
    let greeting = run(&["call", "-m", "shop", "greet", "--name", "Ada"]);
    assert_eq!(greeting, "Hello, Ada!");
}
