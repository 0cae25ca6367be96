//! Scripts run against the fake engine, with the results recorded of the real
//! CLI where a case has the same script.

use std::sync::{Arc, Mutex};

use crate::client::Failure;
use crate::client::testing::Fake;

use super::{Place, Printer, Shell};

/// Result, stdout, stderr and queries of a script.
struct Ran {
    result: Result<(), Failure>,
    stdout: String,
    told: String,
    asked: Vec<String>,
}

fn run_at(script: &str, place: Place) -> Ran {
    let engine = Fake::new();
    let collect = || {
        let text = Arc::new(Mutex::new(String::new()));
        let sink = text.clone();
        let printer: Printer = Arc::new(move |t| {
            sink.lock().expect("no poison").push_str(t);
            Ok(())
        });
        (text, printer)
    };
    let ((stdout, printer), (told, teller)) = (collect(), collect());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .expect("a runtime");
    let mut shell = Shell::new(engine.clone(), place, true, printer, teller);
    let result = runtime.block_on(shell.script(script));
    let take = |text: Arc<Mutex<String>>| text.lock().expect("no poison").clone();
    let asked = engine.asked.lock().expect("no poison").clone();
    Ran {
        result,
        stdout: take(stdout),
        told: take(told),
        asked,
    }
}

fn run(script: &str) -> Ran {
    run_at(script, Place::plain(std::path::Path::new("/nonexistent")))
}

/// A directory with a module.
fn sink() -> (tempfile::TempDir, Place) {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("dagger.json"), "{}").expect("written");
    let module = crate::client::testing::sink(dir.path());
    let place = Place::of(module, dir.path());
    (dir, place)
}

fn check(cases: &[(&str, &str)], place: impl Fn() -> (Option<tempfile::TempDir>, Place)) {
    for (script, want) in cases {
        let (_dir, place) = place();
        let ran = run_at(script, place);
        assert!(ran.result.is_ok(), "{script}\nfailed: {:?}", ran.result);
        assert_eq!(ran.stdout, *want, "{script}");
    }
}

