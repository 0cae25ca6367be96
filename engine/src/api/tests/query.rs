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
    let unknown = error(&client, "{llm{id}}").await.message;
    assert!(
        unknown.starts_with("`Query.llm` is not implemented"),
        "{unknown}"
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

#[tokio::test]
async fn a_module_does_not_reach_the_machine() {
    use crate::api::functions::ActiveCall;
    let bench = Bench::new();
    std::fs::write(bench.work("dagger.json"), r#"{"name": "m"}"#).unwrap();
    let caller = bench.caller();
    let shared = caller.shared.clone();
    let call = ActiveCall {
        module: shared.module(&bench.work(""), None).await.unwrap(),
        function: String::new(),
        object: "M".into(),
        parent: Json::Null,
        args: Vec::new(),
        root: std::path::PathBuf::new(),
        result: Default::default(),
        asks: Default::default(),
    };
    // What the caller itself may have does not open it for modules.
    id(&caller, "{secret(uri:\"cmd://id\"){id}}").await;
    let module = Arc::new(Client::new(shared, Some(call), Default::default()));
    let path = bench.work("out");
    let path = path.display();
    for query in [
        "{host{directory(path:\"/\"){id}}}".to_owned(),
        "{address(value:\"/\"){directory{id}}}".to_owned(),
        "{address(value:\"/etc/passwd\"){file{id}}}".to_owned(),
        "{address(value:\"/run/socket\"){socket{id}}}".to_owned(),
        "{address(value:\"cmd:id\"){secret{id}}}".to_owned(),
        "{secret(uri:\"cmd://id\"){id}}".to_owned(),
        "{secret(uri:\"file:///etc/passwd\"){id}}".to_owned(),
        "{git(url:\"file:///\"){branches}}".to_owned(),
        format!(r#"{{directory{{export(path:"{path}")}}}}"#),
        format!(r#"{{file(name:"f",contents:""){{export(path:"{path}")}}}}"#),
        format!(r#"{{container{{export(path:"{path}")}}}}"#),
        format!(r#"{{changeset{{export(path:"{path}")}}}}"#),
    ] {
        let said = error(&module, &query).await.message;
        assert!(said.contains("is not for modules"), "{query}: {said}");
    }
    assert!(!bench.work("out").exists());
}

#[tokio::test]
async fn a_module_gets_at_what_it_made_where_it_runs_and_nothing_else() {
    use crate::api::functions::ActiveCall;
    let bench = Bench::new();
    std::fs::write(bench.work("dagger.json"), r#"{"name": "m"}"#).unwrap();
    let root = bench.work("root");
    std::fs::create_dir_all(root.join("scratch/out/deep")).unwrap();
    std::fs::write(root.join("scratch/out/f"), "made").unwrap();
    std::fs::write(root.join("secret"), "other").unwrap();
    std::os::unix::fs::symlink("/secret", root.join("scratch/link")).unwrap();
    let shared = bench.caller().shared.clone();
    let call = ActiveCall {
        module: shared.module(&bench.work(""), None).await.unwrap(),
        function: String::new(),
        object: "M".into(),
        parent: Json::Null,
        args: Vec::new(),
        root,
        result: Default::default(),
        asks: Default::default(),
    };
    let module = Arc::new(Client::new(shared, Some(call), Default::default()));
    let file = r#"{currentModule{workdirFile(path:"out/f"){contents}}}"#;
    assert_eq!(value(&module, file).await, "made");
    let dir = r#"{currentModule{workdir(path:"out",exclude:["deep"]){entries}}}"#;
    assert_eq!(value(&module, dir).await, json!(["f"]));
    let out = r#"{currentModule{workdirFile(path:"../secret"){contents}}}"#;
    let out = error(&module, out).await.message;
    assert!(out.contains("no such file"), "{out}");
    // The root of a link is that of the program.
    let link = r#"{currentModule{workdirFile(path:"link"){contents}}}"#;
    assert_eq!(value(&module, link).await, "other");
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

#[tokio::test]
async fn an_enum_member_has_several_spellings_and_one_meaning() {
    let bench = Bench::new();
    let client = bench.caller();
    let archive = |types: &str| {
        format!(
            r#"{{container{{withNewFile(path:"f",contents:"x"){{asTarball(mediaTypes:{types},forcedCompression:GZIP){{id}}}}}}}}"#
        )
    };
    let [docker, spelt, oci] = [
        archive("DOCKER"),
        archive("DockerMediaTypes"),
        archive("OCI"),
    ];
    let docker = id(&client, &docker).await;
    assert_eq!(docker, id(&client, &spelt).await);
    assert_ne!(docker, id(&client, &oci).await);
}

#[tokio::test]
async fn an_id_may_be_named_by_its_own_scalar() {
    let bench = Bench::new();
    let client = bench.caller();
    let made = id(
        &client,
        r#"{directory{withNewFile(path:"f",contents:"x"){id}}}"#,
    )
    .await;
    let query = "query($id: DirectoryID!){loadDirectoryFromID(id:$id){entries}}";
    let data = client.query(query, json!({"id": made})).await.unwrap();
    assert_eq!(data["loadDirectoryFromID"]["entries"], json!(["f"]));
    let absent = "query($id: LLMID!){loadLLMFromID(id:$id){id}}";
    let said = client.query(absent, json!({"id": made})).await;
    let said = said.unwrap_err().message;
    assert!(
        said.starts_with("`Query.loadLLMFromID` is not implemented"),
        "{said}"
    );
}

#[tokio::test]
async fn an_object_is_asked_as_what_it_shares_with_others() {
    let bench = Bench::new();
    let client = bench.caller();
    let made = id(
        &client,
        r#"{directory{withNewFile(path:"f",contents:"x"){id}}}"#,
    )
    .await;
    for query in [
        format!(r#"{{node(id:"{made}"){{... on Syncer{{sync}}}}}}"#),
        format!(r#"{{loadSyncerFromID(id:"{made}"){{sync}}}}"#),
        format!(r#"{{loadExportableFromID(id:"{made}"){{id}}}}"#),
    ] {
        assert_eq!(value(&client, &query).await, json!(made), "{query}");
    }
    let file = format!(r#"{{loadSyncerFromID(id:"{made}"){{... on Directory{{entries}}}}}}"#);
    assert_eq!(value(&client, &file).await, json!(["f"]));
    let other = id(&client, r#"{cacheVolume(key:"k"){id}}"#).await;
    let wrong = format!(r#"{{loadSyncerFromID(id:"{other}"){{sync}}}}"#);
    let wrong = error(&client, &wrong).await.message;
    assert!(wrong.contains("is a CacheVolume, not a Syncer"), "{wrong}");
}

#[tokio::test]
async fn what_loads_an_object_gives_null_where_it_may_in_dagger() {
    let bench = Bench::new();
    let client = bench.caller();
    let fields = r#"{__type(name:"Query"){fields{name type{kind name args:ofType{name}}}}}"#;
    let fields = value(&client, fields).await;
    let ty = |name: &str| {
        let fields = fields.as_array().unwrap();
        fields.iter().find(|field| field["name"] == name).unwrap()["type"].clone()
    };
    assert_eq!(ty("loadStatFromID")["name"], "Stat");
    assert_eq!(ty("loadContainerFromID")["kind"], "NON_NULL");
}

#[tokio::test]
async fn an_error_of_the_caller_fails_at_once() {
    let bench = Bench::new();
    let client = bench.caller();
    for query in [
        r#"{container{withError(err:"boom"){user}}}"#,
        r#"{directory{withError(err:"boom"){id}}}"#,
    ] {
        assert_eq!(error(&client, query).await.message, "boom", "{query}");
    }
}
