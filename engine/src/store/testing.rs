//! A state directory for one test.

use std::ops::Deref;
use std::sync::Arc;

use super::{Digest, Snapshot, Store, Tree};

pub(crate) struct TestStore {
    pub store: Arc<Store>,
    pub dir: tempfile::TempDir,
}

impl Deref for TestStore {
    type Target = Arc<Store>;

    fn deref(&self) -> &Arc<Store> {
        &self.store
    }
}

pub(crate) fn store() -> TestStore {
    let dir = tempfile::tempdir().expect("a temporary directory");
    TestStore {
        store: Store::open(&dir.path().join("state")).expect("a store"),
        dir,
    }
}

impl TestStore {
    /// Ends the session and begins another.
    pub fn reopen(&mut self) {
        let next = Store::open(self.store.root()).expect("opens");
        self.store = next;
    }

    /// A snapshot of files: `path` with contents, or `path/`.
    pub fn snapshot(&self, files: &[(&str, &str)]) -> Snapshot {
        self.on(&Store::scratch(), |tree| fill(tree, files))
    }

    /// `base` after a change.
    pub fn on(&self, base: &Snapshot, change: impl FnOnce(&Tree)) -> Snapshot {
        let mount = self.store.mount_rw(base).expect("a mount");
        change(&mount.tree());
        let id = mount.tree().digest("").expect("a digest");
        mount.commit(id).expect("a layer")
    }

    /// Everything in a snapshot.
    pub fn list(&self, snapshot: &Snapshot) -> Vec<String> {
        let mount = self.store.mount(snapshot).expect("a mount");
        mount.tree().glob("", "**").expect("a listing")
    }

    pub fn read(&self, snapshot: &Snapshot, path: &str) -> String {
        let mount = self.store.mount(snapshot).expect("a mount");
        String::from_utf8(mount.tree().read(path).expect(path)).expect("is text")
    }
}

pub(crate) fn fill(tree: &Tree, files: &[(&str, &str)]) {
    for (path, contents) in files {
        match path.strip_suffix('/') {
            Some(dir) => tree.make_dir(dir, 0o755, None).expect(path),
            None => tree
                .write(path, contents.as_bytes(), 0o644, None)
                .expect(path),
        }
    }
}

pub(crate) fn key(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}
