//! Snapshots, cache, locks, volumes and pruning on a real file system.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use super::testing::{fill, key, store};
use super::*;

#[test]
fn a_snapshot_keeps_what_later_ones_change() {
    let store = store();
    let first = store.snapshot(&[("f", "one"), ("gone", ""), ("d/x", "")]);
    let second = store.on(&first, |tree| {
        tree.write("f", b"two", 0o644, None).expect("writes");
        tree.remove("gone").expect("removes");
        tree.remove("d").expect("removes");
        tree.write("d/y", b"", 0o644, None).expect("writes");
    });
    assert_eq!(second.layers.len(), 2);
    assert_eq!(
        (store.read(&first, "f"), store.read(&second, "f")),
        ("one".into(), "two".into())
    );
    assert_eq!(store.list(&second), ["d/", "d/y", "f"]);
    assert_eq!(store.list(&first), ["d/", "d/x", "f", "gone"]);
}

#[test]
fn an_unchanged_mount_adds_no_layer() {
    let store = store();
    let base = store.snapshot(&[("f", "")]);
    assert_eq!(store.on(&base, |_| ()).layers, base.layers);
    assert!(store.on(&Store::scratch(), |_| ()).layers.is_empty());
    let root = store.on(&base, |tree| tree.chmod("/", 0o700).expect("changes"));
    assert_eq!(root.layers.len(), 2);
}

#[test]
fn the_root_keeps_its_mode_through_layers() {
    let store = store();
    let mode = |snapshot: &Snapshot| {
        let mount = store.mount(snapshot).expect("a mount");
        mount
            .path()
            .metadata()
            .expect("is there")
            .permissions()
            .mode()
            & 0o7777
    };
    let base = store.snapshot(&[("f", "")]);
    assert_eq!(mode(&base), 0o755);
    let sticky = store.on(&base, |tree| tree.chmod("/", 0o1777).expect("changes"));
    let more = store.on(&sticky, |tree| {
        tree.write("g", b"", 0o644, None).expect("writes")
    });
    assert_eq!(mode(&more), 0o1777);
}

#[test]
fn a_dropped_change_leaves_nothing() {
    let store = store();
    drop(
        store
            .mount_rw(&Store::scratch())
            .map(|mount| fill(&mount.tree(), &[("f", "")])),
    );
    let count = |name: &str| {
        std::fs::read_dir(store.root().join(name))
            .expect("is there")
            .count()
    };
    assert_eq!(count("layers"), 0);
    let temporary = std::fs::read_dir(store.session_dir()).expect("is there");
    assert!(!temporary.flatten().any(|entry| entry.path().is_dir()));
}

#[test]
fn a_tall_stack_becomes_one_layer_and_mounts() {
    let store = store();
    let mut snapshot = store.snapshot(&[("f0", ""), ("same", "s")]);
    let inode = |snapshot: &Snapshot| {
        let mount = store.mount(snapshot).expect("a mount");
        mount
            .tree()
            .host_path("same")
            .expect("is there")
            .metadata()
            .expect("is there")
            .ino()
    };
    let before = inode(&snapshot);
    let mut tallest = 0;
    for number in 1..=103 {
        snapshot = store.on(&snapshot, |tree| fill(tree, &[(&format!("f{number}"), "")]));
        tallest = tallest.max(snapshot.layers.len());
    }
    assert_eq!((tallest, snapshot.layers.len()), (100, 4));
    assert_eq!(store.list(&snapshot).len(), 105);
    let flat = Snapshot {
        layers: snapshot.layers[..1].to_vec(),
        ..snapshot.clone()
    };
    assert_eq!(inode(&flat), before, "the data is shared");
}

#[test]
fn hundreds_of_layers_mount() {
    let store = store();
    let layers: Vec<String> = (0..400)
        .map(|number| {
            let dir = store.new_layer_dir().expect("a directory");
            std::fs::write(dir.path().join(format!("f{number}")), "").expect("writes");
            store.adopt_layer(&dir.keep(), None).expect("a layer")
        })
        .collect();
    let tall = Snapshot {
        id: key("tall"),
        layers,
    };
    assert_eq!(store.list(&tall).len(), 400);
}

