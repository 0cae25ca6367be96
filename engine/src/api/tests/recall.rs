//! Objects of earlier runs, and what their results depend on.

use super::*;
use crate::api::resolve::read_again;
use crate::store::Digest;

const MADE: &str = r#"{directory{withNewFile(path:"f",contents:"x"){id}}}"#;

#[tokio::test]
async fn a_kept_object_is_made_again_in_a_later_run() {
    let bench = Bench::new();
    let first = bench.caller();
    std::fs::write(bench.work("h"), "y").unwrap();
    let ids = [
        id(&first, MADE).await,
        id(&first, r#"{host{directory(path:"."){id}}}"#).await,
    ];
    assert!(first.persist(&json!({"state": &ids})).unwrap().is_some());
    drop(first);
    std::fs::remove_file(bench.work("h")).unwrap();
    let second = bench.caller();
    for (id, entry) in ids.iter().zip(["f", "h"]) {
        let query = format!(r#"{{loadDirectoryFromID(id:"{id}"){{entries}}}}"#);
        assert_eq!(value(&second, &query).await, json!([entry]));
    }
}

#[tokio::test]
async fn what_a_kept_object_is_made_of_must_be_there() {
    let bench = Bench::new();
    let first = bench.caller();
    let made = id(&first, MADE).await;
    let needed = first.persist(&json!(made)).unwrap().unwrap();
    assert_eq!(needed.len(), 2);
    let second = bench.caller();
    for id in &needed {
        assert!(second.is_kept(id).await);
        second.engine().store.forget("call", id);
        assert!(!second.is_kept(id).await);
    }
    let gone = format!(r#"{{loadDirectoryFromID(id:"{made}"){{entries}}}}"#);
    assert!(error(&second, &gone).await.message.contains(&made));
}

#[tokio::test]
async fn a_text_that_looks_like_an_id_is_kept_as_a_text() {
    let bench = Bench::new();
    let client = bench.caller();
    let text = Digest::of(b"no object").to_string();
    assert_eq!(client.persist(&json!(text)).unwrap(), Some(Vec::new()));
}

#[tokio::test]
async fn secrets_deep_in_objects_are_found_in_later_runs() {
    let bench = Bench::new();
    let first = bench.caller();
    let secret = id(&first, r#"{secret(uri:"file:token"){id}}"#).await;
    let made = format!(
        r#"{{container{{withSecretVariable(name:"T",secret:"{secret}"){{withWorkdir(path:"/w"){{id}}}}}}}}"#
    );
    let made: Digest = id(&first, &made).await.parse().unwrap();
    first.persist(&json!(made.to_string())).unwrap().unwrap();
    for client in [first, bench.caller()] {
        let found = client.secrets_of(vec![made]);
        assert_eq!(found, [secret.parse::<Digest>().unwrap()]);
    }
}

#[tokio::test]
async fn a_read_that_failed_counts_until_it_succeeds() {
    let bench = Bench::new();
    let client = bench.caller();
    let query = r#"{currentWorkspace{directory(path:"later"){entries}}}"#;
    error(&client, query).await;
    let reads = client.reads.all();
    assert_eq!(reads.len(), 1);
    assert_eq!(read_again(&client, &reads[0]).await, reads[0].found);
    std::fs::create_dir(bench.work("later")).unwrap();
    assert_ne!(read_again(&client, &reads[0]).await, reads[0].found);
}

#[tokio::test]
async fn a_module_counts_with_all_that_it_uses() {
    let bench = Bench::new();
    for name in ["a", "b"] {
        std::fs::create_dir(bench.work(name)).unwrap();
        let config = r#"{"name": "NAME", "dependencies": [{"name": "b", "source": "../b"}]}"#;
        let config = config.replace("NAME", name);
        std::fs::write(bench.work(name).join("dagger.json"), config).unwrap();
    }
    let key = async || {
        let client = bench.caller();
        let module = client.shared.module(&bench.work("a"), None).await.unwrap();
        client.shared.whole_key(&module).await.unwrap()
    };
    let before = key().await;
    assert_eq!(key().await, before);
    std::fs::write(bench.work("b/new.rs"), "").unwrap();
    assert_ne!(key().await, before);
}
