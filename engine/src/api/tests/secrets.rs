//! Plaintexts stay in memory.

use super::*;

const CANARY: &str = "canary-7f3a91c2";

fn with_canary(bench: &Bench) -> Vec<PathBuf> {
    let files = walkdir::WalkDir::new(bench.state());
    let files = files.into_iter().map(|entry| entry.unwrap());
    let has = |path: &PathBuf| {
        let bytes = std::fs::read(path).unwrap();
        bytes
            .windows(CANARY.len())
            .any(|part| part == CANARY.as_bytes())
    };
    let files = files.filter(|entry| entry.file_type().is_file());
    files.map(|entry| entry.into_path()).filter(has).collect()
}

#[tokio::test]
async fn a_plaintext_is_nowhere_in_the_state_directory() {
    let bench = Bench::new();
    let client = bench.caller();
    let (shell, given) = (
        shell(&bench, &client).await,
        id(
            &client,
            &format!(r#"{{setSecret(name:"t",plaintext:"{CANARY}"){{id}}}}"#),
        )
        .await,
    );
    let script = r#"[ -n \"$T\" ] && echo told $T"#;
    let used = format!(
        r#"{{loadContainerFromID(id:"{shell}"){{withSecretVariable(name:"T",secret:"{given}"){{withExec(args:["sh","-c","{script}"]){{id stdout}}}}}}}}"#
    );
    let used = value(&client, &used).await;
    assert_eq!(used["stdout"], "told ***\n");
    // Neither the secret nor what was made with it is kept for later runs.
    for value in [json!(given), json!({"deep": [used["id"]]})] {
        assert_eq!(client.persist(&value).unwrap(), None);
    }
    let call = &client.node(&given, None).await.unwrap().call;
    assert!(!format!("{call:?}").contains(CANARY));
    assert_eq!(with_canary(&bench), Vec::<PathBuf>::new());
    // The walk finds what is there.
    let file = format!(r#"{{directory{{withNewFile(path:"f",contents:"{CANARY}"){{sync}}}}}}"#);
    value(&client, &file).await;
    assert_eq!(with_canary(&bench).len(), 1);
}
