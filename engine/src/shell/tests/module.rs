//! Scripts on a module.

use super::*;

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
