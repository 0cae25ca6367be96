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
    assert_eq!(
        std::fs::read_dir(store.session_dir())
            .expect("is there")
            .count(),
        1
    );
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
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
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

/// Sets the time of everything back, as if it was made before any live session.
fn age(store: &Store) {
    let past = SystemTime::now() - Duration::from_secs(3600);
    walk::walk(
        &store.root().join("cache"),
        &Filter::default(),
        |path, meta| {
            if meta.is_file() {
                std::fs::File::open(store.root().join("cache").join(path))?.set_modified(past)?;
            }
            Ok(())
        },
    )
    .expect("walks");
}

#[tokio::test]
async fn prune_keeps_what_the_live_session_used() {
    let store = store();
    let scratch = Store::scratch();
    let write = |name: &'static str| {
        store.edit(key(name), &scratch, move |tree| {
            tree.write("f", name.as_bytes(), 0o644, None)
        })
    };
    let (old, used) = (
        write("old").await.expect("works"),
        write("used").await.expect("works"),
    );
    age(&store);
    assert!(store.cached::<Snapshot>("edit", &key("used")).is_some());
    let pruned = store.prune(&Prune::default()).expect("prunes");
    assert_eq!(pruned.entries, 1);
    assert!(store.cached::<Snapshot>("edit", &key("old")).is_none());
    assert_eq!(store.read(&used, "f"), "used");
    // A layer as young as the session may be in use without an entry.
    assert!(store.has_layer(&old.layers[0]));
}

#[tokio::test]
async fn prune_frees_the_layers_of_what_it_removes_down_to_a_size() {
    let store = store();
    let scratch = Store::scratch();
    for name in ["a", "b"] {
        let big = vec![b'x'; 100_000];
        store
            .edit(key(name), &scratch, move |tree| {
                tree.write("f", &big, 0o644, None)
            })
            .await
            .expect("works");
        age(&store);
    }
    let live = SystemTime::now() + Duration::from_secs(10);
    let sizes = store.layer_sizes().expect("measures");
    assert_eq!(sizes.len(), 2);
    let mut pruned = Pruned::default();
    store
        .prune_layers(&sizes, live, &mut pruned)
        .expect("prunes");
    assert_eq!(pruned.layers, 0, "entries refer to them");
    let kept = store
        .prune(&Prune {
            keep_bytes: Some(150_000),
            ..Prune::default()
        })
        .expect("prunes");
    assert_eq!(kept.entries, 1);
    store
        .prune_layers(&sizes, live, &mut pruned)
        .expect("prunes");
    assert_eq!(pruned.layers, 1);
    assert!(pruned.bytes >= 100_000, "{pruned:?}");
}

#[test]
fn prune_takes_volumes_only_when_asked() {
    let store = store();
    let dir = store.volume(&key("v")).expect("makes");
    let mark = store.root().join("index/volumes").join(key("v").hex());
    let past = SystemTime::now() - Duration::from_secs(3600);
    std::fs::File::options()
        .write(true)
        .open(mark)
        .and_then(|file| file.set_modified(past))
        .expect("sets");
    store.prune(&Prune::default()).expect("prunes");
    assert!(dir.exists());
    let pruned = store
        .prune(&Prune {
            volumes: true,
            ..Prune::default()
        })
        .expect("prunes");
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
    let big = vec![b'x'; 100_000];
    let write = move |tree: &Tree| tree.write("f", &big, 0o644, None);
    let made = store.edit(key("a"), &Store::scratch(), write).await;
    made.expect("works");
    age(&store);
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
