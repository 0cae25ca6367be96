//! Websites that cannot be built.

use std::fs;

use test_support::Finished;

use crate::fixture::{module, site};
use crate::place::{Place, argument};

fn build(place: &Place, more: &[&str], words: &[&str]) -> Finished {
    let bun = module("bun-website");
    let args = ["call", "-m", argument(&bun), "build", "--source", "."];
    let done = place.fails(&[&args, more, &["-o", "out"]].concat(), words);
    assert!(!place.path("out").exists(), "a failed build is exported");
    done
}

#[test]
fn a_missing_lock_file_is_told() {
    let place = Place::new();
    site(&place, "mkdir dist && echo hello > dist/index.html");
    fs::remove_file(place.path("bun.lock")).expect("a removal");
    build(&place, &[], &["bun.lock"]);
}

#[test]
fn a_failing_build_shows_its_output_and_gives_its_exit_code() {
    let place = Place::new();
    site(
        &place,
        "echo building the pages; echo no such page >&2; exit 7",
    );
    let done = build(&place, &[], &["building the pages", "no such page"]);
    assert_eq!(done.code, 7);
}

#[test]
fn a_build_that_makes_no_output_is_told() {
    let place = Place::new();
    site(&place, "true");
    build(&place, &[], &["dist"]);
}

#[test]
fn a_script_that_is_not_there_is_told() {
    let place = Place::new();
    site(&place, "true");
    build(&place, &["--script", "gone"], &["gone"]);
}
