//! Rough treatment: killed at random moments, many at once, endless output, a
//! fork bomb, a wrong clock, a state that cannot be written, secrets shown on
//! purpose.
//!
//! `PONIARD_TEST_KILLS` is how often a run is killed, `PONIARD_TEST_SEED` when;
//! `PONIARD_TEST_OUTPUT_BYTES` is how much a command writes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};
use rustix::process::Signal;
use test_support::Running;
use walkdir::WalkDir;

use crate::place::{GRACE, LIMIT, Place, argument, nonce, readable};
use crate::processes;

fn setting<T: FromStr>(name: &str, or: T) -> T {
    let given = std::env::var(name).ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(or)
}

/// Layers, a volume, an import, commands side by side and an export.
fn busy(word: &str) -> String {
    format!(
        "base=$(container | from debian:bookworm-slim | with-env-variable WORD {word} \
         | with-mounted-cache /v $(cache-volume endurance) --sharing LOCKED)\n\
         a=$($base | with-exec -- sh -c 'echo $WORD-a >/v/x; seq 200000 >/a; cat /v/x')\n\
         b=$($base | with-exec -- sh -c 'mkdir /d; for i in $(seq 300); do echo $i >/d/$i; done')\n\
         $a | with-directory /d $($b | directory /d) | with-file /h $(host | file held) \
         | with-exec -- sh -c 'cat /a /d/* /h | cksum; ls /d | wc -l; echo $WORD' | stdout\n\
         $b | directory /d | export out"
    )
}

fn names_in(dir: &Path) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(dir).expect("a directory").flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned())
}

#[test]
fn after_a_kill_at_any_moment_the_next_run_is_right_and_nothing_stays() {
    let place = Place::new();
    place.write("held", "x".repeat(1 << 20));
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let mut random: u64 = setting(
        "PONIARD_TEST_SEED",
        now.map_or(1, |now| now.as_nanos() as u64 | 1),
    );
    eprintln!("PONIARD_TEST_SEED={random}");
    let mut next = move |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    fs::create_dir(place.path("temporary")).expect("a directory");
    let command = |word: &str| {
        let mut command = place.command(&["-M", "-c", &busy(word)]);
        command.env("TMPDIR", place.path("temporary"));
        command
    };
    let run = |word: &str| Running::to_end(&mut command(word), "", LIMIT).expect("a run");
    let first = run(&nonce());
    assert_eq!(first.code, 0, "{}", first.stderr());
    let sum = first.stdout().lines().next().map(str::to_owned);
    let sum = sum.expect("a checksum");
    let span = (first.took.as_millis() as u64).max(50);
    let mut killed = 0;
    for round in 0..setting("PONIARD_TEST_KILLS", 100) {
        let word = nonce();
        let running = Running::start(&mut command(&word), "");
        let running = running.expect("a start");
        let moment = Duration::from_millis(next(span));
        std::thread::sleep(moment);
        // Not the group: what it has started is to end by itself.
        let _ = rustix::process::kill_process(running.pid(), Signal::KILL);
        let done = running.finish(GRACE).expect("an end");
        assert!(!done.late, "it outlives its end");
        killed += u32::from(done.code == 137);
        let done = run(&word);
        let said = format!("round {round}, killed after {moment:?}:\n{}", done.stderr());
        assert_eq!(done.code, 0, "{said}");
        readable(&done);
        let wanted = format!("{sum}\n300\n{word}\n");
        assert!(
            done.stdout().starts_with(&wanted),
            "{said}{}",
            done.stdout()
        );
        let exported: BTreeSet<_> = names_in(&place.path("out")).collect();
        assert_eq!(
            exported,
            (1..=300).map(|n| n.to_string()).collect(),
            "{said}"
        );
        place.nothing_is_left();
    }
    assert!(killed > 0, "no run was killed");
    for dir in [place.state.join("tmp"), place.path("temporary")] {
        let left: Vec<_> = names_in(&dir).collect();
        assert!(left.is_empty(), "left in `{}`: {left:?}", dir.display());
    }
}

