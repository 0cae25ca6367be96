//! Imports of real host directories.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::store::testing::{TestStore, store};
use crate::store::{Filter, Store};

/// A host directory with files that are old enough to be trusted.
fn host(store: &TestStore) -> PathBuf {
    let dir = store.dir.path().join("host");
    fs::create_dir_all(dir.join("s")).expect("makes");
    for (name, contents) in [("a.txt", "1"), ("s/b.log", "2"), ("s/c.txt", "3")] {
        fs::write(dir.join(name), contents).expect("writes");
    }
    symlink("a.txt", dir.join("l")).expect("links");
    dir
}

#[tokio::test]
async fn an_import_has_the_files_with_modes_and_links_but_owned_by_root() {
    let store = store();
    let dir = host(&store);
    fs::set_permissions(dir.join("a.txt"), fs::Permissions::from_mode(0o4751)).expect("sets");
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).expect("sets");
    chown(dir.join("s"), Some(7), Some(7)).expect("changes");
    let past = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    fs::File::open(dir.join("s/c.txt"))
        .and_then(|file| file.set_modified(past))
        .expect("sets");
    let _socket = std::os::unix::net::UnixListener::bind(dir.join("socket")).expect("binds");
    let snapshot = store
        .import_dir(&dir, &Filter::default())
        .await
        .expect("imports");
    assert_eq!(
        store.list(&snapshot),
        ["a.txt", "l", "s/", "s/b.log", "s/c.txt"]
    );
    let layer = store.layer_path(&snapshot.layers[0]);
    let meta = |path: &str| layer.join(path).symlink_metadata().expect("is there");
    assert_eq!(meta("a.txt").mode() & 0o7777, 0o4751);
    assert_eq!(
        meta("").mode() & 0o7777,
        0o755,
        "the root's own mode is not taken over"
    );
    assert_eq!((meta("s").uid(), meta("s").gid()), (0, 0));
    assert_eq!(meta("s/c.txt").mtime(), 1_000_000_000);
    assert_eq!(
        fs::read_link(layer.join("l")).expect("reads"),
        PathBuf::from("a.txt")
    );
}

#[tokio::test]
async fn equal_directories_have_one_identity_wherever_they_are() {
    let store = store();
    let dir = host(&store);
    let first = store
        .import_dir(&dir, &Filter::default())
        .await
        .expect("imports");
    let moved = store.dir.path().join("moved");
    fs::rename(&dir, &moved).expect("moves");
    assert_eq!(
        store
            .import_dir(&moved, &Filter::default())
            .await
            .expect("imports"),
        first
    );
    let made = store.snapshot(&[("x", "")]);
    let mount = store.mount(&first).expect("a mount");
    assert_eq!(
        mount.tree().digest("").expect("hashes"),
        first.id,
        "the id is the tree's digest"
    );
    assert_ne!(made.id, first.id);
    let empty = store.dir.path().join("empty");
    fs::create_dir(&empty).expect("makes");
    let empty = store
        .import_dir(&empty, &Filter::default())
        .await
        .expect("imports");
    assert_eq!(empty, Store::scratch());
}

#[tokio::test]
async fn an_edited_file_is_seen_and_the_others_are_shared() {
    let store = store();
    let dir = host(&store);
    let past = SystemTime::now() - Duration::from_secs(10);
    for name in ["a.txt", "s/b.log", "s/c.txt"] {
        fs::File::open(dir.join(name))
            .and_then(|file| file.set_modified(past))
            .expect("sets");
    }
    let first = store
        .import_dir(&dir, &Filter::default())
        .await
        .expect("imports");
    // Once more when the times of the files are no longer of this moment.
    std::thread::sleep(Duration::from_millis(80));
    store
        .import_dir(&dir, &Filter::default())
        .await
        .expect("imports");
    fs::write(dir.join("a.txt"), "9").expect("writes");
    let second = store
        .import_dir(&dir, &Filter::default())
        .await
        .expect("imports");
    assert_ne!(first.id, second.id);
    assert_eq!(
        (store.read(&first, "a.txt"), store.read(&second, "a.txt")),
        ("1".into(), "9".into())
    );
    let inode = |layer: &str, path: &str| {
        store
            .layer_path(layer)
            .join(path)
            .metadata()
            .expect("is there")
            .ino()
    };
    assert_eq!(
        inode(&first.layers[0], "s/c.txt"),
        inode(&second.layers[0], "s/c.txt")
    );
    assert_ne!(
        inode(&first.layers[0], "a.txt"),
        inode(&second.layers[0], "a.txt")
    );
}

