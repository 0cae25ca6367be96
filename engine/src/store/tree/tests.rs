//! Operations on files: paths, links, modes, copies, digests, exports.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use super::*;
use crate::store::Filter;
use crate::store::exports::Exports;
use crate::store::testing::fill;

struct TestTree {
    dir: tempfile::TempDir,
    tree: Tree,
}

impl std::ops::Deref for TestTree {
    type Target = Tree;

    fn deref(&self) -> &Tree {
        &self.tree
    }
}

impl TestTree {
    fn export(&self, path: &str, dest: &Path, wipe: bool) -> eyre::Result<()> {
        let session = tempfile::tempdir()?;
        let exports = Exports::begin(session.path())?;
        self.tree.export(path, dest, wipe, &exports)
    }
}

fn tree(files: &[(&str, &str)]) -> TestTree {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(dir.path().join("root")).expect("makes");
    let tree = Tree::new(&dir.path().join("root"));
    fill(&tree, files);
    TestTree { dir, tree }
}

fn all(tree: &Tree) -> Vec<String> {
    tree.glob("", "**").expect("lists")
}

fn text(tree: &Tree, path: &str) -> String {
    String::from_utf8(tree.read(path).expect(path)).expect("is text")
}

fn filter(include: &[&str], exclude: &[&str], gitignore: bool) -> Filter {
    let list = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    Filter {
        include: list(include),
        exclude: list(exclude),
        gitignore,
    }
}

/// What a copy through the filter has.
fn filtered(tree: &Tree, include: &[&str], exclude: &[&str], gitignore: bool) -> Vec<String> {
    let to = self::tree(&[]);
    to.copy_dir(
        tree,
        "",
        "",
        &filter(include, exclude, gitignore),
        None,
        None,
    )
    .expect("copies");
    all(&to)
}

#[test]
fn paths_never_lead_out_of_the_root() {
    let t = tree(&[("ok", "1")]);
    std::fs::write(t.dir.path().join("secret"), "s").expect("writes");
    symlink("../secret", t.root().join("up")).expect("links");
    symlink("/secret", t.root().join("abs")).expect("links");
    symlink("/../../etc", t.root().join("far")).expect("links");
    t.write("../up2", b"2", 0o644, None).expect("writes");
    t.write("a/./b/../c", b"3", 0o644, None).expect("writes");
    t.write("/a/d", b"4", 0o644, None).expect("writes");
    assert_eq!(
        all(&t),
        ["a/", "a/c", "a/d", "abs", "far", "ok", "up", "up2"]
    );
    for path in ["up", "abs", "far/passwd", "../secret", "../../etc/passwd"] {
        assert!(t.read(path).is_err(), "{path}");
    }
    // Written through links, too, the root is the root.
    t.write("far/new", b"5", 0o644, None).expect("writes");
    t.write("abs", b"6", 0o644, None).expect("writes");
    assert_eq!(
        (text(&t, "/etc/new"), text(&t, "secret")),
        ("5".into(), "6".into())
    );
    assert_eq!(
        std::fs::read_to_string(t.dir.path().join("secret")).expect("reads"),
        "s"
    );
    assert!(!Path::new("/etc/new").exists());
}