#[test]
fn an_export_that_is_killed_leaves_no_file_once_another_run_began() {
    const OWN: &str = ".export-of-mine";
    let place = Place::new();
    let large = "container | from debian:bookworm-slim \
                 | with-exec -- sh -c 'head -c 300000000 /dev/zero >/large'";
    let done = place.run(&["-M", "-c", &format!("{large} | sync")]);
    assert_eq!(done.code, 0, "{}", done.stderr());
    let out = place.path("out");
    fs::create_dir(&out).expect("a directory");
    fs::write(out.join(OWN), "").expect("a file");
    let left = || names_in(&out).find(|name| name.starts_with(".export-") && name != OWN);
    let export = format!("{large} | file /large | export out/copy");
    for _ in 0..50 {
        let running = Running::start(&mut place.command(&["-M", "-c", &export]), "");
        let running = running.expect("a start");
        while left().is_none() && !running.ended() {
            std::thread::yield_now();
        }
        let _ = rustix::process::kill_process(running.pid(), Signal::KILL);
        running.finish(GRACE).expect("an end");
        if left().is_some() {
            break;
        }
    }
    assert!(left().is_some(), "no run was killed in its export");
    let done = place.run(&["-M", "-c", &export]);
    assert_eq!(done.code, 0, "{}", done.stderr());
    let names: BTreeSet<_> = names_in(&out).collect();
    assert_eq!(names, [OWN, "copy"].map(String::from).into());
    place.nothing_is_left();
}

#[test]
fn thirty_invocations_at_once_do_an_expensive_step_once() {
    let place = Place::new();
    place.works();
    let base = "container | from debian:bookworm-slim | with-mounted-cache /v $(cache-volume once)";
    let word = nonce();
    // How often it ran is in the volume, whatever the runs are told.
    let script = format!(
        "{base} | with-exec -- sh -c 'echo ran >>/v/{word}; sleep 1; \
         cat /proc/sys/kernel/random/uuid' | stdout"
    );
    let start = |_| Running::start(&mut place.command(&["-M", "-c", &script]), "");
    let running: Vec<_> = (0..30).map(start).collect();
    let mut seen = BTreeSet::new();
    for running in running {
        let done = running.and_then(|running| running.finish(LIMIT));
        let done = done.expect("a run");
        assert_eq!(done.code, 0, "{}", done.stderr());
        readable(&done);
        seen.insert(done.stdout());
    }
    assert_eq!(seen.len(), 1, "they are told different things: {seen:?}");
    let count = format!("{base} | with-exec -- cat /v/{word} | stdout");
    let done = place.run(&["-M", "-c", &count]);
    assert_eq!(done.stdout(), "ran\n", "{}", done.stderr());
    place.nothing_is_left();
}

