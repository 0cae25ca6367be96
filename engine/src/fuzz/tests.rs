//! The corpora of `fuzz/`, and changes of them that are the same in every run.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{TARGETS, Target};

/// Much more than any of these inputs takes.
const PATIENCE: Duration = Duration::from_secs(60);

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let files = fs::read_dir(fuzz.join(target)).expect("a corpus");
    let mut files: Vec<_> = files.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let read = |path: PathBuf| (path.clone(), fs::read(path).expect("a file"));
    files.into_iter().map(read).collect()
}

/// One change of an input.
#[derive(Clone, Debug)]
enum Edit {
    Flip(u8),
    Cut(u8),
    Insert(Vec<u8>),
    /// From elsewhere in the same input.
    Repeat(prop::sample::Index, u8),
}

fn edit() -> impl Strategy<Value = Edit> {
    let odd: [&[u8]; 18] = [
        b"{",
        b"}",
        b"\"",
        b"$(",
        b"${",
        b"((",
        b"\\",
        b"\n",
        b"\0",
        b"..",
        b"/",
        b"[",
        b"\xff",
        b"9223372036854775807",
        b"-9223372036854775808",
        b"<<E",
        "\u{e9}".as_bytes(),
        b"**",
    ];
    prop_oneof![
        (1u8..=255).prop_map(Edit::Flip),
        any::<u8>().prop_map(Edit::Cut),
        prop::sample::select(odd.to_vec()).prop_map(|odd| Edit::Insert(odd.to_vec())),
        prop::collection::vec(any::<u8>(), 1..9).prop_map(Edit::Insert),
        (any::<prop::sample::Index>(), any::<u8>())
            .prop_map(|(from, many)| Edit::Repeat(from, many)),
    ]
}

fn change(input: &mut Vec<u8>, at: prop::sample::Index, edit: &Edit) {
    if input.is_empty() {
        input.push(b'x');
    }
    let at = at.index(input.len());
    let end = |from: usize, many: u8| (from + usize::from(many)).min(input.len());
    match edit {
        Edit::Flip(bits) => input[at] ^= bits,
        Edit::Cut(many) => drop(input.drain(at..end(at, *many))),
        Edit::Insert(bytes) => drop(input.splice(at..at, bytes.iter().copied())),
        Edit::Repeat(from, many) => {
            let from = from.index(input.len());
            let part = input[from..end(from, *many)].to_vec();
            input.splice(at..at, part);
        }
    }
}

fn in_time((name, read): Target, input: &[u8]) {
    let began = Instant::now();
    read(input);
    let took = began.elapsed();
    let shown = String::from_utf8_lossy(&input[..input.len().min(2000)]);
    assert!(took < PATIENCE, "{name} takes {took:?}: {shown:?}");
}

fn survives(target: Target, cases: u32) {
    let inputs = corpus(target.0);
    for (path, input) in &inputs {
        println!("{}", path.display());
        in_time(target, input);
    }
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    );
    let inputs: Vec<Vec<u8>> = inputs.into_iter().map(|(_, input)| input).collect();
    let edits = prop::collection::vec((any::<prop::sample::Index>(), edit()), 1..8);
    let changed = (prop::sample::select(inputs), edits).prop_map(|(mut input, edits)| {
        for (at, edit) in &edits {
            change(&mut input, *at, edit);
        }
        input
    });
    let ran = runner.run(&changed, |input| {
        in_time(target, &input);
        Ok(())
    });
    ran.unwrap_or_else(|failure| panic!("{}: {failure}", target.0));
}

#[test]
fn every_text_and_archive_of_the_corpora_and_near_them_is_taken_or_refused() {
    let cases = std::env::var("PONIARD_TEST_FUZZ");
    let cases = cases
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(400);
    std::thread::scope(|scope| {
        for target in TARGETS {
            scope.spawn(move || survives(target, cases));
        }
    });
}

#[test]
fn each_reader_has_a_target_of_its_name_and_a_corpus() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).expect("a manifest");
    for (name, _) in TARGETS {
        let source = fs::read_to_string(fuzz.join(format!("targets/{name}.rs"))).expect(name);
        assert!(
            source.contains(&format!("poniard::fuzz::{name}")),
            "{source}"
        );
        assert!(
            manifest.contains(&format!("path = \"targets/{name}.rs\"")),
            "{name}"
        );
        assert!(!corpus(name).is_empty(), "{name}");
    }
}

#[test]
fn what_is_nested_deep_is_taken_or_refused() {
    const TOKENS: [&str; 12] = [
        "(", "$(", "${a:-", "{a", "{", "[", "{\"a\":", "((", "\"$(", "if ", "! ", "a{b,",
    ];
    for target in TARGETS {
        for token in TOKENS {
            for depth in [8, 100, 1000] {
                in_time(target, token.repeat(depth).as_bytes());
            }
        }
    }
}
