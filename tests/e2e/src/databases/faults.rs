//! Backups that fail: never a false success, nothing that looks like a backup, and
//! a word on what happened.

use std::time::{SystemTime, UNIX_EPOCH};

use rustix::process::Signal;
use stand_ins::Fault;
use test_support::{Finished, Running};

use super::s3::{BUCKET, Store};
use super::server::{Database, secretless, succeeded};
use crate::place::{LIMIT, Place};

/// Random rows, which zstd cannot make smaller: some nine parts of an upload.
const LARGE: &str = "create extension pgcrypto; create table large as select i, gen_random_bytes(1024) as noise from generate_series(1, 70000) i;";

/// The same again with its seed in `PONIARD_TEST_SEED`.
struct Random(u64);

impl Random {
    fn new() -> Self {
        let seed = std::env::var("PONIARD_TEST_SEED").ok();
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("a time");
        let seed = seed.map_or(now.as_secs(), |seed| seed.parse().expect("a number"));
        println!("PONIARD_TEST_SEED={seed}");
        Self(seed)
    }

    /// At least 0, less than 1: SplitMix64.
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed >> 40) as f64 / f64::from(1 << 24)
    }
}

#[track_caller]
fn nothing_is_stored(place: &Place, store: &Store, done: &Finished, words: &[&str]) {
    place.failed(done, words);
    secretless(done);
    assert_eq!(store.keys(), Vec::<String>::new());
    assert_eq!(store.uploads(), Vec::<String>::new());
}

fn backup(place: &Place, database: &Database, store: &Store) -> Finished {
    backup_with(place, database, store, "")
}

fn backup_with(place: &Place, database: &Database, store: &Store, options: &str) -> Finished {
    let arguments = store.arguments();
    database.run(place, &format!("$b | backup {arguments} {options} | key"))
}

#[test]
fn an_upload_that_fails_for_good_is_aborted() {
    let (place, database, store) = (Place::new(), Database::of("postgres:15"), Store::moto());
    database.write(&place, LARGE);
    let faults = store.proxy.faults();

    faults.add(
        Fault::answer(
            "PUT",
            "partNumber=7&",
            403,
            "<Error><Code>AccessDenied</Code><Message>no more</Message></Error>",
        )
        .times(100),
    );
    for options in ["", "--jobs 2"] {
        let done = backup_with(&place, &database, &store, options);
        nothing_is_stored(&place, &store, &done, &["upload part 7"]);
    }

    // Its disk is full, which does not pass.
    faults.clear();
    let full = "<Error><Code>XMinioStorageFull</Code><Message>no space</Message></Error>";
    faults.add(Fault::answer("POST", "uploadId=", 507, full));
    let done = backup(&place, &database, &store);
    let words = ["complete the upload", "507 XMinioStorageFull", "make room"];
    nothing_is_stored(&place, &store, &done, &words);

    // It says 200 before it knows.
    faults.clear();
    faults.add(Fault::answer("POST", "uploadId=", 200, "<?xml version=\"1.0\"?><Error><Code>InternalError</Code><Message>broken inside</Message></Error>"));
    let done = backup(&place, &database, &store);
    nothing_is_stored(
        &place,
        &store,
        &done,
        &["complete the upload", "broken inside"],
    );

    // Slow down, resets and a lost answer are overcome, and all parts are restored.
    faults.clear();
    faults.add(
        Fault::answer(
            "PUT",
            "partNumber=2&",
            503,
            "<Error><Code>SlowDown</Code></Error>",
        )
        .times(2),
    );
    faults.add(Fault::reset("PUT", "partNumber=3&"));
    faults.add(Fault::reset_after_taken("PUT", "partNumber=4&"));
    faults.add(Fault::reset_after_taken("POST", "uploadId="));
    let done = backup_with(&place, &database, &store, "--jobs 2 --verify");
    assert_eq!(done.code, 0, "{}", done.stderr());
    assert_eq!(store.backups(), [done.stdout().trim()]);
    assert_eq!(faults.left(), 0);
}

