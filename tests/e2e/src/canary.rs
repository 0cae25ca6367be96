//! A secret while it is used: in no argument of a process, no dump of one, no output in
//! whatever form, and no file. IDs, pages and spans have tests of their own ([`super::trace`]).

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::Signal;
use test_support::Running;

use crate::place::{GRACE, LIMIT, Place, kept_out_of, nonce, words_in};
use crate::processes;
use crate::rootless::user::BOX;

#[test]
fn a_secret_is_in_no_argument_no_dump_no_output_and_no_file() {
    let mut place = Place::new();
    // A state of its own, to be looked through quickly.
    place.state = place.path("state");
    place.write("box.sh", BOX);
    place.write(
        "poniard.toml",
        "[[image]]\nname = \"box\"\nscript = \"box.sh\"\n",
    );
    let since = SystemTime::now();
    let word = nonce();
    let lines = ["first", "second"].map(|line| format!("canary-{word}-{line}"));
    let secret = lines.join("\n");
    // Whole, by lines, in two writes, in base64 with and without others before it.
    let script = format!(
        "token=$(secret env:CANARY)\n\
         container | from box | with-secret-variable TOKEN $token | with-mounted-secret /key $token \
         | with-exec -- sh -c 'wc -c < /key > /kept' \
         | with-exec -- sh -c 'cat /key; echo; tail -n 1 /key; echo; head -n 1 /key >&2; \
           printf %s canary-{word}; sleep 0.3; echo -first; \
           base64 /key; printf %s \"user:$TOKEN\" | base64 -w 0; printf %s \"at:$TOKEN\" | base64 -w 0; echo; \
           echo at-$((40 + 2)); sleep 600' | stdout"
    );
    let poniard = |args: &[&str]| {
        let mut command = place.command(args);
        command.env("PONIARD_CONFIG", place.path("poniard.toml"));
        command
    };
    let mut command = poniard(&["-M", "--progress", "plain", "-c", &script]);
    let running = Running::start(command.env("CANARY", &secret), "").expect("a start");
    assert!(running.says("at-42", LIMIT), "it does not start");
    let all = [lines[0].as_str(), lines[1].as_str()];
    for process in processes::all() {
        let line = process.command_line();
        let found = words_in(&line, &all);
        assert!(
            found.is_empty(),
            "{found:?}: {}",
            String::from_utf8_lossy(&line)
        );
    }
    let own = processes::family(running.pid().as_raw_nonzero().get().unsigned_abs());
    assert!(own.len() > 3, "{} processes", own.len());
    for process in own {
        let limit = process.dump_limit();
        assert!(limit.is_none_or(|limit| limit <= 1), "{limit:?}");
    }
    running.signal(Signal::ABORT).expect("a signal");
    let done = running.finish(GRACE).expect("an end");
    let said = done.stdout() + &done.stderr();
    assert!(said.contains("***"), "{said}");
    let mut forms: Vec<String> = lines.to_vec();
    for before in ["", "user:", "at:"] {
        let text = STANDARD.encode(format!("{before}{secret}"));
        forms.push(text[16..40].to_owned());
    }
    for form in &forms {
        assert!(!said.contains(form), "`{form}` is in {said}");
    }
    // As after a kill, the next run clears control groups away.
    let mut after = poniard(&["-M", "-c", "container | from box | with-exec true | sync"]);
    let done = Running::to_end(&mut after, "", LIMIT).expect("a run");
    assert_eq!(done.code, 0, "{}", done.stderr());
    place.nothing_is_left();
    let forms: Vec<&str> = forms.iter().map(String::as_str).collect();
    kept_out_of(&place.state, since, &forms);
    let dumps = fs::read_dir(place.path("")).expect("files").flatten();
    let names: Vec<_> = dumps.map(|entry| entry.file_name()).collect();
    assert!(
        !names
            .iter()
            .any(|name| Path::new(name).to_string_lossy().contains("core")),
        "{names:?}"
    );
}
