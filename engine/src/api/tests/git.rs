//! What is not committed in a repository.

use std::fs;

use super::*;

async fn changes(bench: &Bench, dir: &str) -> Json {
    let client = bench.caller();
    let query = format!(
        r#"{{host{{directory(path:"{dir}"){{asGit{{uncommitted{{addedPaths modifiedPaths removedPaths isEmpty}}}}}}}}}}"#
    );
    value(&client, &query).await
}

#[tokio::test]
async fn what_is_not_committed_is_told_staged_or_not() {
    let bench = Bench::new();
    git(&bench, "", &["init", "-q"]);
    fs::write(bench.work("mod.txt"), "1\n").unwrap();
    fs::write(bench.work("rem.txt"), "1\n").unwrap();
    fs::write(bench.work(".gitignore"), "*.log\n").unwrap();
    git(&bench, "", &["add", "."]);
    git(&bench, "", &["commit", "-qm", "First"]);
    let none = json!({"addedPaths": [], "modifiedPaths": [], "removedPaths": [], "isEmpty": true});
    assert_eq!(changes(&bench, ".").await, none);

    fs::write(bench.work("mod.txt"), "1\n2\n").unwrap();
    fs::write(bench.work("new.txt"), "1\n").unwrap();
    fs::write(bench.work("run.log"), "1\n").unwrap();
    fs::remove_file(bench.work("rem.txt")).unwrap();
    let all = json!({"addedPaths": ["new.txt"], "modifiedPaths": ["mod.txt"],
        "removedPaths": ["rem.txt"], "isEmpty": false});
    assert_eq!(changes(&bench, ".").await, all);
    // There are no files beside the history itself.
    assert_eq!(changes(&bench, ".git").await, none);
    git(&bench, "", &["add", "."]);
    assert_eq!(changes(&bench, ".").await, all);
}

#[tokio::test]
async fn programs_that_a_repository_names_do_not_run() {
    let bench = Bench::new();
    git(&bench, "", &["init", "-q"]);
    fs::write(bench.work("a.txt"), "1\n").unwrap();
    fs::write(bench.work(".gitattributes"), "*.txt filter=evil\n").unwrap();
    git(&bench, "", &["add", "."]);
    git(&bench, "", &["commit", "-qm", "First"]);
    let proof = bench.work("proof");
    let program = format!("touch {}; cat", proof.display());
    for key in ["filter.evil.smudge", "filter.evil.clean", "core.fsmonitor"] {
        git(&bench, "", &["config", key, &program]);
    }
    fs::write(bench.work("a.txt"), "2\n").unwrap();
    let found = changes(&bench, ".").await;
    assert_eq!(found["modifiedPaths"], json!(["a.txt"]));
    assert!(!proof.exists());
}