#[tokio::test]
async fn quick_edits_of_the_same_size_are_all_seen() {
    let store = store();
    let dir = host(&store);
    for number in 0..20 {
        fs::write(dir.join("a.txt"), format!("{number:02}")).expect("writes");
        let snapshot = store
            .import_dir(&dir, &Filter::default())
            .await
            .expect("imports");
        assert_eq!(store.read(&snapshot, "a.txt"), format!("{number:02}"));
    }
}

#[tokio::test]
async fn a_filter_limits_what_is_read() {
    let store = store();
    let dir = host(&store);
    let filter = Filter {
        include: vec!["**/*.txt".into()],
        ..Filter::default()
    };
    let snapshot = store.import_dir(&dir, &filter).await.expect("imports");
    assert_eq!(store.list(&snapshot), ["a.txt", "s/", "s/c.txt"]);
    fs::write(dir.join(".gitignore"), "*.log\n").expect("writes");
    let filter = Filter {
        gitignore: true,
        ..Filter::default()
    };
    let snapshot = store.import_dir(&dir, &filter).await.expect("imports");
    assert_eq!(
        store.list(&snapshot),
        [".gitignore", "a.txt", "l", "s/", "s/c.txt"]
    );
}

#[tokio::test]
async fn a_missing_directory_is_named() {
    let store = store();
    let missing = store.dir.path().join("not-there");
    let error = store
        .import_dir(&missing, &Filter::default())
        .await
        .expect_err("is missing");
    assert_eq!(
        error.to_string(),
        format!(
            "cannot read host directory `{}`: no such file or directory",
            missing.display()
        )
    );
    fs::write(&missing, "").expect("writes");
    let error = store
        .import_dir(&missing, &Filter::default())
        .await
        .expect_err("is a file");
    assert!(error.to_string().contains("it is a file"), "{error}");
    let error = store
        .import_file(store.dir.path(), "x")
        .await
        .expect_err("is a directory");
    assert!(error.to_string().contains("is a directory"), "{error}");
}

#[tokio::test]
async fn the_state_directory_is_never_imported() {
    let store = store();
    fs::write(store.dir.path().join("f"), "").expect("writes");
    let snapshot = store
        .import_dir(store.dir.path(), &Filter::default())
        .await
        .expect("imports");
    assert_eq!(store.list(&snapshot), ["f"]);
    let error = store
        .import_dir(store.root(), &Filter::default())
        .await
        .expect_err("is refused");
    assert!(error.to_string().contains("state directory"), "{error}");
}

#[tokio::test]
async fn a_module_from_git_is_imported_from_where_it_is_kept() {
    let store = store();
    let dir = store.checkouts().join("ab");
    fs::create_dir_all(&dir).expect("makes");
    fs::write(dir.join("f"), "").expect("writes");
    let snapshot = store.import_dir(&dir, &Filter::default()).await;
    assert_eq!(store.list(&snapshot.expect("imports")), ["f"]);
}

#[tokio::test]
async fn a_file_is_imported_under_a_name() {
    let store = store();
    let dir = host(&store);
    let snapshot = store
        .import_file(&dir.join("l"), "renamed")
        .await
        .expect("imports");
    assert_eq!(store.list(&snapshot), ["renamed"]);
    assert_eq!(store.read(&snapshot, "renamed"), "1");
    assert!(store.import_file(&dir.join("l"), "../up").await.is_err());
}

#[tokio::test]
async fn a_damaged_index_is_made_anew() {
    let store = store();
    let dir = host(&store);
    let first = store
        .import_dir(&dir, &Filter::default())
        .await
        .expect("imports");
    for entry in fs::read_dir(store.root().join("index"))
        .expect("lists")
        .flatten()
    {
        if entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "import")
        {
            fs::write(entry.path(), b"poniard import index 3\n\x01\x00").expect("writes");
        }
    }
    assert_eq!(
        store
            .import_dir(&dir, &Filter::default())
            .await
            .expect("imports"),
        first
    );
}

/// Directories in directories, with files and links.
fn many(dir: &std::path::Path, depth: usize) {
    for name in ["a", "b.log", "c", "d.txt"] {
        fs::write(dir.join(name), format!("{name} at {depth}")).expect("writes");
    }
    symlink("c", dir.join("link")).expect("links");
    if depth == 3 {
        fs::write(dir.join(".gitignore"), "*.txt\n").expect("writes");
    }
    for name in ["x", "y", "z"].into_iter().take(depth) {
        let below = dir.join(name);
        fs::create_dir(&below).expect("makes");
        many(&below, depth - 1);
    }
}