#[test]
fn core_scripts_print_what_was_recorded() {
    let cases = [
        (
            "container | from x | with-exec echo hello | stdout",
            "hello\n",
        ),
        (
            ".echo before\ndirectory | with-new-file a \"\" | file a | contents\n.echo after",
            "before\nafter\n",
        ),
        (
            "directory | with-new-file a abc | file a | size\ndirectory | with-new-file a abc | exists a\ndirectory | exists a",
            "3truefalse",
        ),
        (
            "directory | with-new-file b 1 | with-new-file a 2 | with-new-directory sub | entries\n.echo --\ndirectory | entries\n.echo --",
            "a\nb\nsub/\n--\n--\n",
        ),
        (
            "container | label nothing\ncontainer | user\ncontainer | entrypoint\n.echo end",
            "<nil>end\n",
        ),
        (
            "container | with-env-variable A 1 | with-env-variable B 2 | env-variables | name",
            "A\nB\n",
        ),
        (
            "greeting=$(directory | with-new-file a \"hey you\" | file a | contents)\n.echo \"<$greeting>\"\ndirectory | with-new-file \"$greeting\" x | entries",
            "<hey you>\nhey you\n",
        ),
        (
            "d=$(directory | with-new-file a 1)\n$d | entries\n$d | with-new-file b 2 | entries\n$d | entries",
            "a\na\nb\na\n",
        ),
        (
            "directory | with-directory sub $(directory | with-new-file a 1) | with-file b $(directory | with-new-file c 3 | file c) | entries",
            "b\nsub/\n",
        ),
        (
            ".echo \"size=$(directory | with-new-file a abc | file a | size)!\"",
            "size=3!\n",
        ),
        (
            "directory | with-new-file --permissions 0600 a 1 | file a | contents\ndirectory | with-new-file a --permissions=0600 2 | file a | contents",
            "12",
        ),
        (
            "directory | with-new-file --contents=one --path=a | file a | contents\ndirectory | with-new-file --path a two | file a | contents\ndirectory | with-new-file three --path a | file --path a | contents",
            "onetwothree",
        ),
        (
            "x=val\n.echo 'a  $x' \"b  $x\" c\\ \\ \\$x \\\"q\\\" \"d\\\"d\"  tail",
            "a  $x b  val c  $x \"q\" d\"d tail\n",
        ),
        (
            "directory | with-new-file a 1 | entries; .echo two",
            "a\ntwo\n",
        ),
        (
            "directory | file missing | contents || .echo recovered\ndirectory | with-new-file a x | file a | contents && .echo also\ndirectory | file missing | contents && .echo never || .echo other",
            "recovered\nxalso\nother\n",
        ),
        (
            "for i in 1 2 3; do .echo \"i=$i\"; done\nif directory | file missing | contents; then .echo yes; else .echo no; fi\ncase abc in a*) .echo matched;; *) .echo other;; esac\nn=0\nwhile [ $n -lt 2 ]; do n=$((n+1)); .echo $n; done",
            "i=1\ni=2\ni=3\nno\nmatched\n",
        ),
        (
            "if directory | exists a; then .echo worked; else .echo failed; fi",
            "falseworked\n",
        ),
        (
            ".echo -n one   two\n.echo \" three\"\n.echo\n.echo -e 'a\\tb'",
            "one two three\n\na\tb\n",
        ),
        ("MINE=1 \n.printenv MINE", "1\n"),
        (
            "a=$(.help .echo)\nb=$(.help container)\nc=$(container | .help)\nd=$(container | .help with-exec)\n.echo ok",
            "ok\n",
        ),
        (
            "base() { directory | with-new-file \"$1\" 1; }\nbase x | entries\nbase y | with-new-file z 2 | entries\nadd() { with-new-file \"$1\" added; }\nbase p | add q | entries",
            "x\ny\nz\np\nq\n",
        ),
        (
            "container | with-exec -- ls -d /etc /usr | stdout",
            "-d /etc /usr\n",
        ),
        (
            "d=$(directory | with-new-file a.txt 1 | with-new-file b.md 2 | with-new-file c.rs 3)\ndirectory | with-directory . $d --include \"*.txt\" --include \"*.md\" | entries\n.echo --\ndirectory | with-directory . $d --include \"*.txt,*.rs\" | entries",
            "a.txt\nb.md\n--\na.txt\nc.rs\n",
        ),
        (
            "container | with-exec echo a,b | stdout\ncontainer | with-exec echo,a,b | stdout",
            "a,b\na b\n",
        ),
        (
            ".echo \"${x:-fallback}\"\nx=3\n.echo \"$((x * 2 + 1))\" \"${x}y\"\ny=$x$x\n.echo \"${#y}\" \"${y%3}\"",
            "fallback\n7 3y\n2 3\n",
        ),
        ("directory | withNewFile a 1 | entries", "a\n"),
        (
            ".core || .echo no .core\n.deps || .echo no .deps\n.install || .echo no .install",
            "no .core\nno .deps\nno .install\n",
        ),
        ("a=$(.types)\nb=$(.help)\n.echo ok", "ok\n"),
        (
            "d=$(directory | with-new-file a 1)\n${d} | entries\n.echo \"$d\" | entries || .echo no\nx=entries\n$d | $x",
            "a\nno\na\n",
        ),
        (
            "directory | with-new-file \"$(directory | with-new-file \"$(file n deep | contents)\" 1 | entries)\" 2 | entries",
            "deep\n\n",
        ),
        (
            "d=$(directory)\nfor n in x y z; do d=$($d | with-new-file $n \"$n!\"); done\n$d | entries\n$d | file y | contents",
            "x\ny\nz\ny!",
        ),
        ("", ""),
        (
            "directory\t|   with-new-file\ta\t\"\"|entries\n.echo \"\" x ''",
            "a\n x \n",
        ),
        (
            "container | with-exec -- echo background | stdout &\n.wait\n.echo done",
            "background\ndone\n",
        ),
        (
            "container | with-exec exit 9 | stdout &\n.wait\n.echo reached",
            "reached\n",
        ),
    ];
    check(&cases, || {
        (None, Place::plain(std::path::Path::new("/nonexistent")))
    });
}

