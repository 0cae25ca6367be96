//! What holds for every path and every pattern.

use proptest::prelude::*;

use super::Tree;
use super::pattern::{Pattern, escape};

fn path() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        prop::sample::select(vec!["a", "b", "..", ".", "", "up", "root", "loop", "far"])
            .prop_map(str::to_owned),
        "[a-c*?!\\[\\] \\\\]{1,4}",
    ];
    prop::collection::vec(part, 1..6).prop_map(|parts| parts.join("/"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_path_and_no_link_leads_out_of_a_tree(paths in prop::collection::vec(path(), 1..6)) {
        let dir = tempfile::tempdir().expect("a directory");
        let root = dir.path().join("tree");
        std::fs::create_dir(&root).expect("makes");
        for (target, link) in [("..", "up"), ("/", "root"), ("loop", "loop"), ("../../../tmp", "far")] {
            std::os::unix::fs::symlink(target, root.join(link)).expect("links");
        }
        let tree = Tree::new(&root);
        for path in &paths {
            if let Ok(host) = tree.host_path(path) {
                prop_assert!(host.starts_with(&root), "{}", host.display());
            }
            // Refused or not, it changes nothing beside the tree.
            let _ = tree.write(path, b"x", 0o644, None);
            let _ = tree.make_dir(path, 0o755, None);
            let _ = tree.symlink("../..", path);
        }
        for path in &paths {
            let _ = tree.remove(path);
        }
        let beside: Vec<_> = std::fs::read_dir(dir.path()).expect("lists").collect();
        prop_assert_eq!(beside.len(), 1);
    }

    #[test]
    fn every_text_is_a_pattern_or_refused(text in any::<String>(), path in path()) {
        if let Ok(Some(pattern)) = Pattern::parse(&text) {
            let _ = (pattern.matches(&path), pattern.reaches_below(&path), pattern.literal());
        }
    }

    #[test]
    fn an_escaped_path_matches_itself_alone(names in prop::collection::vec("[a-c*?! \\[\\]\\\\é]{1,5}", 1..4), other in path()) {
        let path = names.join("/");
        let pattern = Pattern::parse(&escape(&path)).expect("is well-formed").expect("is not empty");
        prop_assert!(!pattern.negated);
        prop_assert!(pattern.matches(&path), "{}", escape(&path));
        prop_assert!(other == path || !pattern.matches(&other));
    }

    #[test]
    fn what_a_pattern_matches_is_found_from_above(
        text in prop::collection::vec(prop::sample::select(vec!["a", "*", "**", "?", "[ab]", "b*"]), 1..5),
        names in prop::collection::vec("[ab]{1,2}", 2..5),
    ) {
        let pattern = Pattern::parse(&text.join("/")).expect("is well-formed").expect("is not empty");
        if pattern.matches(&names.join("/")) {
            for above in 1..names.len() {
                let dir = names[..above].join("/");
                prop_assert!(pattern.reaches_below(&dir), "{} does not reach below `{dir}`", text.join("/"));
            }
        }
    }
}

/// A line of a `.gitignore`.
fn line() -> impl Strategy<Value = String> {
    let parts = vec![
        "a", "b", "ab", "c.log", "*", "**", "?", "*.log", "[ab]", "[!a]", "a*", "\\a", "*b",
    ];
    let mark = prop::sample::select(vec!["", "", "", "!", "\\!", "#"]);
    let part = prop::collection::vec(prop::sample::select(parts), 1..4);
    let end = prop::sample::select(vec!["", "", "/", " ", "\\ ", "\t"]);
    (mark, any::<bool>(), part, end).prop_map(|(mark, rooted, parts, end)| {
        let slash = if rooted { "/" } else { "" };
        format!("{mark}{slash}{}{end}", parts.join("/"))
    })
}

fn file() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "b", "ab", "c.log", "a ", "x"]);
    prop::collection::vec(name, 1..4).prop_map(|names| names.join("/"))
}

/// Files of a directory that git does not ignore.
fn of_git(dir: &std::path::Path) -> Vec<String> {
    let git = |args: &[&str]| {
        let mut command = std::process::Command::new("git");
        command.current_dir(dir).args(args);
        // Settings of whoever runs the tests.
        command
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null");
        let done = command.output().expect("git");
        assert!(done.status.success(), "{done:?}");
        String::from_utf8(done.stdout).expect("names")
    };
    git(&["init", "--quiet"]);
    let listed = git(&[
        "ls-files",
        "-z",
        "--others",
        "--exclude-per-directory=.gitignore",
    ]);
    std::fs::remove_dir_all(dir.join(".git")).expect("removes");
    let mut files: Vec<_> = listed.split_terminator('\0').map(str::to_owned).collect();
    files.sort();
    files
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_ignored_is_what_git_ignores(
        files in prop::collection::vec(file(), 1..12),
        ignores in prop::collection::vec((prop::option::of(file()), prop::collection::vec(line(), 0..5)), 1..4),
    ) {
        let dir = tempfile::tempdir().expect("a directory");
        for path in files {
            let path = dir.path().join(path);
            // One may be in the way of another.
            if std::fs::create_dir_all(path.parent().expect("a parent")).is_ok() {
                let _ = std::fs::write(path, "");
            }
        }
        for (place, lines) in &ignores {
            let place = dir.path().join(place.as_deref().unwrap_or_default());
            if place.is_dir() {
                std::fs::write(place.join(".gitignore"), lines.join("\n")).expect("writes");
            }
        }
        let filter = super::Filter { gitignore: true, ..super::Filter::default() };
        let mut kept = Vec::new();
        super::walk::walk(dir.path(), &filter, |path, meta| {
            if meta.is_file() {
                kept.push(path.to_string_lossy().into_owned());
            }
            Ok(())
        }).expect("walks");
        kept.sort();
        prop_assert_eq!(kept, of_git(dir.path()), "{:?}", ignores);
    }
}