#[tokio::test]
async fn listing_on_all_cores_finds_what_a_walk_does() {
    let store = store();
    let dir = store.dir.path().join("many");
    fs::create_dir(&dir).expect("makes");
    many(&dir, 4);
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let filter = |include: &[&str], exclude: &[&str], gitignore| Filter {
        include: texts(include),
        exclude: texts(exclude),
        gitignore,
    };
    for filter in [
        filter(&[], &[], false),
        filter(&["**/y/*.txt"], &[], false),
        filter(&[], &["x", "**/*.log", "!x/y/z"], false),
        filter(&[], &["y"], true),
        filter(&["nothing"], &[], true),
    ] {
        let mut walked = Vec::new();
        crate::store::walk::walk(&dir, &filter, |path, meta| {
            let slash = if meta.is_dir() { "/" } else { "" };
            walked.push(format!("{}{slash}", path.display()));
            Ok(())
        })
        .expect("walks");
        walked.sort();
        // The second time files are known.
        for _ in 0..2 {
            let snapshot = store.import_dir(&dir, &filter).await.expect("imports");
            let mut listed = store.list(&snapshot);
            listed.sort();
            assert_eq!(listed, walked, "{filter:?}");
            let mount = store.mount(&snapshot).expect("a mount");
            assert_eq!(mount.tree().digest("").expect("hashes"), snapshot.id);
        }
    }
}

#[tokio::test]
async fn the_index_is_written_only_when_something_changed() {
    let store = store();
    let dir = host(&store);
    let import = async || {
        store
            .import_dir(&dir, &Filter::default())
            .await
            .expect("imports")
    };
    let index = || {
        let files = fs::read_dir(store.root().join("index")).expect("lists");
        let mut indexes = files
            .map(|file| file.expect("is there").path())
            .filter(|path| path.extension().is_some_and(|kind| kind == "import"));
        let meta = indexes
            .next()
            .map(|path| path.metadata().expect("is there"));
        meta.map(|meta| (meta.ino(), meta.mtime(), meta.mtime_nsec()))
    };
    let first = import().await;
    // Files are trusted once their times are no longer of this moment.
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        let before = index();
        assert_eq!(import().await, first);
        if before.is_some() && index() == before {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "it is never done");
        std::thread::sleep(Duration::from_millis(100));
    }
    let before = index();
    fs::write(dir.join("s/b.log"), "changed").expect("writes");
    let changed = import().await;
    assert_ne!(changed.id, first.id);
    assert_eq!(store.read(&changed, "s/b.log"), "changed");
    assert_ne!(index(), before);
}

#[tokio::test]
async fn a_large_file_is_copied_once() {
    let store = store();
    let dir = store.dir.path().join("large");
    fs::create_dir(&dir).expect("makes");
    let bytes: Vec<u8> = (0..17_u32 << 20).map(|at| (at % 251) as u8).collect();
    fs::write(dir.join("f"), &bytes).expect("writes");
    fs::set_permissions(dir.join("f"), fs::Permissions::from_mode(0o640)).expect("sets");
    let snapshot = store
        .import_dir(&dir, &Filter::default())
        .await
        .expect("imports");
    let copy = store.layer_path(&snapshot.layers[0]).join("f");
    assert!(fs::read(&copy).expect("reads") == bytes);
    assert_eq!(copy.metadata().expect("is there").mode() & 0o7777, 0o640);
    let mount = store.mount(&snapshot).expect("a mount");
    assert_eq!(mount.tree().digest("").expect("hashes"), snapshot.id);
    drop(mount);
    let left: Vec<_> = walkdir::WalkDir::new(store.root().join("tmp"))
        .into_iter()
        .map(|entry| entry.expect("lists"))
        .filter(|entry| entry.metadata().is_ok_and(|meta| meta.len() > 1 << 20))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    // Another file of that content, and the same one again.
    fs::rename(dir.join("f"), dir.join("g")).expect("renames");
    let renamed = store
        .import_dir(&dir, &Filter::default())
        .await
        .expect("imports");
    assert_ne!(renamed.id, snapshot.id);
    fs::rename(dir.join("g"), dir.join("f")).expect("renames");
    let again = store
        .import_dir(&dir, &Filter::default())
        .await
        .expect("imports");
    assert_eq!(again, snapshot);
}