#[test]
fn module_scripts_print_what_was_recorded() {
    let cases = [
        (
            "greet\n.echo\ngreet --name you",
            "hello, world!\nhello, you!",
        ),
        (
            "sink --greeting hi | greet\n.echo\n. --greeting hey | greet --name you\n.echo\nsink | greet",
            "hi, world!\nhey, you!\nhello, world!",
        ),
        (
            "increment | increment --by 3 | total\n.echo\ns=$(increment --by 2)\n$s | increment | total\n.echo\n$s | total",
            "4\n3\n2",
        ),
        (
            "add 2 40\n.echo\nflip true\n.echo\nflip --flag=false\n.echo\nflip --flag",
            "42\nfalse\ntrue\nfalse",
        ),
        (
            "describe x\n.echo\ndescribe x --count 3 --ratio 1.25 --loud --note \"a note\"\n.echo\ndescribe --loud=false --count=-2 x",
            "name=x count=1 ratio=0.5 loud=false note=(none)\nname=x count=3 ratio=1.25 loud=true note=a note\nname=x count=-2 ratio=0.5 loud=false note=(none)",
        ),
        (
            "join-words a b c\n.echo\njoin-words a,b,c --sep -\n.echo\njoin-words --words a --words b,c\n.echo\nsum 1,2,3\n.echo\nsum --numbers 4 --numbers 5",
            "a b c\na-b-c\na b c\n6\n9",
        ),
        (
            "feel\n.echo\nfeel --mood SAD\n.echo\nopposite HAPPY\n.echo\nfeel --mood happy",
            "feeling HAPPY\nfeeling SAD\nSAD\nfeeling HAPPY",
        ),
        (
            "person ann --age 40 | age\n.echo\npeople | name\npeople | older | age",
            "40\nann\nbob\ncy\n32\n43\n54\n",
        ),
        ("meet $(person zoe)", "hello, zoe!"),
        ("list-dir $(directory | with-new-file made 1)", "made\n"),
        (
            "nothing\n.echo after\nmaybe\n.echo\nmaybe --value \"\"\n.echo\nmaybe --value v",
            "after\n<nil>\n\nv",
        ),
        (
            "echo hello\n.echo\n_echo hello\n.echo hello",
            "sink says hello\nhello\nhello\n",
        ),
        (
            "n=$(add 1 2)\ndescribe \"n is $n\" --count $(add $n $n)\n.echo\njoin-words $(greet) \"and x\" --sep \"; \"",
            "name=n is 3 count=6 ratio=0.5 loud=false note=(none)\nhello, world!; and x",
        ),
        ("feel --mood $(opposite HAPPY)", "feeling SAD"),
        ("join-words --words $(people | name)", "ann bob cy"),
        (
            "a=$(.help)\nb=$(.help greet)\nc=$(.help sink)\nd=$(person x | .help)\ne=$(person x | .help older)\n.echo ok",
            "ok\n",
        ),
    ];
    check(&cases, || {
        let (dir, place) = sink();
        (Some(dir), place)
    });
}

