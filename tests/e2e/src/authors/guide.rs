//! `docs/sdk.md`: its blocks are run, and what they print is what it shows.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use test_support::repository;

use super::script::{Shell, blocks};
use crate::git::Published;
use crate::git::http::Server;
use crate::place::Place;

#[test]
fn the_guide_leads_to_a_published_module() {
    let published = Published::new();
    let root = published.root();
    // The host of the guide has the modules, and room for its reader's.
    symlink(root, root.join("platform")).expect("a link");
    let yours = root.join("you/cards.git");
    git(&["init", "--quiet", "--bare", yours.to_str().expect("a path")]);
    let yours = yours.to_str().expect("a path");
    git(&["-C", yours, "config", "http.receivepack", "true"]);
    let server = Server::start(root);
    let place = Place::at_fixed_path("guide");
    let shell = Shell::new(&place, server.variables_for("https://git.example.com/"));

    let page = fs::read_to_string(repository().join("docs/sdk.md")).expect("the guide");
    let blocks = blocks(&page);
    let (code, tests): (Vec<_>, Vec<_>) = blocks
        .iter()
        .filter(|block| block.kind == "rust")
        .map(|block| block.text.as_str())
        .partition(|text| !text.contains("use super::*;"));
    let (code, tests) = (code.join("\n"), tests.concat());
    let lay_out_code = || {
        let source = shell.dir().join("src");
        fs::write(source.join("lib.rs"), &code).expect("written");
        fs::write(source.join("tests.rs"), &tests).expect("written");
    };
    let shown = shell.follow(&blocks, lay_out_code);
    assert!(shown >= 4, "the guide shows no results");
}

fn git(args: &[&str]) {
    let done = Command::new("git").args(args).output().expect("git runs");
    assert!(done.status.success(), "git {args:?}");
}
