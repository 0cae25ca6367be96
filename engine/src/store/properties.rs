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