#[test]
fn failures_name_what_was_recorded() {
    let cases: &[(&str, i32, &str, &[&str])] = &[
        (
            "directory | with-new-file a 1 | entries\ndirectory <<EOF\ntext\nEOF\n.echo after",
            1,
            "a\n",
            &["unexpected input", "directory"],
        ),
        (
            "container | with-exec exit 9 | stdout &\njob=$!\n.echo started\n.wait $job\n.echo unreachable",
            9,
            "started\n",
            &["exit code: 9"],
        ),
        (
            ".printenv NOT_SET_ANYWHERE\n.echo after",
            1,
            "",
            &["NOT_SET_ANYWHERE"],
        ),
        (".echo before\n.exit 5\n.echo after", 5, "before\n", &[]),
        (
            "directory | file missing | contents || .exit",
            1,
            "",
            &["missing"],
        ),
        ("container | .help not-there", 1, "", &["not-there"]),
        (
            ".echo first\nnot-a-function x\n.echo after",
            1,
            "first\n",
            &["not-a-function", "does not exist"],
        ),
        (
            "container | not-there | stdout",
            1,
            "",
            &["not-there", "Container"],
        ),
        (
            "container | from",
            1,
            "",
            &["from", "requires 1 positional argument(s), received 0"],
        ),
        (
            "container | from one two",
            1,
            "",
            &["from", "requires 1 positional argument(s), received 2"],
        ),
        (
            "directory | with-new-file a b --permissions lots",
            1,
            "",
            &["with-new-file", "permissions", "lots"],
        ),
        (
            "container | from x --colour red",
            1,
            "",
            &["unknown flag: --colour"],
        ),
        (
            "container | with-exec --expect SOMETIMES true | stdout",
            1,
            "",
            &["expect", "SOMETIMES"],
        ),
        (
            ".echo one\ndirectory | file absent.txt | contents\n.echo three",
            1,
            "one\n",
            &["absent.txt", "no such file or directory"],
        ),
        (
            "container | with-exec exit 7 | stdout\n.echo after",
            7,
            "",
            &["exit code: 7", "err-text"],
        ),
        ("directory | entries | file a", 1, "", &["file", "entries"]),
        (
            "container | with-exec ls -d /etc | stdout",
            1,
            "",
            &["'d' in -d"],
        ),
        (".echo \"a $nope b\"\n.echo after", 1, "", &["nope"]),
        ("_echo forced\necho plain", 1, "forced\n", &["echo"]),
        (".frobnicate", 1, "", &[".frobnicate"]),
        (
            "directory | with-changes justaword | entries",
            1,
            "",
            &["changes", "Changeset"],
        ),
        (".echo never\nif true; then", 1, "", &["then"]),
        (
            "x=$(directory | file missing)\n.echo \"x=$x\"",
            1,
            "",
            &["missing"],
        ),
        (
            "container | with-exec exit 3\n.echo after",
            3,
            "",
            &["exit code: 3"],
        ),
        ("directory | .printenv", 1, "", &[".printenv"]),
        (
            "directory | with-directory copy ../up | entries",
            1,
            "",
            &["../up"],
        ),
        ("f() { .echo in; .exit 6; }\nf\n.echo after", 6, "in\n", &[]),
        (
            "directory | file missing | contents && .echo never\n",
            1,
            "",
            &["missing"],
        ),
        ("! .echo x", 1, "x\n", &[]),
    ];
    for (script, code, stdout, texts) in cases {
        let ran = run(script);
        let failure = ran.result.expect_err(script);
        let report = failure.report();
        assert_eq!(failure.code, *code, "{script}\n{report}");
        assert_eq!(ran.stdout, *stdout, "{script}");
        for text in *texts {
            assert!(report.contains(text), "{script}\nlacks {text:?}:\n{report}");
        }
    }
}

#[test]
fn failures_in_modules_name_what_was_recorded() {
    let cases: &[(&str, &[&str])] = &[
        (
            "describe --count 1",
            &["describe", "requires 1 positional argument(s), received 0"],
        ),
        ("add one 2", &["add", "one", "--a"]),
        ("flip maybe", &["flip", "maybe", "--flag"]),
        ("feel --mood ANGRY", &["mood", "ANGRY", "HAPPY"]),
        ("person ann | not-there", &["not-there", "SinkPerson"]),
        ("sink --nope 1 | greet", &["sink", "unknown flag: --nope"]),
        ("meet $(directory)", &["who", "Directory", "SinkPerson"]),
    ];
    for (script, texts) in cases {
        let (_dir, place) = sink();
        let ran = run_at(script, place);
        let report = ran.result.expect_err(script).report();
        for text in *texts {
            assert!(report.contains(text), "{script}\nlacks {text:?}:\n{report}");
        }
    }
}

#[test]
fn nothing_is_asked_of_the_engine_before_it_is_needed() {
    let ran = run("x=$(directory | with-new-file a 1)\ny=$x\n_true");
    assert!(ran.result.is_ok(), "{:?}", ran.result);
    assert_eq!(ran.asked, Vec::<String>::new());
    let ran = run("x=$(directory | with-new-file a 1)\n$x | file a | size");
    assert_eq!(
        ran.asked,
        ["{directory{withNewFile(path:\"a\",contents:\"1\"){file(path:\"a\"){size}}}}"]
    );
}

#[test]
fn local_paths_start_at_the_working_directory() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::create_dir_all(dir.path().join("data/sub")).expect("made");
    std::fs::write(dir.path().join("data/one.txt"), "one").expect("written");
    std::fs::write(dir.path().join("data/sub/two.txt"), "two").expect("written");
    let script = ".ls\ndirectory | with-directory copy ./data | with-file f data/one.txt | entries\n\
                  directory | with-directory copy /data | entries --path copy\n.cd data\n.ls\n\
                  directory | with-file x one.txt | file x | contents\n.cd\n.ls";
    let ran = run_at(script, Place::plain(dir.path()));
    assert!(ran.result.is_ok(), "{:?}", ran.result);
    assert_eq!(
        ran.stdout,
        "data/\ncopy/\nf\none.txt\nsub/\none.txt\nsub/\nonedata/\n"
    );
}

