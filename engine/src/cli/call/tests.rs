//! Command lines of `call` against the fake engine, as recorded of the real CLI.

use std::path::Path;

use crate::cli::{args, functions};
use crate::client::testing::{Fake, sink};
use crate::client::{Engine, Failure, Paths, Value};

use super::root::Root;
use super::{result, words};

/// Words are separated by `|`.
fn call_at(line: &str, root: &Root, dir: &Path) -> Result<String, Failure> {
    let engine = Fake::new();
    let words = line
        .split('|')
        .filter(|w| !w.is_empty())
        .map(|w| Value::text(w.replace("<empty>", "")))
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let model = engine.model();
        let sorted = words::sort(&model, root, words)?;
        let own = [&["call".to_owned()], sorted.own()].concat();
        let options = args::call(own)?;
        match words::read(&*engine, &Paths::host(dir), sorted).await? {
            words::Read::Help(text) => Ok(text),
            words::Read::Chain(chain) => result::of(&*engine, &chain, &options, dir).await,
        }
    })
}

fn call(line: &str) -> Result<String, Failure> {
    call_at(
        line,
        &Root::module(sink(Path::new("/m"))),
        Path::new("/nonexistent"),
    )
}

#[test]
fn calls_print_what_was_recorded() {
    let cases = [
        ("greet", "hello, world!"),
        ("--greeting|hi|greet|--name|you", "hi, you!"),
        (
            "describe|--name|x|--loud",
            "name=x count=1 ratio=0.5 loud=true note=(none)",
        ),
        (
            "describe|--name|x|--loud=false",
            "name=x count=1 ratio=0.5 loud=false note=(none)",
        ),
        ("join-words|--words|a|--words|b,c|--sep|-", "a-b-c"),
        ("join-words|--words|\"a,b\",c|--sep|+", "a,b+c"),
        ("join-words|--words|<empty>", ""),
        ("sum|--numbers|1,2|--numbers|39", "42"),
        ("opposite|--mood|SAD", "HAPPY"),
        ("--counter|4|increment|--by|2|total", "6"),
        ("person|--name|ann|older|--years|2|age", "32"),
        ("people|name", "ann\nbob\ncy\n"),
        ("nothing", ""),
        ("maybe", "<nil>"),
        ("-j|greet", "\"hello, world!\"\n"),
        (
            "-j|people|name",
            "[\n    {\n        \"name\": \"ann\"\n    },\n    {\n        \"name\": \"bob\"\n    },\n    {\n        \"name\": \"cy\"\n    }\n]\n",
        ),
        ("-j|maybe", "null\n"),
        ("-j|total", "0\n"),
        (
            "describe|--note=a b|--count=3|--name=x",
            "name=x count=3 ratio=0.5 loud=false note=a b",
        ),
        (
            "describe|--name=|--note=--dashes \"q\" \\n $X",
            "name= count=1 ratio=0.5 loud=false note=--dashes \"q\" \\n $X",
        ),
        ("", "Query\n"),
        ("-s|greet|-m|x", "hello, world!"),
    ];
    for (line, want) in cases {
        let got = call(line).unwrap_or_else(|e| panic!("{line}: {e}"));
        assert_eq!(got, want, "{line}");
    }
}

#[test]
fn values_that_look_like_flags_are_values() {
    for value in ["-j", "-c", "--trace", "-s", "--json", "--", "-"] {
        let line = format!("describe|--name|{value}");
        let want = format!("name={value} count=1 ratio=0.5 loud=false note=(none)");
        assert_eq!(call(&line).expect(&line), want);
    }
    let line = "container|from|--address|x|with-exec|--args|echo|--args|-c|stdout";
    assert_eq!(
        call_at(line, &Root::core(), Path::new("/")).expect(line),
        "-c\n"
    );
}

#[test]
fn help_begins_with_the_usage_and_ends_with_the_flags_of_every_function() {
    let at = Path::new("/");
    let module = call("--help").expect("helps");
    let core = call_at("--help", &Root::core(), at).expect("helps");
    let function = call("greet|--help").expect("helps");
    assert!(module.starts_with("Usage: poniard call "), "{module}");
    assert!(module.contains("--greeting String"), "{module}");
    assert!(core.starts_with("Usage: poniard core "), "{core}");
    assert!(function.contains("Usage: greet "), "{function}");
    for text in [module, core, function] {
        assert!(text.contains("\n  -j, --json "), "{text}");
        assert!(text.contains("\n  -o, --output "), "{text}");
    }
}

#[test]
fn flags_of_poniard_are_told_from_values() {
    let engine = Fake::new();
    let model = engine.model();
    let root = Root::module(sink(Path::new("/m")));
    for (line, want) in [
        ("describe|--name|--trace|-s", "-s"),
        ("describe|--loud|--trace|x.html|--name|-m", "--trace x.html"),
        ("-sj|describe|--name|x|-o|-v", "-sj -o -v"),
        ("describe|--name|x|--progress=plain", "--progress=plain"),
    ] {
        let words = line.split('|').map(Value::text).collect();
        let sorted = words::sort(&model, &root, words).expect(line);
        assert_eq!(sorted.own().join(" "), want, "{line}");
    }
}

