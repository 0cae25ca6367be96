//! The runner's own verdicts, on made-up cases and a made-up CLI.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use conformance::run::{LIMIT, Outcome, run};
use conformance::{Case, compare};
use tempfile::TempDir;
use test_support::Cli;

/// A folder with one case of the given files, and a CLI that is a shell script
/// run as `sh fake ARGS`.
struct Bench {
    dir: TempDir,
}

impl Bench {
    fn new(fake: &str, files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join("fake"), fake).expect("a script");
        for (name, text) in files {
            let path = dir.path().join("001-case").join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            fs::write(path, text).expect("a file");
        }
        Self { dir }
    }

    fn case(&self) -> Case {
        Case::at(&self.dir.path().join("001-case"))
    }

    fn run_within(&self, limit: Duration) -> Outcome {
        let cli = Cli::from_line(&format!("sh {}", self.dir.path().join("fake").display()))
            .expect("a command line");
        run(&self.case(), &cli, Path::new("/the/sink"), limit).expect("a run")
    }

    fn problems(&self) -> Vec<String> {
        compare::compare(&self.case(), &self.run_within(LIMIT)).expect("a comparison")
    }
}

#[test]
fn a_case_passes_when_all_is_as_recorded() {
    let bench = Bench::new(
        r#"cat; echo "Directory@xxh3:0a in $PWD"; echo "$1 $2" >&2; echo new > made; exit 3"#,
        &[
            ("script", "{nonce} at {sink}\n"),
            ("args", "-m {sink}"),
            (
                "stdout",
                "{nonce} at {sink}\nDirectory@{digest} in {work}\n",
            ),
            ("exit", "3\n"),
            ("stderr.contains", "-m /the/sink\n"),
            (
                "tree",
                "f 644 7aa7a5359173d05b63cfd682e3c38487f3cb4f7f1d60659fe59fab1505977d4c made\n",
            ),
            ("files/kept.txt", "kept\n"),
        ],
    );
    assert_eq!(bench.problems(), Vec::<String>::new());
}

#[test]
fn a_wrong_output_is_shown_as_a_difference() {
    let bench = Bench::new(
        "echo two",
        &[("argv", "x\n"), ("stdout", "one\n"), ("exit", "0\n")],
    );
    let problems = bench.problems();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].contains("-one\n+two\n"), "{}", problems[0]);
}

#[test]
fn a_wrong_exit_code_is_a_difference() {
    let bench = Bench::new(
        "exit 1",
        &[("argv", "x\n"), ("stdout", ""), ("exit", "0\n")],
    );
    assert!(bench.problems()[0].contains("-0\n+1\n"));
}

#[test]
fn words_in_stderr_are_demanded_and_forbidden() {
    let files = [
        ("argv", ""),
        ("exit", "0\n"),
        ("stderr.contains", "wanted\n"),
        ("stderr.lacks", "hidden\n"),
    ];
    let bench = Bench::new("echo hidden >&2", &files);
    assert_eq!(
        bench.problems(),
        ["stderr lacks `wanted`\n", "stderr has `hidden`\n"]
    );
}

#[test]
fn changed_new_and_removed_inputs_make_the_tree() {
    let bench = Bench::new(
        "echo more >> a; rm b; mkdir d; ln -s a l",
        &[
            ("argv", ""),
            ("files/a", "a"),
            ("files/b", "b"),
            ("files/same", "s"),
        ],
    );
    let tree = bench.run_within(LIMIT).tree;
    let mut lines = tree.lines();
    assert!(
        lines
            .next()
            .is_some_and(|line| line.starts_with("f 644 ") && line.ends_with(" a"))
    );
    assert_eq!(lines.collect::<Vec<_>>(), ["d d", "l a l", "- b"]);
}

#[test]
fn linked_inputs_stay_links() {
    let bench = Bench::new("readlink l", &[("argv", ""), ("files/f", "f")]);
    symlink("f", bench.dir.path().join("001-case/files/l")).expect("a link");
    assert_eq!(bench.run_within(LIMIT).stdout, "f\n");
}

#[test]
fn steps_run_in_order_in_the_same_place() {
    let bench = Bench::new(
        r#"echo "$1" >> log; cat log; test "$1" = last"#,
        &[
            ("argv", "first\n"),
            ("argv.2", "second\n"),
            ("argv.10", "last\n"),
        ],
    );
    let outcome = bench.run_within(LIMIT);
    assert_eq!(
        outcome.stdout,
        "first\nfirst\nsecond\nfirst\nsecond\nlast\n"
    );
    assert_eq!(outcome.exit, "0\n");
}

#[test]
fn templates_are_filled_and_the_home_is_fresh() {
    let bench = Bench::new(
        r#"cat conf; echo "$GREETING $NO_COLOR"; ls -A "$HOME""#,
        &[
            ("argv", ""),
            ("files/conf.in", "{work}\n"),
            ("env", "GREETING=to {sink}\n"),
        ],
    );
    assert_eq!(bench.run_within(LIMIT).stdout, "{work}\nto {sink} 1\n");
}

#[test]
fn what_is_ignored_is_not_compared() {
    let files = [
        ("argv", ""),
        ("exit", "0\n"),
        ("stdout", "one"),
        ("ignore", "stdout tree\n"),
    ];
    assert_eq!(
        Bench::new("echo two; touch x", &files).problems(),
        Vec::<String>::new()
    );
}

#[test]
fn a_command_without_end_is_killed_and_said_so() {
    let bench = Bench::new("sleep 600", &[("argv", ""), ("exit", "0\n")]);
    let outcome = bench.run_within(Duration::from_millis(100));
    assert_eq!(outcome.exit, "124\n");
    assert!(outcome.stderr.starts_with("no end after"));
}
