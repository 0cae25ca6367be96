//! Every backup made is restored: each engine and major, with everything that a
//! backup may lose.

use super::s3::Store;
use super::server::{Database, MARK, succeeded};
use crate::place::Place;

/// Backs up into S3, gets it back, restores it into a fresh server and beside the
/// original, and compares; and again with what was dumped in another way, into a
/// database that has nothing of it yet.
#[track_caller]
fn every_backup_is_restored(image: &'static str) {
    let (place, database, store) = (Place::beside_others(), Database::of(image), Store::moto());
    database.write(&place, "");
    let arguments = store.arguments();
    let module = crate::fixture::module("db-backup");
    let module = module.display();
    // MySQL and MariaDB tell their version to those whom they would not let in.
    let asking = match database.postgres {
        true => "$b".to_owned(),
        false => format!("{module} env://STRANGER_URL --server $db"),
    };
    let script = format!(
        "$b | detect | image\n.echo {MARK}\n\
         {asking} | detect | version\n.echo {MARK}\n\
         f=$($b | download $($b | backup {arguments} --prefix some/where --encryption-key env://AGE_KEY --exclude-table secret_log | key) {arguments})\n\
         $b | verify $f --encryption-key env://AGE_KEY | summary\n.echo {MARK}\n\
         $b | restore $f env://COPY_URL --encryption-key env://AGE_KEY | tables\n.echo {MARK}\n\
         {}\n.echo {MARK}\n{}\n.echo {MARK}\n\
         $b | list {arguments} | encrypted\n.echo {MARK}\n",
        database.probe("app"),
        database.probe("copy"),
    );
    // By several processes, where the server lets them see the same; otherwise by a
    // user who may only read.
    let again = match database.postgres {
        true => {
            "p=$($b | dump --jobs 3 --exclude-table secret_log)\n$b | verify $p | summary\n".into()
        }
        false => format!(
            "r=$({module} env://READER_URL --server $db)\np=$($r | dump --exclude-table secret_log)\n"
        ),
    };
    let script = format!(
        "{script}{again}$b | restore $p env://SECOND_URL | tables\n.echo {MARK}\n{}\n",
        database.probe("second")
    );
    let done = database.run(&place, &script);
    let stdout = succeeded(&done);
    let parts: Vec<&str> = stdout.split(MARK).map(str::trim).collect();
    let [
        detected,
        version,
        verified,
        tables,
        original,
        copy,
        encrypted,
        again,
        second,
    ] = &parts[..]
    else {
        panic!("{stdout}");
    };
    assert_eq!(*detected, image);
    assert!(verified.contains("restored and compared"), "{verified}");
    assert!(
        original.lines().count() > 40,
        "the probe says too little:\n{original}"
    );
    let exact = original.lines().next_back().unwrap_or_default();
    assert!(
        version.contains('.') && exact.contains(version),
        "`{version}` is not `{exact}`"
    );
    assert_eq!(original, copy, "a restored database differs");
    assert!(
        tables.parse::<u32>().is_ok_and(|count| count >= 10),
        "{tables}"
    );
    assert!(encrypted.contains("true"), "{encrypted}");
    if database.postgres {
        assert!(again.contains("restored and compared"), "{again}");
    }
    assert_eq!(original, second, "what was dumped the other way differs");
    assert!(store.uploads().is_empty());
}

#[test]
fn every_backup_of_postgresql_13_is_restored() {
    every_backup_is_restored("postgres:13");
}

#[test]
fn every_backup_of_postgresql_15_is_restored() {
    every_backup_is_restored("postgres:15");
}

#[test]
fn every_backup_of_postgresql_17_is_restored() {
    every_backup_is_restored("postgres:17");
}

#[test]
fn every_backup_of_mariadb_10_5_is_restored() {
    every_backup_is_restored("mariadb:10.5");
}

#[test]
fn every_backup_of_mariadb_10_11_is_restored() {
    every_backup_is_restored("mariadb:10.11");
}

#[test]
fn every_backup_of_mariadb_11_8_is_restored() {
    every_backup_is_restored("mariadb:11.8");
}

#[test]
fn every_backup_of_mysql_9_7_is_restored() {
    every_backup_is_restored("mysql:9.7");
}