#[test]
fn errors_have_the_path_and_the_cause() {
    let t = tree(&[("s/f", ""), ("x", "")]);
    let errors = [
        (
            t.read("absent.txt").map(drop),
            "`absent.txt`: no such file or directory",
        ),
        (t.read("s").map(drop), "`s`: it is a directory"),
        (
            t.entries("nope").map(drop),
            "`nope`: no such file or directory",
        ),
        (
            t.entries("x").map(drop),
            "`x`: it is a file, not a directory",
        ),
        (t.write("s", b"", 0o644, None), "`s`: it is a directory"),
        (
            t.write("x/y", b"", 0o644, None),
            "`x`: it is a file, not a directory",
        ),
        (
            t.make_dir("x", 0o755, None),
            "`x`: it is a file, not a directory",
        ),
        (
            t.copy_file(&t, "x", "s", None, None),
            "`s`: it is a directory",
        ),
        (
            t.copy_file(&t, "s", "y", None, None),
            "`s`: it is a directory",
        ),
        (t.glob("x", "**").map(drop), "`x`: it is a file"),
    ];
    for (result, expected) in errors {
        let error = result.expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn entries_and_glob_are_in_order_and_mark_directories() {
    let t = tree(&[
        ("a.txt", "1"),
        ("s/b.txt", "2"),
        ("s/t/c.md", "3"),
        ("empty/", ""),
    ]);
    symlink("s", t.root().join("link")).expect("links");
    assert_eq!(
        t.entries("").expect("lists"),
        ["a.txt", "empty/", "link", "s/"]
    );
    assert_eq!(t.entries("link").expect("lists"), ["b.txt", "t/"]);
    for (pattern, expected) in [
        ("*.txt", vec!["a.txt"]),
        ("**/*.txt", vec!["a.txt", "s/b.txt"]),
        ("s/**", vec!["s/b.txt", "s/t/", "s/t/c.md"]),
        (
            "**/*",
            vec![
                "a.txt", "empty/", "link", "s/", "s/b.txt", "s/t/", "s/t/c.md",
            ],
        ),
        ("nothing", vec![]),
    ] {
        assert_eq!(t.glob("", pattern).expect(pattern), expected, "{pattern}");
    }
    assert_eq!(t.glob("s", "*").expect("lists"), ["b.txt", "t/"]);
}

#[test]
fn stat_tells_kinds_with_and_without_following() {
    let t = tree(&[("f", "abc"), ("s/", "")]);
    t.symlink("f", "good").expect("links");
    t.symlink("nowhere", "bad").expect("links");
    let kind = |path, follow| t.stat(path, follow).expect("looks").map(|stat| stat.kind);
    assert_eq!(kind("f", true), Some(Kind::Regular));
    assert_eq!(kind("s", false), Some(Kind::Directory));
    assert_eq!(kind("good", true), Some(Kind::Regular));
    assert_eq!(kind("good", false), Some(Kind::Symlink));
    assert_eq!(kind("bad", true), None);
    assert_eq!(kind("bad", false), Some(Kind::Symlink));
    assert_eq!(kind("f/below", true), None);
    assert_eq!(kind("", true), Some(Kind::Directory));
    assert_eq!(t.read_link("bad").expect("reads"), "nowhere");
}

#[test]
fn a_file_has_the_mode_and_owner_given_whatever_the_umask() {
    let t = tree(&[]);
    let owner = Owner { uid: 5, gid: 6 };
    t.write("d/f", b"", 0o666, Some(owner)).expect("writes");
    t.make_dir("e/g", 0o711, Some(owner)).expect("makes");
    let stat = |path| {
        let stat = t.stat(path, true).expect("looks").expect("is there");
        (stat.mode, stat.uid, stat.gid)
    };
    assert_eq!(stat("d/f"), (0o666, 5, 6));
    assert_eq!(stat("d"), (0o755, 0, 0));
    assert_eq!(stat("e/g"), (0o711, 5, 6));
    t.make_dir("e/g", 0o700, None).expect("is there");
    assert_eq!(
        stat("e/g"),
        (0o711, 5, 6),
        "one that is there stays as it is"
    );
}

#[test]
fn remove_takes_paths_and_patterns() {
    let t = tree(&[
        ("a", ""),
        ("s/c", ""),
        ("s/d", ""),
        ("k[1]", ""),
        ("k1", ""),
    ]);
    t.symlink("s", "l").expect("links");
    t.remove("nothing/at/all").expect("is fine");
    t.remove("a/b").expect("is fine");
    t.remove("k[1]").expect("removes");
    t.remove("s/*").expect("removes");
    assert_eq!(all(&t), ["a", "k1", "l", "s/"]);
    t.remove("l").expect("removes the link");
    t.remove("/").expect("removes");
    assert!(all(&t).is_empty() && t.root().exists());
}

#[test]
fn directories_merge_and_replace_files() {
    let from = tree(&[("x", "f"), ("d/new", "n")]);
    let t = tree(&[("a", "1"), ("d/old", "o"), ("d/new", "before")]);
    t.copy_dir(&from, "", "a", &Filter::default(), None, None)
        .expect("copies");
    t.copy_dir(&from, "d", "d", &Filter::default(), None, None)
        .expect("copies");
    assert_eq!(
        all(&t),
        ["a/", "a/d/", "a/d/new", "a/x", "d/", "d/new", "d/old"]
    );
    assert_eq!(text(&t, "d/new"), "n");
}

#[test]
fn a_copy_follows_links_to_directories_inside_of_the_target() {
    let from = tree(&[("lib/x", "1"), ("out/y", "2")]);
    let t = tree(&[("usr/lib/old", "")]);
    symlink("usr/lib", t.root().join("lib")).expect("links");
    symlink("/nowhere", t.root().join("out")).expect("links");
    t.copy_dir(&from, "", "/", &Filter::default(), None, None)
        .expect("copies");
    assert_eq!(
        all(&t),
        [
            "lib",
            "out/",
            "out/y",
            "usr/",
            "usr/lib/",
            "usr/lib/old",
            "usr/lib/x"
        ]
    );
}

#[test]
fn a_copy_keeps_modes_times_links_pipes_and_attributes() {
    let from = tree(&[("d/f", "1"), ("set", "")]);
    std::fs::hard_link(from.root().join("d/f"), from.root().join("g")).expect("links");
    symlink("f", from.root().join("d/l")).expect("links");
    let fifo = from.root().join("pipe");
    let kind = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, kind, 0o600.into(), 0).expect("makes");
    let flags = rustix::fs::XattrFlags::empty();
    rustix::fs::setxattr(from.root().join("g"), "user.note", b"n", flags).expect("sets");
    from.chown("set", Owner { uid: 9, gid: 9 })
        .expect("changes");
    from.chmod("set", 0o4755).expect("changes");
    from.set_times("", 1_000_000_000).expect("sets");
    let t = tree(&[]);
    t.copy_dir(&from, "", "to", &Filter::default(), None, None)
        .expect("copies");
    let meta = |path: &str| t.root().join(path).symlink_metadata().expect("is there");
    assert_eq!(
        (meta("to/set").mode() & 0o7777, meta("to/set").uid()),
        (0o4755, 9)
    );
    for path in ["to/d", "to/d/f", "to/d/l", "to/pipe"] {
        assert_eq!(meta(path).mtime(), 1_000_000_000, "{path}");
    }
    assert_eq!(
        meta("to/d/f").ino(),
        meta("to/g").ino(),
        "one file with two names"
    );
    let mut value = [0; 8];
    assert_eq!(
        rustix::fs::getxattr(t.root().join("to/g"), "user.note", &mut value[..]),
        Ok(1)
    );
    assert_eq!(
        t.digest("to").expect("hashes"),
        from.digest("").expect("hashes")
    );
}

#[test]
fn owner_and_mode_replace_those_of_everything_copied() {
    let from = tree(&[("d/f", "1")]);
    let t = tree(&[]);
    let owner = Some(Owner { uid: 3, gid: 4 });
    t.copy_dir(&from, "", "to", &Filter::default(), owner, Some(0o700))
        .expect("copies");
    for path in ["to", "to/d", "to/d/f"] {
        let stat = t.stat(path, true).expect("looks").expect(path);
        assert_eq!((stat.mode, stat.uid, stat.gid), (0o700, 3, 4), "{path}");
    }
}

#[test]
fn filters_choose_as_dagger_does() {
    let t = tree(&[
        ("a.txt", "1"),
        ("b.md", "2"),
        ("s/c.txt", "3"),
        ("s/d.md", "4"),
        ("s/keep.txt", "5"),
    ]);
    let cases: [(&[&str], &[&str], &[&str]); 14] = [
        (
            &[],
            &[],
            &["a.txt", "b.md", "s/", "s/c.txt", "s/d.md", "s/keep.txt"],
        ),
        (
            &["**/*.txt"],
            &[],
            &["a.txt", "s/", "s/c.txt", "s/keep.txt"],
        ),
        (&["*.txt"], &[], &["a.txt"]),
        (&["/a.txt", "./b.md"], &[], &["a.txt", "b.md"]),
        (&["s"], &["s/*.md"], &["s/", "s/c.txt", "s/keep.txt"]),
        (&["s/"], &[], &["s/", "s/c.txt", "s/d.md", "s/keep.txt"]),
        (&["**/*.txt"], &["s"], &["a.txt"]),
        (&["."], &["s/"], &["a.txt", "b.md"]),
        (&["nothing"], &[], &[]),
        (&[], &["**/*.txt"], &["b.md", "s/", "s/d.md"]),
        (
            &[],
            &["**/*.txt", "!**/keep.txt"],
            &["b.md", "s/", "s/d.md", "s/keep.txt"],
        ),
        (
            &[],
            &["s", "!s/keep.txt"],
            &["a.txt", "b.md", "s/", "s/keep.txt"],
        ),
        (&[], &["*", "!s/c.txt"], &["s/", "s/c.txt"]),
        (&["**", "!s"], &[], &["a.txt", "b.md"]),
    ];
    for (include, exclude, expected) in cases {
        assert_eq!(
            filtered(&t, include, exclude, false),
            expected,
            "{include:?} {exclude:?}"
        );
    }
    let error = t.copy_dir(&t, "s", "new", &filter(&["[a"], &[], false), None, None);
    assert!(
        error
            .expect_err("is not well-formed")
            .to_string()
            .contains("[a")
    );
}

#[test]
fn an_excluded_directory_leaves_an_empty_parent_but_an_unmatched_one_does_not() {
    let t = tree(&[("s/a.txt", ""), ("t/", "")]);
    assert_eq!(filtered(&t, &[], &["**/*.txt"], false), ["s/", "t/"]);
    assert_eq!(filtered(&t, &["**/*.md"], &[], false), [""; 0]);
    assert_eq!(filtered(&t, &["t"], &[], false), ["t/"]);
}

#[test]
fn gitignore_files_are_obeyed_at_every_level() {
    let t = tree(&[
        (".gitignore", "*.log\nbuild/\n/top\n"),
        ("a.log", ""),
        ("a.txt", ""),
        ("build/x", ""),
        ("s/b.log", ""),
        ("s/.gitignore", "!b.log\n/only\n"),
        ("s/only", ""),
        ("s/top", ""),
        ("s/t/only", ""),
        ("top", ""),
        (".git/config", ""),
    ]);
    let kept = [
        ".git/",
        ".git/config",
        ".gitignore",
        "a.txt",
        "s/",
        "s/.gitignore",
        "s/b.log",
        "s/t/",
        "s/t/only",
        "s/top",
    ];
    assert_eq!(filtered(&t, &[], &[], true), kept);
    assert_eq!(filtered(&t, &[], &["s", ".git*"], true), ["a.txt"]);
    assert_eq!(filtered(&t, &["**/*.log"], &[], true), ["s/", "s/b.log"]);
}

#[test]
fn digests_count_content_and_modes_but_no_times() {
    let digest = |files: &[(&str, &str)]| tree(files).digest("").expect("hashes");
    let one = digest(&[("x", "1"), ("y", "2")]);
    assert_eq!(one, digest(&[("y", "2"), ("x", "1")]));
    assert_ne!(one, digest(&[("x", "1"), ("y", "3")]));
    assert_ne!(one, digest(&[("x", "1"), ("z", "2")]));
    assert_ne!(digest(&[("d/", "")]), digest(&[("d", "")]));
    assert_ne!(
        digest(&[("a/b", ""), ("c", "")]),
        digest(&[("a/b", ""), ("a/c", "")])
    );
    assert_eq!(digest(&[]), empty_digest());
    let t = tree(&[("x", "1"), ("y", "2")]);
    t.set_times("", 5).expect("sets");
    assert_eq!(t.digest("").expect("hashes"), one);
    t.chmod("x", 0o755).expect("changes");
    assert_ne!(t.digest("").expect("hashes"), one);
    t.chmod("x", 0o644).expect("changes");
    t.chown("x", Owner { uid: 1, gid: 0 }).expect("changes");
    assert_ne!(t.digest("").expect("hashes"), one);
    assert_eq!(
        tree(&[("x", "1")]).digest("x").expect("hashes"),
        tree(&[("s/y", "1")]).digest("s/y").expect("hashes")
    );
}

#[test]
fn many_files_have_the_digest_of_few() {
    let names: Vec<String> = (0..50)
        .map(|number| format!("d{}/f{number}", number % 7))
        .collect();
    let files: Vec<(&str, &str)> = names
        .iter()
        .map(|name| (name.as_str(), name.as_str()))
        .collect();
    let (a, b) = (
        tree(&files),
        tree(&files.iter().rev().copied().collect::<Vec<_>>()),
    );
    assert_eq!(a.digest("").expect("hashes"), b.digest("").expect("hashes"));
    b.write("d3/f3", b"other", 0o644, None).expect("writes");
    assert_ne!(a.digest("").expect("hashes"), b.digest("").expect("hashes"));
}

#[test]
fn changes_list_what_was_added_modified_and_removed() {
    let before = tree(&[
        ("same", "1"),
        ("changed", "2"),
        ("gone", "3"),
        ("old/x", ""),
        ("kind", ""),
        ("d/", ""),
    ]);
    let after = tree(&[
        ("same", "1"),
        ("changed", "9"),
        ("added", "4"),
        ("new/y", ""),
        ("kind/z", ""),
        ("d/", ""),
    ]);
    before.symlink("a", "l").expect("links");
    after.symlink("b", "l").expect("links");
    after.chmod("d", 0o700).expect("changes");
    let changes = after.changes("", &before, "").expect("compares");
    assert_eq!(changes.added, ["added", "kind/", "kind/z", "new/", "new/y"]);
    assert_eq!(changes.modified, ["changed", "l"]);
    assert_eq!(changes.removed, ["gone", "kind", "old/", "old/x"]);
    assert!(after.changes("", &after, "").expect("compares").is_empty());
}

#[test]
fn set_times_reaches_links_and_directories() {
    let t = tree(&[("a", ""), ("s/b", "")]);
    t.symlink("nowhere", "s/l").expect("links");
    t.set_times("", 1_000_000_000).expect("sets");
    for path in ["", "a", "s", "s/b", "s/l"] {
        let meta = t.root().join(path).symlink_metadata().expect("is there");
        assert_eq!(meta.mtime(), 1_000_000_000, "{path}");
    }
}

#[test]
fn an_export_merges_and_a_wipe_empties_first() {
    let t = tree(&[
        ("new.txt", "n"),
        ("s/deep.txt", "d"),
        ("old.txt", "changed"),
    ]);
    t.chmod("new.txt", 0o4750).expect("changes");
    t.symlink("new.txt", "l").expect("links");
    let out = t.dir.path().join("x/out");
    for (wipe, kept) in [(false, true), (true, false)] {
        std::fs::create_dir_all(out.join("s")).expect("makes");
        for name in ["kept.txt", "old.txt", "s/kept2.txt"] {
            std::fs::write(out.join(name), "k").expect("writes");
        }
        t.export("", &out, wipe).expect("exports");
        assert_eq!(out.join("kept.txt").exists(), kept);
        assert_eq!(out.join("s/kept2.txt").exists(), kept);
        assert_eq!(
            std::fs::read_to_string(out.join("old.txt")).expect("reads"),
            "changed"
        );
        assert_eq!(
            std::fs::read_link(out.join("l")).expect("reads"),
            Path::new("new.txt")
        );
        let mode = out
            .join("new.txt")
            .metadata()
            .expect("is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o750);
    }
}

#[test]
fn an_exported_file_replaces_a_file_and_is_refused_by_a_directory() {
    let t = tree(&[("f", "one")]);
    let out = t.dir.path();
    t.export("f", &out.join("deep/er/two.txt"), false)
        .expect("exports");
    std::fs::write(out.join("there"), "was").expect("writes");
    t.export("f", &out.join("there"), false).expect("exports");
    assert_eq!(
        std::fs::read_to_string(out.join("there")).expect("reads"),
        "one"
    );
    let error = t
        .export("f", out, false)
        .expect_err("is a directory")
        .to_string();
    assert!(error.contains("is a directory"), "{error}");
    let error = t
        .export("", &out.join("there"), false)
        .expect_err("is a file")
        .to_string();
    assert!(error.contains("is a file"), "{error}");
    let left = std::fs::read_dir(out).expect("lists").count();
    assert_eq!(left, 3, "nothing temporary is left");
}

#[test]
fn an_export_does_not_follow_links_out_of_its_destination() {
    let t = tree(&[("s/f", "1"), ("g", "2")]);
    let (out, outside) = (t.dir.path().join("out"), t.dir.path().join("outside"));
    for dir in [&out, &outside] {
        std::fs::create_dir(dir).expect("makes");
    }
    std::fs::write(outside.join("g"), "safe").expect("writes");
    symlink(outside.join("g"), out.join("g")).expect("links");
    symlink(&outside, out.join("s")).expect("links");
    let error = t
        .export("", &out, false)
        .expect_err("leads out")
        .to_string();
    assert!(error.contains("outside of"), "{error}");
    assert!(!outside.join("f").exists());
    assert_eq!(
        std::fs::read_to_string(outside.join("g")).expect("reads"),
        "safe"
    );
    std::fs::remove_file(out.join("s")).expect("removes");
    std::fs::create_dir(out.join("real")).expect("makes");
    symlink("real", out.join("s")).expect("links");
    t.export("", &out, false).expect("exports");
    assert!(out.join("real/f").exists(), "a link inside is followed");
}
