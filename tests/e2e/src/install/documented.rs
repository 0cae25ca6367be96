//! Every command of `docs/install.md` does what the text says.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use test_support::{Running, repository};

use crate::fixture::copy_tracked;
use crate::git::Published;
use crate::git::http::Server;
use crate::place::{LIMIT, Place};

#[test]
fn the_commands_of_the_documentation_run_as_they_are_written() {
    let published = Published::new();
    let server = Server::start(published.root());
    let place = Place::new();
    copy_tracked(&place, "modules/config");
    fs::create_dir(place.path("dagger")).expect("a directory");
    fs::rename(place.path("modules/config"), place.path("dagger/config")).expect("moved");
    fs::create_dir_all(place.path("projects/x/website")).expect("a directory");
    let bin = tempfile::tempdir().expect("a directory");
    symlink(place.cli.program(), bin.path().join("dagger")).expect("a link");
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", bin.path().display());

    let text = fs::read_to_string(repository().join("docs/install.md")).expect("the text");
    let blocks = blocks(&text);
    assert!(blocks.len() >= 5, "{blocks:?}");
    for block in blocks {
        let mut shell = Command::new("sh");
        shell.args(["-eu", "-c", block]).current_dir(place.path(""));
        let command = place.command(&[]);
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell.envs(server.variables_for("https://git.example.com/platform/"));
        shell.env("PATH", &path);
        let done = Running::to_end(&mut shell, "", LIMIT).expect("a run");
        assert_eq!(done.code, 0, "{block}\n{}", done.stderr());
        for (words, answer) in [
            ("contents", "pipeline.yaml"),
            ("functions", "Description"),
            ("gitlab-url", "https://gitlab.example.com"),
        ] {
            let asked = block
                .lines()
                .any(|line| line.trim_end_matches('\'').ends_with(words));
            assert!(
                !asked || done.stdout().contains(answer),
                "{block}\n{}",
                done.stdout()
            );
        }
    }
    let left = fs::read_to_string(place.path("dagger.json")).expect("a manifest");
    assert!(!left.contains("config"), "not all is uninstalled: {left}");
}

/// What stands between "```sh" and "```".
fn blocks(text: &str) -> Vec<&str> {
    let parts = text.split("```sh\n").skip(1);
    parts
        .filter_map(|part| Some(part.split_once("```")?.0))
        .collect()
}