#[test]
fn a_full_disk_is_told_by_what_writes_files_and_keeps_nothing_half_made() {
    const DUMP: &str = r#"{"dump":{"server":{"engine":"postgresql","version":"15.0"},"options":{"exclude_tables":[],"jobs":JOBS,"stall_secs":20},"place":{"file":"/backup/output"}}}"#;
    const KEY: &str = "app-postgres-15-20260101T030000Z-000000.dump.zst";
    let (place, database, store) = (Place::new(), Database::of("postgres:15"), Store::moto());
    database.write(&place, LARGE);
    store.put(KEY, &"x".repeat(16 << 20));
    store.put(
        &format!("{KEY}.json"),
        r#"{"engine":"postgresql","version":"15.0","database":"app","created":"","bytes":16777216,"sha256":"","tables":1,"rows":1,"encrypted":false}"#,
    );
    let download = format!(
        r#"{{"download":{{"location":{{"bucket":"{BUCKET}","prefix":"","endpoint":"{}"}},"key":"{KEY}","path":"/backup/output"}}}}"#,
        store.endpoint()
    );
    // What `dump` and `download` do in such a container, on a small disk in memory.
    place.write("jobs/1", DUMP.replace("JOBS", "1"));
    place.write("jobs/2", DUMP.replace("JOBS", "2"));
    place.write("jobs/3", download);
    let script = "$b | client | with-directory /jobs jobs | with-mounted-temp /backup --size 8388608 \
         | with-secret-variable AWS_ACCESS_KEY_ID env://ACCESS_KEY_ID \
         | with-secret-variable AWS_SECRET_ACCESS_KEY env://SECRET_ACCESS_KEY \
         | with-exec -- sh -c 'for job in /jobs/*; do db-backup worker \"$(cat $job)\"; ls -A /backup; done' | stdout";
    let said = succeeded(&database.run(&place, script));
    assert_eq!(said.lines().count(), 3, "half a file is left:\n{said}");
    for line in said.lines() {
        for words in [r#"{"error":"#, "No space left on device", "make room"] {
            assert!(line.contains(words), "`{words}` is not said:\n{said}");
        }
    }
    place.nothing_is_left();
}

#[test]
fn a_bucket_that_is_not_there_is_told_before_the_dump() {
    let (place, database, store) = (Place::new(), Database::of("mariadb:10.11"), Store::moto());
    database.write(&place, "");
    let arguments = store.arguments().replacen("backups", "nowhere", 1);
    let done = database.run(&place, &format!("$b | backup {arguments} | key"));
    nothing_is_stored(
        &place,
        &store,
        &done,
        &["NoSuchBucket", "create the bucket"],
    );
}

#[test]
fn a_dump_that_stalls_is_given_up() {
    let (place, store) = (Place::new(), Store::moto());
    let locked = Database {
        beside: "sql() { mariadb -uroot -p\"$MYSQL_ROOT_PASSWORD\" -h127.0.0.1 app -e \"$1\"; }
            until sql 'lock tables many write; select sleep(1000)'; do sleep 0.1; done &",
        ..Database::of("mariadb:10.11")
    };
    locked.write(&place, "");
    let done = backup(&place, &locked, &store);
    nothing_is_stored(&place, &store, &done, &["--stall-timeout", "20 s"]);
}

#[test]
fn a_locked_table_is_named() {
    let (place, store) = (Place::new(), Store::moto());
    let locked = Database {
        beside: "until psql -h 127.0.0.1 -U postgres app -c 'begin' -c 'lock table many' -c 'select pg_sleep(1000)'; do sleep 0.1; done &",
        ..Database::of("postgres:15")
    };
    locked.write(&place, "");
    let done = backup(&place, &locked, &store);
    nothing_is_stored(&place, &store, &done, &["pg_dump", "many"]);
}

