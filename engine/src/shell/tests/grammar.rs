//! Bash's grammar.

use super::*;

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
        ("f() { .echo $#; }; x='a b'; f ${x:+--flag $x}", "3\n"),
        ("f() { .echo $#; }; x='a b'; f \"${x:+--flag $x}\"", "1\n"),
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
fn substitutions_nest_as_deep_as_blocks() {
    let script = format!("{}.echo a{}", ".echo b$(".repeat(60), ")".repeat(60));
    // As large a stack as the thread of a command has.
    let thread = std::thread::Builder::new().stack_size(64 << 20);
    let ran = thread.spawn(move || run(&script)).expect("a thread");
    let ran = ran.join().expect("no panic");
    assert!(ran.result.is_ok(), "{:?}", ran.result);
    assert_eq!(ran.stdout, format!("{}a\n", "b".repeat(60)));
}
