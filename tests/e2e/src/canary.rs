//! A secret while it is used: in no argument of a process, no dump of one, no output in
//! whatever form, and no file. IDs, pages and spans have tests of their own ([`super::trace`]).

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::Signal;
use test_support::Running;

use crate::place::{LIMIT, Place, kept_out_of, nonce, words_in};
use crate::rootless::user::BOX;

/// Numbers of all processes, with their parents.
fn processes() -> Vec<(u32, u32)> {
    let all = fs::read_dir("/proc").expect("processes").flatten();
    let read = |name: &str| {
        let number = name.parse().ok()?;
        let stat = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
        // Behind the name, which may have anything in it.
        let (_, rest) = stat.rsplit_once(") ")?;
        Some((number, rest.split(' ').nth(1)?.parse().ok()?))
    };
    all.filter_map(|entry| read(entry.file_name().to_str()?))
        .collect()
}

/// The process and all below it.
fn family(first: u32) -> Vec<u32> {
    let all = processes();
    let mut found = vec![first];
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        found.extend(all.iter().filter(|own| own.1 == parent).map(|own| own.0));
        at += 1;
    }
    found
}

/// The soft limit for dumps, unless the process is gone.
fn dump_limit(process: u32) -> Option<u64> {
    let limits = fs::read_to_string(format!("/proc/{process}/limits")).ok()?;
    let line = limits.lines().find(|line| line.starts_with("Max core"))?;
    let soft = line.split_whitespace().nth(4)?;
    Some(soft.parse().unwrap_or(u64::MAX))
}

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
    for (process, _) in processes() {
        let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        let found = words_in(&line, &all);
        assert!(
            found.is_empty(),
            "{found:?}: {}",
            String::from_utf8_lossy(&line)
        );
    }
    let own = family(running.pid().as_raw_nonzero().get().unsigned_abs());
    assert!(own.len() > 3, "{own:?}");
    for process in own {
        let limit = dump_limit(process);
        assert!(limit.is_none_or(|limit| limit <= 1), "{limit:?}");
    }
    running.signal(Signal::ABORT).expect("a signal");
    let done = running.finish(Duration::from_secs(30)).expect("an end");
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
