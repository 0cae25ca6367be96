//! The checks of this repository, by the module that is part of it. Those that
//! compile everything (`clippy`, `test`, `docs`) are for people and for CI.

use std::fs;

use test_support::{Finished, Running, repository};

use crate::fixture::copy_tracked;
use crate::place::{LIMIT, Place};

const CHEAP: [&str; 4] = ["ci:format", "ci:types", "ci:readmes", "ci:components"];

fn check(place: &Place, chosen: &[&str]) -> Finished {
    place.run(&[&["check"], chosen].concat())
}

#[test]
fn the_checks_pass_here_and_tell_what_is_broken_in_a_broken_tree_until_it_is_mended() {
    let place = Place::at_fixed_path("checkout");
    copy_tracked(&place, ".");

    // Here, so that modules are compiled where other tests compile them.
    let mut command = place.command(&[&["check"], &CHEAP[..]].concat());
    let done = Running::to_end(command.current_dir(repository()), "", LIMIT).expect("a run");
    assert_eq!(done.code, 0, "{}", done.stderr());

    says_so_by_heredoc(&place);

    let files = [
        // No module depends on this one, so that no other is compiled again.
        "modules/bun-website/dagger.types.json",
        "modules/bun-website/README.md",
        "xtask/src/deny.rs",
    ];
    let good = files.map(|file| fs::read_to_string(place.path(file)).expect("a file"));
    let spoil = |file: &str, from: &str, to: &str| {
        let text = fs::read_to_string(place.path(file)).expect("a file");
        assert!(text.contains(from), "no `{from}` in `{file}`");
        place.write(file, text.replacen(from, to, 1));
    };
    spoil(files[0], "\"withTool\"", "\"withTools\"");
    spoil(files[1], "| `with-tool ", "| `without-tool ");
    spoil(files[2], "fn ", "fn  ");
    spoil("templates/website/template.yml", "regex: ^", "regex: 3 #^");

    let done = check(&place, &CHEAP);
    let stderr = done.stderr();
    assert_eq!(done.code, 1, "{stderr}");
    assert!(stderr.contains("4 checks failed"), "{stderr}");
    let changed = |name: &str, file: &str| {
        format!(
            "generate function {name} produced changes; run 'dagger generate {name}' to apply: {file}"
        )
    };
    for word in [
        changed("ci:format", files[2]),
        changed("ci:types", files[0]),
        changed("ci:readmes", files[1]),
        "templates/website/template.yml".to_owned(),
    ] {
        assert!(stderr.contains(&word), "no `{word}`:\n{stderr}");
    }

    // One mends what the other reads.
    for name in ["ci:types", "ci:readmes", "ci:format"] {
        let done = place.run(&["generate", "-y", name]);
        assert_eq!(done.code, 0, "{}", done.stderr());
    }
    for (file, good) in files.iter().zip(good) {
        let mended = fs::read_to_string(place.path(file)).expect("a file");
        assert_eq!(mended, good, "{file}");
    }
    let done = check(&place, &CHEAP[..3]);
    assert_eq!(done.code, 0, "{}", done.stderr());
    place.nothing_is_left();
}

/// The script of the job `test` after the tests themselves.
fn says_so_by_heredoc(place: &Place) {
    let pipeline = fs::read_to_string(repository().join(".gitlab-ci.yml")).expect("a pipeline");
    let (_, rest) = pipeline
        .split_once("poniard shell <<.\n")
        .expect("a heredoc");
    let (script, _) = rest.split_once("\n      .\n").expect("its end");
    for name in CHEAP {
        assert!(script.contains(name), "no `{name}`:\n{script}");
    }
    let mut command = place.command(&["shell"]);
    let done = Running::to_end(command.current_dir(repository()), script, LIMIT).expect("a run");
    assert_eq!(done.code, 0, "{}", done.stderr());
    for name in CHEAP {
        assert!(done.stdout().contains(name), "{}", done.stdout());
    }
}