#[test]
fn objects_are_printed_as_digests() {
    for (line, prefix) in [
        ("person|--name|ann", "SinkPerson@sha256:"),
        ("people", "- SinkPerson@sha256:"),
        ("-j|make-dir", "Directory@sha256:"),
    ] {
        let got = call(line).expect(line);
        assert!(
            got.starts_with(prefix) && got.ends_with('\n'),
            "{line}: {got}"
        );
    }
}

#[test]
fn core_functions_are_called_from_the_root() {
    let line = "directory|with-new-file|--path|a|--contents|hi|file|--path|a|contents";
    assert_eq!(
        call_at(line, &Root::core(), Path::new("/")).expect(line),
        "hi"
    );
    let line = "container|from|--address|x|with-exec|--args|echo,hi there|stdout";
    assert_eq!(
        call_at(line, &Root::core(), Path::new("/")).expect(line),
        "hi there\n"
    );
}

#[test]
fn errors_name_what_was_recorded() {
    let cases: &[(&str, &[&str])] = &[
        ("greet|--greeting|hi", &["unknown flag: --greeting"]),
        ("flip|--flag|false", &["false"]),
        ("feel|--mood|ANGRY", &["ANGRY", "mood", "HAPPY"]),
        ("add|--a|x|--b|2", &["x", "--a"]),
        ("add|--a|1", &["required flag(s)", "\"b\""]),
        ("add", &["\"a\", \"b\""]),
        ("not-there", &["not-there"]),
        ("not-there|--help", &["not-there"]),
        ("greet|--nope|1", &["unknown flag: --nope"]),
        ("greet|--name", &["flag needs an argument: --name"]),
        ("greet|extra", &["extra"]),
        ("sum|--numbers|1,two", &["two", "--numbers"]),
        ("list-dir|--dir|nowhere", &["nowhere"]),
        ("meet|--who|x", &["meet"]),
    ];
    for (line, texts) in cases {
        let report = call(line).expect_err(line).report();
        for text in *texts {
            assert!(report.contains(text), "{line} lacks {text:?}: {report}");
        }
    }
}

#[test]
fn paths_are_relative_to_the_working_directory() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::create_dir_all(dir.path().join("here/b")).expect("made");
    std::fs::write(dir.path().join("here/a"), "1").expect("written");
    std::fs::write(dir.path().join("here/b/c"), "2").expect("written");
    let root = Root::module(sink(Path::new("/m")));
    let absolute = dir.path().join("here");
    for path in ["here", "./here", &absolute.to_string_lossy()] {
        let line = format!("list-dir|--dir|{path}");
        assert_eq!(call_at(&line, &root, dir.path()).expect(&line), "a\nb/\n");
    }
}

#[test]
fn results_are_saved_where_output_says() {
    let dir = tempfile::tempdir().expect("a directory");
    let root = Root::module(sink(Path::new("/m")));
    let saved = |name: &str| std::fs::read_to_string(dir.path().join(name)).ok();
    assert_eq!(
        call_at("-o|deep/g.txt|greet", &root, dir.path()).expect("calls"),
        "hello, world!"
    );
    assert_eq!(saved("deep/g.txt").as_deref(), Some("hello, world!"));
    assert_eq!(
        call_at("-j|-o|g.json|total", &root, dir.path()).expect("calls"),
        "0\n"
    );
    assert_eq!(saved("g.json").as_deref(), Some("0\n"));
    call_at("-o|p|person|--name|x", &root, dir.path()).expect("calls");
    assert_eq!(saved("p"), None);
}

#[test]
fn a_workspace_is_no_flag_and_is_not_asked_for() {
    let error = call("here|--workspace|x").expect_err("no such flag");
    assert!(
        error.message.contains("unknown flag: --workspace"),
        "{error}"
    );
    call("here").expect("needs nothing");
    let help = call("here|--help").expect("helps");
    assert!(!help.contains("workspace"), "{help}");
}

#[test]
fn functions_are_listed_as_recorded() {
    let engine = Fake::new();
    let model = engine.model();
    let root = Root::module(sink(Path::new("/m")));
    let list = |path: &[&str]| {
        let path: Vec<String> = path.iter().map(|p| (*p).to_owned()).collect();
        functions::list(&model, &root, &path)
    };
    let all = list(&[]).expect("lists");
    assert!(
        all.starts_with(
            "Name         Description\nadd          About add\ndescribe     About describe\n"
        ),
        "{all}"
    );
    assert!(
        all.ends_with("\n\nSkipped 2 function(s) with unsupported types: meet, with\n"),
        "{all}"
    );
    let want = "Name    Description\nage     About age\nname    About name\nolder   About older\n";
    assert_eq!(list(&["person"]).expect("lists"), want);
    for name in ["not-there", "greet"] {
        let error = list(&[name]).expect_err(name);
        assert!(error.message.contains(name), "{error}");
    }
}
