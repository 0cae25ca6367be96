//! Scripts on the core.

use super::*;

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
            "export A=1\ndirectory | export out\n.echo $A",
            "/host/out1\n",
        ),
        ("save() { export out; }\ndirectory | save", "/host/out"),
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
