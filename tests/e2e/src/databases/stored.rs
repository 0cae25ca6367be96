//! What is in the bucket: kept, pruned, handed out.

use std::fs;

use stand_ins::Fault;

use super::s3::Store;
use super::server::{Database, MARK, secretless, succeeded};
use crate::place::Place;

fn name(day: u32, nonce: &str) -> String {
    format!("kept/app-mariadb-10.11-202601{day:02}T030000Z-{nonce}.sql.zst")
}

#[test]
fn a_user_who_may_only_read_backs_up_and_old_backups_go_only_after_it() {
    let (place, database, store) = (Place::new(), Database::of("mariadb:10.11"), Store::moto());
    database.write(&place, "");
    for day in 1..=5 {
        store.put(&name(day, "000000"), "old");
        store.put(&format!("{}.json", name(day, "000000")), "{}");
    }
    // Of another database, of one of that name elsewhere, and no backup at all.
    let others = [
        "kept/other-mariadb-10.11-20260101T030000Z-000000.sql.zst",
        "kept/other-mariadb-10.11-20260101T030000Z-000000.sql.zst.json",
        "kept/app-postgres-15-20260101T030000Z-000000.dump.zst",
        "kept/app-postgres-15-20260101T030000Z-000000.dump.zst.json",
        "kept/readme.txt",
        "kept/app-mariadb-10.11-20260101T030000Z-111111.sql.zst",
    ];
    for key in others {
        store.put(key, "other");
    }
    let arguments = store.arguments();
    let script = format!(
        "r=$({} env://READER_URL --server $db)\n\
         $r | backup {arguments} --prefix kept --exclude-table secret_log --keep-last 2 --keep-daily 3 | pruned\n",
        crate::fixture::module("db-backup").display()
    );
    let pruned = succeeded(&database.run(&place, &script));
    for day in 1..=3 {
        assert!(pruned.contains(&name(day, "000000")), "{pruned}");
    }
    let keys = store.keys();
    for key in others {
        assert!(
            keys.iter().any(|found| found == key),
            "{key} is gone: {keys:?}"
        );
    }
    let ours = |key: &&String| key.starts_with("kept/app-mariadb-") && key.ends_with(".zst");
    let left: Vec<_> = keys.iter().filter(ours).collect();
    assert_eq!(left.len(), 4, "{left:?}");
    assert!(
        left.iter().any(|key| **key == name(5, "000000")),
        "{left:?}"
    );
    assert!(
        left.iter().any(|key| **key == name(4, "000000")),
        "{left:?}"
    );

    // A newest backup that is not whole protects all others.
    let newest = "kept/app-mariadb-10.11-20990101T000000Z-222222.sql.zst";
    store.put(newest, "cut");
    store.put(
        &format!("{newest}.json"),
        r#"{"engine":"mariadb","version":"10.11.1","database":"app","created":"","bytes":4000,"sha256":"","tables":1,"rows":1,"encrypted":false}"#,
    );
    let before = store.keys();
    let prune = format!("$b | prune {arguments} --prefix kept --keep-last 1");
    let done = database.run(&place, &prune);
    place.failed(&done, &["nothing is pruned", newest]);
    assert_eq!(store.keys(), before);
}

#[test]
fn a_prune_that_is_cut_short_leaves_nothing_that_looks_like_a_backup() {
    let (place, database, store) = (Place::new(), Database::of("mariadb:10.11"), Store::moto());
    database.write(&place, "");
    let old = name(1, "000000");
    store.put(&old, "old");
    store.put(&format!("{old}.json"), "{}");
    // Its backup may be on its way.
    let young = "kept/app-mariadb-10.11-20990101T000000Z-222222.sql.zst.json";
    store.put(young, "{}");
    let script = format!(
        "$b | backup {} --prefix kept --keep-last 1 | key",
        store.arguments()
    );
    let described = |keys: &[String], key: &str| keys.contains(&format!("{key}.json"));
    let faults = store.proxy.faults();
    for refused in [".zst?", ".zst.json?"] {
        let denied = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
        faults.add(Fault::answer("DELETE", refused, 403, denied));
        let done = database.run(&place, &script);
        place.failed(&done, &["was made, but the old ones were not pruned"]);
        assert_eq!(faults.left(), 0);
        let keys = store.keys();
        for key in store.backups() {
            assert!(described(&keys, &key), "half a backup: {key}");
        }
    }
    assert!(described(&store.keys(), &old), "the second was not cut");
    let kept = succeeded(&database.run(&place, &script));
    let keys = store.keys();
    assert!(!described(&keys, &old), "a description stays: {keys:?}");
    assert!(keys.iter().any(|key| key == young), "{keys:?}");
    assert_eq!(store.backups(), [kept.trim()]);
}

