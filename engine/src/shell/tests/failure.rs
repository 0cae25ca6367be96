//! Scripts that fail.

use super::*;

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
        (".hel", 1, "", &["; did you mean `.help`?"]),
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