/// The most memory that a process of the program had while `work` went on, in KiB.
fn peak(program: &Path, work: impl FnOnce()) -> u64 {
    let is_over = AtomicBool::new(false);
    let look = || {
        let mut most = 0;
        while !is_over.load(Ordering::Relaxed) {
            for process in processes::all() {
                if process.runs(program) {
                    let status = process.read("status");
                    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
                    let number = line.and_then(|line| line.split_whitespace().next());
                    most = most.max(number.and_then(|number| number.parse().ok()).unwrap_or(0));
                }
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        most
    };
    std::thread::scope(|scope| {
        let looking = scope.spawn(look);
        work();
        is_over.store(true, Ordering::Relaxed);
        looking.join().unwrap_or(u64::MAX)
    })
}

#[test]
fn output_without_end_is_refused_as_a_string_and_takes_bounded_memory() {
    let place = Place::new();
    place.works();
    let program = place.cli.program();
    let bytes: u64 = setting("PONIARD_TEST_OUTPUT_BYTES", 3 << 30);
    for source in ["yes 0123456789", "cat /dev/zero"] {
        let command = format!(
            "container | from debian:bookworm-slim | with-env-variable WORD {} \
             | with-exec -- sh -c '{source} | head -c {bytes}'",
            nonce()
        );
        let most = peak(&program, || {
            let done = place.run(&["-q", "-M", "-c", &format!("{command} | stdout")]);
            let stderr = done.stderr();
            assert!(
                done.code != 0 && stderr.contains(&format!("has {bytes} bytes")),
                "{}: {stderr}",
                done.code
            );
        });
        eprintln!("{source}: {most} KiB");
        // 128 MiB of it are kept twice, however long it is.
        assert!(most > 0 && most < 400 << 10, "{source}: {most} KiB");
        // The step itself is done, and what it has made is there.
        let done = place.run(&["-q", "-M", "-c", &format!("{command} | exit-code")]);
        assert_eq!(done.stdout().trim(), "0", "{}", done.stderr());
    }
    place.nothing_is_left();
}

#[test]
fn a_fork_bomb_under_a_limit_ends_with_its_command() {
    let place = Place::new();
    place.works();
    let cli = place.cli.under(&["prlimit", "--nproc=150:150"]);
    let script = format!(
        "container | from debian:bookworm-slim | with-env-variable WORD {} | with-user 24680 \
         | with-exec --expect ANY -- sh -c 'f() {{ f | f & }}; f; sleep 1; exit 7' | exit-code",
        nonce()
    );
    let started = Instant::now();
    let mut command = place.command_of(&cli, &["-M", "-c", &script]);
    let done = Running::to_end(&mut command, "", Duration::from_secs(60)).expect("a run");
    readable(&done);
    assert!(!done.late, "it does not end: {:?}", started.elapsed());
    let stderr = done.stderr();
    assert!(stderr.to_lowercase().contains("fork"), "{stderr}");
    place.nothing_is_left();
    place.works();
}

#[test]
fn a_clock_that_was_wrong_changes_nothing() {
    let place = Place::new();
    place.works();
    let future = SystemTime::now() + Duration::from_secs(40 * 365 * 24 * 3600);
    for (contents, time) in [("one", future), ("two", future), ("six", UNIX_EPOCH)] {
        place.write("dated/file", contents);
        let file = fs::File::options()
            .write(true)
            .open(place.path("dated/file"));
        file.and_then(|file| file.set_modified(time))
            .expect("a time");
        let script = "container | from debian:bookworm-slim | with-directory /d $(host | directory dated) \
                      | with-exec -- cat /d/file | stdout";
        let done = place.run(&["-M", "-c", script]);
        assert_eq!(
            (done.code, done.stdout().as_str()),
            (0, contents),
            "{}",
            done.stderr()
        );
    }
    place.nothing_is_left();
}

#[test]
fn a_state_on_a_read_only_disk_is_told() {
    let mut place = Place::new();
    let disk = place.path("read-only");
    fs::create_dir(&disk).expect("a directory");
    mount("tmpfs", &disk, "tmpfs", MountFlags::empty(), None).expect("a mount");
    mount_remount(&disk, MountFlags::RDONLY, "").expect("a mount");
    let good = std::mem::replace(&mut place.state, disk.clone());
    let done = place.run(&["-M", "-c", "directory | with-new-file a 1 | entries"]);
    let _ = unmount(&disk, UnmountFlags::DETACH);
    readable(&done);
    let stderr = done.stderr();
    assert!(
        done.code != 0
            && stderr.contains("read-only")
            && stderr.to_lowercase().contains("read-only file system"),
        "{stderr}"
    );
    place.state = good;
    place.works();
}

#[test]
fn a_container_has_a_session_only_when_it_is_nested() {
    let place = Place::new();
    let script = |nested: &str| {
        format!(
            "container | from debian:bookworm-slim | with-env-variable WORD {} | with-exec {nested} -- \
             sh -c 'env | grep -c ^DAGGER_SESSION; grep -c \" 0A \" /proc/net/tcp; true' | stdout",
            nonce()
        )
    };
    // Root may make the host's disk, as on Dagger, but not open it.
    let disk = "container | from debian:bookworm-slim | with-exec -- \
                sh -c 'mknod /disk b 8 0 && ! head -c 1 /disk 2>&1 && rm /disk' | stdout";
    let done = place.run(&["-M", "-c", disk]);
    assert!(
        done.stdout().contains("not permitted"),
        "{}{}",
        done.stdout(),
        done.stderr()
    );
    // Neither the variables nor a port on which anybody listens.
    for (nested, seen) in [
        ("", "0\n0\n"),
        ("--experimental-privileged-nesting", "2\n1\n"),
    ] {
        let done = place.run(&["-M", "-c", &script(nested)]);
        assert_eq!(done.stdout(), seen, "{nested} {}", done.stderr());
    }
}

/// Files below `dir` written since, that hold one of the words.
fn files_with(dir: &Path, since: SystemTime, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut count = 0;
    for entry in WalkDir::new(dir).into_iter().flatten() {
        let is_new = entry.metadata().is_ok_and(|meta| {
            meta.is_file() && meta.modified().is_ok_and(|modified| modified >= since)
        });
        let path = entry.path().display().to_string();
        let bytes = is_new.then(|| fs::read(entry.path()).unwrap_or_default());
        count += u32::from(is_new);
        for word in words {
            let has = |bytes: &Vec<u8>| {
                bytes
                    .windows(word.len())
                    .any(|part| part == word.as_bytes())
            };
            if bytes.as_ref().is_some_and(has) || path.contains(word) {
                found.push(format!("{word} in {path}"));
            }
        }
    }
    assert!(count > 0, "nothing was written to {}", dir.display());
    found
}

#[test]
fn a_secret_is_in_no_output_file_trace_command_line_or_core_dump() {
    let place = Place::new();
    place.works();
    let token = format!("canary-{}-of-the-token", nonce());
    let key = format!(
        "-----BEGIN KEY-----\n{0}first\n{0}second\n-----END KEY-----\n",
        nonce()
    );
    let line = key.lines().nth(1).expect("a line").to_owned();
    let encoded = STANDARD.encode(&token);
    let words = [token.as_str(), line.as_str(), &encoded[..20]];
    // Shown whole, in pieces, line by line and encoded; and time to look around.
    let show = "echo $TOKEN; printf %s $TOKEN | head -c 9; sleep 0.2; printf %s $TOKEN | tail -c +10; \
                printf %s $TOKEN | base64 -w0; echo; while read l; do echo \" $l\" >&2; done </key; \
                echo at-$((40 + 2)) >&2; sleep 2; exit 4";
    let script = format!(
        "container | from debian:bookworm-slim | with-env-variable WORD {} \
         | with-secret-variable TOKEN $(secret env:CANARY) | with-mounted-secret /key $(secret file:key) \
         | with-exec -- sh -c '{show}' | stdout",
        nonce()
    );
    let started = SystemTime::now();
    place.write("key", &key);
    let trace = place.path("trace/page.html");
    fs::create_dir_all(place.path("trace")).expect("a directory");
    let mut command = place.command(&["-M", "--trace", argument(&trace), "-c", &script]);
    command.env("CANARY", &token);
    let running = Running::start(&mut command, "").expect("a start");
    assert!(running.says("at-42", LIMIT), "it does not run");
    let mut own = 0;
    for process in processes::all() {
        let line = process.read("cmdline");
        for word in words {
            assert!(
                !line.contains(word),
                "`{word}` is on a command line: {line}"
            );
        }
        if process.runs(&place.cli.program()) {
            let limit = process.dump_limit();
            assert!(matches!(limit, Some(0 | 1)), "core dumps: {limit:?}");
            own += 1;
        }
    }
    assert!(
        own > 0 || !place.cli.is_built_here(),
        "no process of poniard"
    );
    let done = running.finish(LIMIT).expect("an end");
    assert_eq!(done.code, 4, "{}", done.stderr());
    for word in words {
        assert!(!done.stdout().contains(word), "{}", done.stdout());
        assert!(!done.stderr().contains(word), "{}", done.stderr());
    }
    assert!(done.stderr().contains("***"), "{}", done.stderr());
    let found = [
        files_with(&place.state, started, &words),
        files_with(&place.path("trace"), started, &words),
    ]
    .concat();
    assert!(found.is_empty(), "{found:#?}");
    place.nothing_is_left();
}
