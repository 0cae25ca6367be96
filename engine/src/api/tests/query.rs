//! The schema, arguments and ids.

use super::*;

#[tokio::test]
async fn the_schema_can_be_asked_for() {
    let bench = Bench::new();
    let client = bench.caller();
    let name = value(&client, "{__schema{queryType{name}}}").await;
    assert_eq!(name, "Query");
}

#[tokio::test]
async fn what_is_not_supported_is_refused_by_name() {
    let bench = Bench::new();
    let client = bench.caller();
    let unknown = error(&client, "{moduleSource{id}}").await.message;
    assert!(
        unknown.starts_with("`Query.moduleSource` is not supported"),
        "{unknown}"
    );
    let nested = r#"{container{withExec(args:["x"],experimentalPrivilegedNesting:true){id}}}"#;
    let nested = error(&client, nested).await.message;
    assert!(
        nested.contains("`experimentalPrivilegedNesting`"),
        "{nested}"
    );
}

#[tokio::test]
async fn arguments_have_defaults_and_ids_stand_for_objects() {
    let bench = Bench::new();
    let client = bench.caller();
    let file = r#"{directory{withNewFile(path:"f",contents:"x"){file(path:"f"){id}}}}"#;
    let file = id(&client, file).await;
    let mode = format!(
        r#"{{directory{{withFile(path:"g",source:"{file}"){{stat(path:"g"){{permissions}}}}}}}}"#
    );
    assert_eq!(value(&client, &mode).await, 0o644);
    let wrong = format!(r#"{{directory{{withDirectory(path:"g",source:"{file}"){{id}}}}}}"#);
    let wrong = error(&client, &wrong).await.message;
    assert!(wrong.contains("is a File, not a Directory"), "{wrong}");
}

#[tokio::test]
async fn an_object_is_found_by_its_id() {
    let bench = Bench::new();
    let client = bench.caller();
    let made = r#"{directory{withNewFile(path:"f",contents:"x"){id}}}"#;
    let made = id(&client, made).await;
    for query in [
        format!(r#"{{node(id:"{made}"){{... on Directory{{entries}}}}}}"#),
        format!(r#"{{loadDirectoryFromID(id:"{made}"){{entries}}}}"#),
    ] {
        assert_eq!(value(&client, &query).await, json!(["f"]), "{query}");
    }
}

#[test]
fn arguments_called_like_ours_count_in_ids() {
    use crate::graph::{Call, node::CONTENT};
    let call = |field: &str, layers: &str| {
        let args = [("layers".to_owned(), layers.into())];
        Call::root(field, args.into_iter().collect()).digest()
    };
    assert_ne!(call("build", "a"), call("build", "b"));
    assert_eq!(call(CONTENT, "a"), call(CONTENT, "b"));
}
