//! What the user types: the error repeats the word that is wrong.

use crate::fixture::sink;
use crate::place::{Place, argument};

#[test]
fn an_unknown_module_is_told() {
    let place = Place::new();
    place.fails(&["call", "-m", "./nowhere", "greet"], &["nowhere"]);
}

#[test]
fn an_unknown_function_is_told() {
    let place = Place::new();
    place.fails(
        &["call", "-m", argument(&sink()), "no-such-thing"],
        &["no-such-thing"],
    );
}

#[test]
fn an_unknown_flag_is_told() {
    let place = Place::new();
    place.fails(
        &[
            "call",
            "-m",
            argument(&sink()),
            "greet",
            "--no-such-flag",
            "x",
        ],
        &["no-such-flag"],
    );
}

#[test]
fn a_missing_argument_is_told() {
    let place = Place::new();
    place.fails(&["call", "-m", argument(&sink()), "echo"], &["msg"]);
}

#[test]
fn a_word_where_a_number_is_due_is_told() {
    let place = Place::new();
    place.fails(
        &[
            "call",
            "-m",
            argument(&sink()),
            "add",
            "--a",
            "one",
            "--b",
            "2",
        ],
        &["one", "--a"],
    );
}

#[test]
fn a_directory_that_is_not_there_is_told() {
    let place = Place::new();
    place.fails(
        &[
            "call",
            "-m",
            argument(&sink()),
            "list-dir",
            "--dir",
            "./gone",
        ],
        &["gone"],
    );
}

#[test]
fn an_unknown_subcommand_is_told() {
    let place = Place::new();
    place.fails(&["no-such-command"], &["no-such-command"]);
}

#[test]
fn a_script_that_is_not_there_is_told() {
    let place = Place::new();
    place.fails(&["shell", "gone.dsh"], &["gone.dsh"]);
}

#[test]
fn an_unclosed_quote_in_a_script_is_told() {
    let place = Place::new();
    place.write("bad.dsh", ".echo 'no end\n");
    place.fails(&["shell", "bad.dsh"], &["quote"]);
}

#[test]
fn a_field_that_poniard_does_not_have_is_refused_by_name() {
    let place = Place::new();
    let script = "directory | as-module | user-defaults";
    place.fails(&["-M", "-c", script], &["Module.userDefaults"]);
}

#[test]
fn the_value_of_a_functions_flag_is_no_flag_of_poniard() {
    let place = Place::new();
    let contents = |word: &str| {
        let words = "core directory with-new-file --path a --contents";
        let mut words: Vec<&str> = words.split(' ').collect();
        words.extend([word, "file", "--path", "a", "contents"]);
        place.run(&words)
    };
    for word in ["--trace", "-j", "-s", "-c", "-m", "--workdir"] {
        let done = contents(word);
        assert_eq!(
            (done.code, done.stdout()),
            (0, word.into()),
            "{}",
            done.stderr()
        );
    }
    assert!(!place.path("file").exists(), "a page was written");
}

#[test]
fn a_flag_behind_a_switch_of_a_function_is_one_of_poniard() {
    let place = Place::new();
    let words = "core directory with-new-file --path a --contents x \
                 exists --path a --do-not-follow-symlinks --trace page.html";
    let words: Vec<&str> = words.split_whitespace().collect();
    let done = place.run(&words);
    assert_eq!(
        (done.code, done.stdout()),
        (0, "true".into()),
        "{}",
        done.stderr()
    );
    assert!(place.path("page.html").is_file(), "{}", done.stderr());
    place.nothing_is_left();
}