#[tokio::test]
async fn an_edit_runs_once_for_its_key() {
    let store = store();
    let runs = Arc::new(AtomicUsize::new(0));
    let scratch = Store::scratch();
    let edit = || {
        let runs = runs.clone();
        store.edit(key("k"), &scratch, move |tree| {
            runs.fetch_add(1, Ordering::SeqCst);
            tree.write("f", b"1", 0o644, None)
        })
    };
    let (a, b, c) = tokio::join!(edit(), edit(), edit());
    assert_eq!(a.expect("works").layers, b.expect("works").layers);
    assert_eq!(c.expect("works").id, key("k"));
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_failed_edit_is_not_remembered_and_keeps_nothing() {
    let store = store();
    let scratch = Store::scratch();
    let failed = store.edit(key("k"), &scratch, |tree| {
        tree.write("f", b"1", 0o644, None)?;
        eyre::bail!("no luck")
    });
    assert_eq!(failed.await.expect_err("fails").to_string(), "no luck");
    assert_eq!(
        std::fs::read_dir(store.root().join("layers"))
            .expect("is there")
            .count(),
        0
    );
    let again = store.edit(key("k"), &scratch, |tree| {
        tree.write("f", b"2", 0o644, None)
    });
    assert_eq!(store.read(&again.await.expect("works"), "f"), "2");
}

#[tokio::test]
async fn equal_contents_have_one_identity_however_they_were_made() {
    let store = store();
    let a = store.snapshot(&[("x", "1"), ("y", "2")]);
    let b = store.snapshot(&[("d/y", "2"), ("d/x", "1"), ("other", "")]);
    let a = store.by_content(&a, "").await.expect("works");
    let b = store.by_content(&b, "/d/").await.expect("works");
    assert_eq!(a, b);
    let empty = store.snapshot(&[("e/", ""), ("f", "")]);
    let empty = store.by_content(&empty, "e").await.expect("works");
    assert_eq!(empty, Store::scratch());
    let error = store.by_content(&a, "x").await.expect_err("is a file");
    assert!(error.to_string().contains("`x`: it is a file"), "{error}");
}

#[tokio::test]
async fn a_part_shares_its_data_with_the_whole() {
    let store = store();
    let whole = store.snapshot(&[("d/f", "data")]);
    let whole = store.on(&whole, |tree| fill(tree, &[("d/g", "more")]));
    let part = store.by_content(&whole, "d").await.expect("works");
    let file = store.layer_path(&part.layers[0]).join("f");
    assert_eq!(file.metadata().expect("is there").nlink(), 2);
    assert_eq!(store.list(&part), ["f", "g"]);
}

#[tokio::test]
async fn changing_linked_files_leaves_their_source_alone() {
    let store = store();
    let source = store.snapshot(&[("f", "data")]);
    let (mount, scratch) = (store.mount(&source).expect("a mount"), Store::scratch());
    let from = mount.tree();
    let copy = store
        .edit(key("copy"), &scratch, move |tree| {
            tree.copy_dir(&from, "", "", &Filter::default(), None, None)?;
            assert_eq!(
                tree.host_path("f")?.metadata()?.nlink(),
                2,
                "the copy is a link"
            );
            tree.set_times("", 5)?;
            tree.chown("", tree::Owner { uid: 7, gid: 7 })?;
            tree.chmod("f", 0o600)
        })
        .await
        .expect("works");
    let stat = |snapshot| {
        let mount = store.mount(snapshot).expect("a mount");
        let meta = mount
            .tree()
            .host_path("f")
            .expect("is there")
            .metadata()
            .expect("is there");
        (meta.uid(), meta.mode() & 0o777, meta.mtime() == 5)
    };
    assert_eq!(stat(&source), (0, 0o644, false));
    assert_eq!(stat(&copy), (7, 0o600, true));
}

#[test]
fn a_value_whose_layers_are_gone_counts_as_absent() {
    let store = store();
    let snapshot = store.snapshot(&[("f", "")]);
    store
        .remember("pair", &key("k"), &("text", vec![Some(&snapshot)]))
        .expect("remembers");
    store.remember("number", &key("k"), &7).expect("remembers");
    assert!(
        store
            .cached::<serde_json::Value>("pair", &key("k"))
            .is_some()
    );
    std::fs::remove_dir_all(store.layer_path(&snapshot.layers[0])).expect("removes");
    assert!(
        store
            .cached::<serde_json::Value>("pair", &key("k"))
            .is_none()
    );
    assert_eq!(store.cached("number", &key("k")), Some(7));
    assert_eq!(store.cached::<u32>("number", &key("other")), None);
    let error = store
        .mount(&snapshot)
        .map(drop)
        .expect_err("is gone")
        .to_string();
    assert!(error.contains(&snapshot.layers[0]), "{error}");
}

#[test]
fn a_damaged_entry_counts_as_absent() {
    let store = store();
    store.remember("n", &key("k"), &7).expect("remembers");
    let hex = key("k").hex();
    let path = store
        .root()
        .join("cache/n")
        .join(&hex[..2])
        .join(format!("{hex}.json"));
    std::fs::write(path, "{\"layers\":[],\"val").expect("writes");
    assert_eq!(store.cached::<u32>("n", &key("k")), None);
}

#[tokio::test]
async fn a_lock_is_held_by_one_at_a_time() {
    let store = store();
    let other = Store::open(store.root()).expect("opens");
    let first = store.lock("a/b: strange").await.expect("locks");
    let mut second = Box::pin(other.lock("a/b: strange"));
    let waited = tokio::time::timeout(Duration::from_millis(30), &mut second).await;
    assert!(waited.is_err(), "another store waits");
    let _elsewhere = store.lock("other").await.expect("another name is free");
    drop(first);
    let second = second.await.expect("locks");
    let waited = tokio::time::timeout(Duration::from_millis(30), store.lock("a/b: strange")).await;
    assert!(waited.is_err(), "the same store waits");
    drop(second);
    drop(store.lock("a/b: strange").await.expect("locks"));
    let left: Vec<_> = std::fs::read_dir(store.root().join("locks"))
        .expect("is there")
        .flatten()
        .filter(|entry| entry.path().extension().is_some())
        .collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn the_next_session_clears_away_what_a_killed_one_left() {
    let store = store();
    let dead = store.root().join("tmp/s-dead");
    std::fs::create_dir_all(dead.join("t-x")).expect("makes");
    std::fs::write(dead.join("live"), "").expect("writes");
    let own = store.temp_dir().expect("a directory");
    let _second = Store::open(store.root()).expect("opens");
    assert!(!dead.exists());
    assert!(own.path().exists(), "that of a live session stays");
}

#[test]
fn a_volume_is_one_directory_for_a_key() {
    let store = store();
    let dir = store.volume(&key("npm")).expect("makes");
    std::fs::write(dir.join("f"), "").expect("writes");
    assert_eq!(store.volume(&key("npm")).expect("is there"), dir);
    assert_ne!(store.volume(&key("pip")).expect("makes"), dir);
}

#[test]
fn the_secret_key_is_made_once_and_for_this_user_alone() {
    let store = store();
    let first = store.secret_key().expect("makes");
    assert_eq!(store.secret_key().expect("reads"), first);
    assert_ne!(first, [0; 32]);
    let meta = store
        .root()
        .join("secret-key")
        .metadata()
        .expect("is there");
    assert_eq!(meta.permissions().mode() & 0o777, 0o600);
    assert_eq!(
        store.root().metadata().expect("is there").mode() & 0o777,
        0o700
    );
}

/// Gives all entries a time, as a clock does that is set.
fn set_times(store: &Store, time: SystemTime) {
    walk::walk(
        &store.root().join("cache"),
        &Filter::default(),
        |path, meta| {
            if meta.is_file() {
                std::fs::File::open(store.root().join("cache").join(path))?.set_modified(time)?;
            }
            Ok(())
        },
    )
    .expect("walks");
}

const HOUR: Duration = Duration::from_secs(3600);

async fn write(store: &Store, name: &'static str) -> Snapshot {
    let store = Store::open(store.root()).expect("opens");
    let big = name.repeat(100_000 / name.len());
    let scratch = Store::scratch();
    let made = store.edit(key(name), &scratch, move |tree| {
        tree.write("f", big.as_bytes(), 0o644, None)
    });
    made.await.expect("works")
}

#[tokio::test]
async fn prune_keeps_what_a_live_session_used_whatever_the_clock_says() {
    for time in [SystemTime::now() - HOUR, SystemTime::now() + HOUR] {
        let store = store();
        let (old, used) = (write(&store, "old").await, write(&store, "used").await);
        assert!(store.cached::<Snapshot>("edit", &key("used")).is_some());
        set_times(&store, time);
        let other = Store::open(store.root()).expect("opens");
        let pruned = other.prune(&Prune::default()).expect("prunes");
        assert_eq!((pruned.entries, pruned.layers), (1, 1));
        assert!(!store.has_layer(&old.layers[0]));
        assert!(store.read(&used, "f").starts_with("used"));
        assert!(store.cached::<Snapshot>("edit", &key("used")).is_some());
    }
}

#[tokio::test]
async fn prune_keeps_layers_that_a_live_session_made_or_found_without_an_entry() {
    let mut store = store();
    let made = store.snapshot(&[("f", "")]);
    store.reopen();
    assert!(store.keep_layer(&made.layers[0]));
    let new = store.snapshot(&[("g", "")]);
    let prune = || store.prune(&Prune::default()).expect("prunes").layers;
    assert_eq!(prune(), 0);
    assert_eq!((store.list(&made).len(), store.list(&new).len()), (1, 1));
    store.reopen();
    let pruned = store.prune(&Prune::default()).expect("prunes");
    assert_eq!(pruned.layers, 2);
}

#[tokio::test]
async fn prune_frees_the_layers_of_what_it_removes_down_to_a_size() {
    let store = store();
    for name in ["a", "b"] {
        write(&store, name).await;
    }
    set_times(&store, SystemTime::now() - HOUR);
    let young = Prune {
        unused_for: HOUR * 2,
        ..Prune::default()
    };
    assert_eq!(store.prune(&young).expect("prunes"), Pruned::default());
    let pruned = store
        .prune(&Prune {
            keep_bytes: Some(150_000),
            ..Prune::default()
        })
        .expect("prunes");
    assert_eq!((pruned.entries, pruned.layers), (1, 1));
    assert!(pruned.bytes >= 100_000, "{pruned:?}");
    assert_eq!(store.layer_sizes().expect("measures").len(), 1);
}

#[test]
fn a_layer_whose_entry_cannot_be_written_goes_at_once() {
    let store = store();
    let base = store.snapshot(&[("f", "")]);
    store.remember("good", &key("k"), &base).expect("remembers");
    let next = store.on(&base, |tree| fill(tree, &[("g", "")]));
    std::fs::write(store.root().join("cache/bad"), "in the way").expect("writes");
    assert!(store.remember("bad", &key("k"), &next).is_err());
    let is_there = |layer: &String| store.has_layer(layer);
    assert_eq!(
        next.layers.iter().map(is_there).collect::<Vec<_>>(),
        [true, false]
    );
}

#[test]
fn layers_that_nothing_refers_to_make_room() {
    let mut store = store();
    let kept = store.snapshot(&[("f", "")]);
    store.remember("n", &key("k"), &kept).expect("remembers");
    let lost = store.snapshot(&[("g", "")]);
    store.reopen();
    let used = store.snapshot(&[("h", "")]);
    prune::make_room(store.root(), &store.root().join("tmp")).expect("prunes");
    let is_there = |snapshot: &Snapshot| store.has_layer(&snapshot.layers[0]);
    assert_eq!([&kept, &lost, &used].map(is_there), [true, false, true]);
}

#[test]
fn the_next_session_removes_what_an_export_of_a_killed_one_left() {
    let store = store();
    let dead = store.root().join("tmp/s-dead");
    std::fs::create_dir(&dead).expect("makes");
    let out = store.dir.path().join("out");
    std::fs::create_dir(&out).expect("makes");
    let foreign = out.join(".export-of-mine");
    std::fs::write(&foreign, "").expect("writes");
    let exports = Exports::begin(&dead).expect("begins");
    let left = exports
        .beside(&out.join("f"))
        .and_then(|file| Ok(file.keep()?.1));
    let left = left.expect("makes");
    let live = store.exports().beside(&out.join("f")).expect("makes");
    assert!(left.exists());
    let _second = Store::open(store.root()).expect("opens");
    assert!(!left.exists());
    assert!(foreign.exists() && live.path().exists());
}

#[test]
fn prune_takes_volumes_only_when_asked_and_unused() {
    let mut store = store();
    let dir = store.volume(&key("v")).expect("makes");
    let mark = store.root().join("index/volumes").join(key("v").hex());
    let past = SystemTime::now() - Duration::from_secs(3600);
    std::fs::File::options()
        .write(true)
        .open(mark)
        .and_then(|file| file.set_modified(past))
        .expect("sets");
    let all = Prune {
        volumes: true,
        ..Prune::default()
    };
    store.prune(&all).expect("prunes");
    assert!(dir.exists(), "this process uses it");
    store.reopen();
    store.prune(&Prune::default()).expect("prunes");
    assert!(dir.exists());
    let pruned = store.prune(&all).expect("prunes");
    assert_eq!(pruned.volumes, 1);
    assert!(!dir.exists());
}

#[test]
fn prune_takes_modules_that_nobody_used_lately() {
    let store = store();
    let past = SystemTime::now() - Duration::from_secs(3600);
    let made = ["modules/old", "modules/used", "git-modules/old"].map(|name| {
        let dir = store.root().join(name);
        std::fs::create_dir_all(&dir).expect("makes");
        std::fs::write(dir.join("module"), "binary").expect("writes");
        let file = std::fs::File::open(&dir).expect("opens");
        file.set_modified(past).expect("sets");
        dir
    });
    store.mark_used(&made[1]);
    let pruned = store.prune(&Prune::default()).expect("prunes");
    assert_eq!(pruned.modules, 2);
    assert_eq!(made.map(|dir| dir.exists()), [false, true, false]);
}

#[tokio::test]
async fn caches_are_trimmed_once_a_day_and_only_beyond_their_limits() {
    let store = store();
    write(&store, "a").await;
    let entry = || store.cached::<Snapshot>("edit", &key("a")).is_some();
    assert_eq!(store.trim().expect("looks"), None);
    assert_eq!(store.trim().expect("does not look"), None);
    let limits = |max_used| Limits {
        max_used,
        reserved: 0,
        min_free: 0,
    };
    assert_eq!(store.trim_to(&limits(u64::MAX), 0).expect("looks"), None);
    let pruned = store.trim_to(&limits(1000), 0).expect("prunes");
    assert_eq!(pruned.map(|pruned| pruned.entries), Some(1));
    assert!(!entry());
}

#[test]
fn after_a_reboot_the_last_layers_are_dropped() {
    let store = store();
    let snapshot = store.snapshot(&[("f", "")]);
    store
        .remember("n", &key("k"), &snapshot)
        .expect("remembers");
    recover::after_reboot(&store).expect("works");
    assert!(
        store.has_layer(&snapshot.layers[0]),
        "the machine is still up"
    );
    std::fs::write(store.root().join("index/boot"), "another boot").expect("writes");
    recover::after_reboot(&store).expect("works");
    assert_eq!(store.cached::<Snapshot>("n", &key("k")), None);
}

#[test]
fn an_unusable_state_directory_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("file"), "").expect("writes");
    let path = dir.path().join("file/state");
    let error = Store::open(&path).map(drop).expect_err("is below a file");
    assert!(
        format!("{error:#}").contains(&path.display().to_string()),
        "{error:#}"
    );
}