#[test]
fn a_download_url_is_bounded_and_a_damaged_backup_is_refused() {
    let (place, database, store) = (Place::new(), Database::of("mariadb:10.11"), Store::moto());
    database.write(&place, "");
    let arguments = store.arguments();
    let done = database.run(&place, &format!("$b | backup {arguments} | key"));
    let key = succeeded(&done).trim().to_owned();
    assert_eq!(store.backups(), std::slice::from_ref(&key));

    let done = database.run(
        &place,
        &format!("$b | download-url {key} {arguments} --ttl 604801"),
    );
    place.failed(&done, &["604801", "604800"]);
    let script = format!("http $($b | download-url {key} {arguments} --ttl 60) | size");
    let size = succeeded(&database.run(&place, &script));
    assert!(
        size.trim().parse::<u64>().is_ok_and(|size| size > 1000),
        "{size}"
    );

    // Restored, it is not what it says it is.
    let script = format!("$b | download {key} {arguments} | export backup.zst");
    succeeded(&database.run(&place, &script));
    let mut backup = fs::read(place.path("backup.zst")).expect("a backup");
    let says = br#""many":{"rows":4096"#;
    let at = backup.windows(says.len()).position(|bytes| bytes == says);
    let at = at.expect("a manifest");
    backup[at + says.len() - 1] = b'7';
    place.write("backup.zst", backup);
    let done = database.run(&place, "$b | verify backup.zst | summary");
    let words = ["table `many` has 4096 rows instead of 4097"];
    place.failed(&done, &words);

    // The same length, another content.
    let damaged = "x".repeat(size.trim().parse().expect("a size"));
    store.put(&key, &damaged);
    let done = database.run(&place, &format!("$b | download {key} {arguments} | size"));
    place.failed(&done, &["is damaged", &key]);
    let done = database.run(
        &place,
        &format!("$b | download {key}.gone {arguments} | size"),
    );
    place.failed(&done, &["is no backup"]);
}

#[test]
fn another_s3_server_takes_and_gives_backups_as_well() {
    let (place, database, store) = (
        Place::beside_others(),
        Database::of("mariadb:10.11"),
        Store::files(),
    );
    database.write(&place, "");
    let arguments = store.arguments();
    let script = format!("$b | backup {arguments} --prefix some/where | key");
    let first = succeeded(&database.run(&place, &script)).trim().to_owned();
    let script = format!("$b | backup {arguments} --prefix some/where --keep-last 1 | pruned");
    let pruned = succeeded(&database.run(&place, &script));
    assert!(pruned.contains(&first), "{pruned}");
    let backups = store.backups();
    let [key] = &backups[..] else {
        panic!("{backups:?}");
    };
    let script = format!(
        "$b | list {arguments} --prefix some/where | key\n.echo\n\
         f=$($b | download {key} {arguments})\n\
         $b | verify $f | summary\n.echo\n\
         $b | restore $f env://COPY_URL | tables\n.echo\n\
         http $($b | download-url {key} {arguments} --ttl 60) | size\n"
    );
    let said = succeeded(&database.run(&place, &script));
    for words in [key, "restored and compared"] {
        assert!(said.contains(words), "{said}");
    }
    let size = said.split_whitespace().next_back();
    let size = size.and_then(|word| word.parse::<u64>().ok());
    assert!(size.is_some_and(|size| size > 1000), "{said}");
    assert_eq!(store.uploads(), Vec::<String>::new());
}