#[test]
fn a_connection_that_is_cut_and_a_server_that_goes_down_are_told() {
    const UNTIL_DUMP: &str = "until psql -h 127.0.0.1 -U postgres app -XAtc \"select query from pg_stat_activity where application_name = 'pg_dump'\" | grep -q 'COPY public.large'; do sleep 0.02; done";
    let cut = "psql -U postgres app -c \"select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pg_dump'\"";
    let down = "su postgres -c 'pg_ctl -D /var/lib/postgresql/data -m immediate stop'";
    for (what, options, said) in [
        (cut, "", "terminating connection"),
        (cut, "--jobs 2", "terminating connection"),
        (down, "", "pg_dump"),
    ] {
        let (place, store) = (Place::new(), Store::moto());
        let beside = format!("(\n{UNTIL_DUMP}\n{what}\n) &");
        let database = Database {
            beside: Box::leak(beside.into_boxed_str()),
            ..Database::of("postgres:15")
        };
        database.write(&place, LARGE);
        let done = backup_with(&place, &database, &store, options);
        nothing_is_stored(&place, &store, &done, &[said]);
    }
}

#[test]
fn a_connection_to_mariadb_that_is_cut_is_told() {
    let (place, store) = (Place::new(), Store::moto());
    // The dump waits for this table when it is cut.
    let cut = Database {
        beside: "sql() { mariadb -uroot -p\"$MYSQL_ROOT_PASSWORD\" -h127.0.0.1 app -Ne \"$1\"; }
            waiting() { sql \"select id from information_schema.processlist where state like 'Waiting for table%' and id <> connection_id()\"; }
            until sql 'lock tables many write; select sleep(1000)'; do sleep 0.1; done &
            (until id=$(waiting) && [ \"$id\" ]; do sleep 0.1; done; sql \"kill $id\") &",
        ..Database::of("mariadb:10.11")
    };
    cut.write(&place, "");
    let done = backup(&place, &cut, &store);
    nothing_is_stored(&place, &store, &done, &["mariadb-dump", "many"]);
}

#[test]
fn interrupted_at_twenty_random_moments_there_is_never_a_false_success() {
    let (place, database, store) = (Place::new(), Database::of("mariadb:10.11"), Store::moto());
    database.write(&place, "");
    let server = database.serve(&place, store.proxy.address().ip());
    let arguments = store.arguments();
    let script = format!(
        "{} env://URL --stall-timeout 20 | backup {arguments} --keep-last 3 | key",
        crate::fixture::module("db-backup").display()
    );
    let command = || {
        let mut command = place.command(&["shell", "--progress", "plain", "-c", &script]);
        database.secrets(&mut command);
        command.env("URL", &server.url);
        command
    };
    // The first of them may have to compile.
    let mut took = LIMIT;
    for _ in 0..2 {
        let whole = Running::to_end(&mut command(), "", LIMIT).expect("a run");
        assert_eq!(whole.code, 0, "{}", whole.stderr());
        took = whole.took;
    }
    let mut known = store.backups();
    let mut interrupted = 0;
    let mut random = Random::new();
    for attempt in 0.. {
        if interrupted == 20 {
            break;
        }
        assert!(attempt < 100, "only {interrupted} were interrupted");
        let running = Running::start(&mut command(), "").expect("a start");
        // In its first quarter, nothing has begun.
        std::thread::sleep(took.mul_f64(0.25 + random.share() * 0.75));
        let signal = if random.share() < 0.5 {
            Signal::KILL
        } else {
            Signal::TERM
        };
        let _ = running.signal(signal);
        let done = running.finish(LIMIT).expect("an end");
        let now = store.backups();
        if done.code == 0 {
            // Others may be new, too: the store was asked to keep one when the kill came.
            let key = done.stdout().trim().to_owned();
            assert!(now.contains(&key) && !known.contains(&key), "no `{key}`");
            // The machine is as fast now as it was just then, not as at first.
            took = done.took;
        } else {
            interrupted += 1;
        }
        assert!(!now.is_empty(), "the last good backup is gone");
        known = now;
    }
    // The next run ends what the last one may have left running, then nothing changes.
    place.works();
    // Whatever looks like a backup is one.
    let left = store.backups();
    let checks = left
        .iter()
        .map(|key| format!("$b | verify $($b | download {key} {arguments}) | tables\n"));
    drop(server);
    let checked = database.run(&place, &checks.collect::<String>());
    assert_eq!(
        checked.code,
        0,
        "a backup is no good:\n{}",
        checked.stderr()
    );
    place.nothing_is_left();
}