#[test]
fn bash_grammar_works() {
    let cases = [
        (
            "x=abcabc; .echo ${x#a} ${x##*b} ${x%c} ${x%%b*} ${x/b/X} ${x//b/X} ${x:1:2} ${x: -2}",
            "bcabc c abcab a aXcabc aXcaXc bc bc\n",
        ),
        (
            "x='a b  c'; for w in $x; do .echo -n \"<$w>\"; done; .echo",
            "<a><b><c>\n",
        ),
        (
            "x='a b'; for w in \"$x\"; do .echo \"<$w>\"; done",
            "<a b>\n",
        ),
        ("f() { .echo $# \"$2\" \"$@\"; }; f 'a b' c", "2 c a b c\n"),
        ("f() { local x=2; .echo $x; }; x=1; f; .echo $x", "2\n1\n"),
        ("f() { _return 3; }; f || .echo $?", "3\n"),
        (
            "for i in 1 2 3; do if _test $i = 2; then _continue; fi; .echo $i; done",
            "1\n3\n",
        ),
        (
            "i=0; until _test $i -ge 3; do i=$((i+1)); done; .echo $i",
            "3\n",
        ),
        (
            "for ((i=0; i<3; i++)); do .echo -n $i; done; .echo",
            "012\n",
        ),
        ("(x=5; .echo $x); .echo ${x:-unset}", "5\nunset\n"),
        ("{ .echo a; .echo b; }", "a\nb\n"),
        ("x=$(.echo hi); .echo \"[$x]\"", "[hi]\n"),
        ("[[ abc == a* && 2 -lt 10 ]] && .echo yes", "yes\n"),
        (
            "a=(x y z); .echo ${a[1]} ${#a[@]} \"${a[@]}\"; a+=(w); .echo ${a[3]}",
            "y 3 x y z\nw\n",
        ),
        (".echo {a,b}-{1..2}", "a-1 a-2 b-1 b-2\n"),
        (".echo *.nothing [ab]", "*.nothing [ab]\n"),
        ("case x in a|x) .echo hit;; esac", "hit\n"),
        (
            "if _false; then .echo a; elif _true; then .echo b; fi",
            "b\n",
        ),
        (".echo $'a\\tb'", "a\tb\n"),
        ("x=1; x+=2; .echo $x", "12\n"),
        (": ${y:=v} || _true; _: ${y:=v}; .echo $y", "v\n"),
        ("! _false && .echo yes", "yes\n"),
        ("! _true; .echo after", "after\n"),
        ("_eval '.echo \"$((1+1))\"'", "2\n"),
        ("_printf '%s-%s\\n' a b", "a-b\n"),
    ];
    check(&cases, || {
        (None, Place::plain(std::path::Path::new("/nonexistent")))
    });
}

#[test]
fn a_redirect_writes_text_but_only_a_token_for_a_pipeline() {
    let dir = tempfile::tempdir().expect("a directory");
    let ran = run_at(
        ".echo hi > a\n.echo you >> a\ndirectory | entries > b",
        Place::plain(dir.path()),
    );
    assert!(ran.result.is_ok(), "{:?}", ran.result);
    assert_eq!(
        std::fs::read_to_string(dir.path().join("a")).expect("a"),
        "hi\nyou\n"
    );
    assert!(
        std::fs::read_to_string(dir.path().join("b"))
            .expect("b")
            .starts_with("DSH:")
    );
    assert_eq!(ran.asked, Vec::<String>::new());
    assert!(ran.told.contains("export"), "{}", ran.told);
}

#[test]
fn objects_print_as_type_and_digest() {
    let ran = run("directory\ncontainer | with-env-variable A 1 | env-variables");
    assert!(ran.result.is_ok(), "{:?}", ran.result);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].starts_with("Directory@sha256:"), "{}", ran.stdout);
    assert!(
        lines[1].starts_with("- EnvVariable@sha256:"),
        "{}",
        ran.stdout
    );
}