#[test]
fn parts_that_a_killed_run_has_left_go_after_days() {
    let (place, database, store) = (
        Place::beside_others(),
        Database::of("mariadb:10.11"),
        Store::moto(),
    );
    database.write(&place, "");
    let stays = [
        // Perhaps under way; of another database; no backup.
        "kept/app-mariadb-10.11-20990101T030000Z-000000.sql.zst",
        "kept/other-mariadb-10.11-20260101T030000Z-000000.sql.zst",
        "kept/film.mp4",
    ];
    stays.iter().for_each(|key| store.begin(key));
    store.begin(&name(1, "000000"));
    let arguments = store.arguments();
    let script = format!("$b | backup {arguments} --prefix kept | key");
    succeeded(&database.run(&place, &script));
    let mut left = store.uploads();
    left.sort();
    let mut stays = stays.to_vec();
    stays.sort_unstable();
    assert_eq!(left, stays);
}

#[test]
fn accounts_that_the_target_does_not_have_are_named_or_left_out() {
    for image in ["mariadb:10.11", "mysql:9.7"] {
        let (place, source) = (Place::new(), Database::of(image));
        source.write(&place, "");
        succeeded(&source.run(&place, "$b | dump | export backup.zst"));
        // Another server, without that account.
        let target = Database::of(image);
        place.write("zoo.sql", "create database copy;");
        let script = format!(
            "$b | restore backup.zst env://COPY_URL --no-owner | tables\n.echo\n{}\n.echo\n\
             $b | restore backup.zst env://COPY_URL --overwrite | tables\n",
            target.probe("copy")
        );
        let done = target.run(&place, &script);
        place.failed(&done, &["no account `definer@%`", "--no-owner"]);
        // Who restored it; views can be read, which they could not otherwise.
        let said = done.stdout();
        for owned in ["cheap\troot@", "fill\tPROCEDURE\troot@", "nightly\troot@"] {
            assert!(said.contains(owned), "`{owned}` is not there:\n{said}");
        }
        assert!(!said.contains("definer@"), "{said}");
        secretless(&done);
    }
}

#[test]
fn jobs_are_refused_where_a_server_shows_one_moment_to_one_connection_only() {
    let (place, database) = (Place::new(), Database::of("mariadb:10.11"));
    database.write(&place, "");
    let done = database.run(&place, "$b | dump --jobs 2 | size");
    place.failed(&done, &["`--jobs` is for PostgreSQL"]);
}

#[test]
fn a_database_that_is_not_empty_is_left_alone_unless_told() {
    for image in ["postgres:15", "mariadb:10.11"] {
        let (place, database) = (Place::new(), Database::of(image));
        database.write(&place, "");
        let script = format!(
            "f=$($b | dump)\n$b | restore $f env://COPY_URL | tables\n$b | restore $f env://COPY_URL --overwrite | tables\n\
             .echo {MARK}\n{}\n.echo {MARK}\n{}\n.echo {MARK}\n$b | restore $f env://COPY_URL | tables\n",
            database.probe("app"),
            database.probe("copy"),
        );
        let done = database.run(&place, &script);
        place.failed(&done, &["`copy` is not empty", "--overwrite"]);
        let said = done.stdout();
        let parts: Vec<&str> = said.split(MARK).map(str::trim).collect();
        let [_, original, copy, _] = &parts[..] else {
            panic!("{said}\n{}", done.stderr());
        };
        assert_eq!(original, copy, "what was replaced differs");
        secretless(&done);
    }
}

#[test]
fn a_backup_is_not_restored_into_an_older_server_or_another_kind() {
    let place = Place::new();
    let newer = Database::of("mariadb:11.8");
    newer.write(&place, "");
    succeeded(&newer.run(&place, "$b | dump | export backup.zst"));
    let older = Database::of("mariadb:10.11");
    let script = "$b | restore backup.zst env://COPY_URL | tables";
    older.write(&place, "");
    place.failed(&older.run(&place, script), &["11.8", "older 10.11"]);
    let other = Database::of("postgres:15");
    other.write(&place, "");
    place.failed(&other.run(&place, script), &["MariaDB", "PostgreSQL"]);
}

#[test]
fn an_older_client_never_meets_a_newer_server() {
    for (server, older, said) in [
        ("postgres:15", "postgres:13", "PostgreSQL 13"),
        ("mariadb:11.8", "mariadb:10.11", "MariaDB 10.11"),
    ] {
        let (place, database) = (Place::new(), Database::of(server));
        database.write(&place, "");
        let script = format!(
            "o=$({} env://URL --server $db --image {older})\n$o | dump | size",
            crate::fixture::module("db-backup").display()
        );
        let done = database.run(&place, &script);
        place.failed(&done, &[said, server]);
    }
}
