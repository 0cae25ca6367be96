//! Modules that cannot be built, or that fail as a program.

use crate::fixture::{greet, greeter};
use crate::place::argument;

#[test]
fn a_module_that_does_not_compile_gives_the_words_of_the_compiler() {
    let (place, module) = greeter(&greet("nowhere.to_string()"));
    let words = ["greeter", "cannot find value `nowhere`", "src/lib.rs:"];
    let done = place.fails(&["call", "-m", argument(&module), "greet"], &words);
    assert_eq!(done.code, 1);
    // Kept: the same source is not compiled again, and says the same.
    place.fails(&["call", "-m", argument(&module), "greet"], &words);
}

#[test]
fn a_module_is_built_anew_once_it_is_mended() {
    let (place, module) = greeter(&greet("1"));
    place.fails(
        &["call", "-m", argument(&module), "greet"],
        &["mismatched types"],
    );
    place.write("greeter/src/lib.rs", greet("\"mended\".to_string()"));
    let done = place.run(&["call", "-m", argument(&module), "greet"]);
    assert_eq!(
        (done.code, done.stdout().as_str()),
        (0, "mended"),
        "{}",
        done.stderr()
    );
}

#[test]
fn a_module_that_panics_says_where() {
    let (place, module) = greeter(&greet("panic!(\"out of luck\")"));
    let done = place.run(&["call", "-m", argument(&module), "greet"]);
    let stderr = done.stderr();
    assert_ne!(done.code, 0, "{stderr}");
    assert!(
        stderr.contains("out of luck") && stderr.contains("src/lib.rs:"),
        "{stderr}"
    );
    place.nothing_is_left();
    place.works();
}

#[test]
fn a_manifest_that_cargo_refuses_is_told_in_the_words_of_cargo() {
    let (place, module) = greeter(&greet("\"hello\".to_string()"));
    place.write("greeter/Cargo.toml", "[package]\nname = greeter\n");
    place.fails(
        &["call", "-m", argument(&module), "greet"],
        &["greeter", "Cargo.toml:2:8"],
    );
}
