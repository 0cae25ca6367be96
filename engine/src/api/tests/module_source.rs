//! Module sources: of paths, git references and directories of the API, as they
//! are and changed.

use std::fs;

use super::*;

const LAB: &str = r#"{
  "name": "lab",
  "engineVersion": "v0.20.0",
  "sdk": {
    "source": "rust",
    "debug": true
  },
  "include": [
    "../../lib/*.rs",
    "!src/skip.rs"
  ],
  "dependencies": [
    {
      "name": "tool",
      "source": "../tool"
    }
  ],
  "source": "src",
  "clients": [
    {
      "generator": "go",
      "directory": "client"
    }
  ]
}
"#;

const TYPES: &str = r#"{"description": "A lab.", "objects": [{"name": "Lab", "functions": [
    {"name": "greet", "type": "String!"}]}]}"#;

/// A repository with the modules `modules/lab` and `modules/tool`.
fn repository(bench: &Bench, dir: &str) {
    let write = |path: &str, text: &str| {
        let path = bench.work(dir).join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("modules/lab/dagger.json", LAB);
    write("modules/lab/src/dagger.types.json", TYPES);
    write("modules/lab/src/skip.rs", "");
    write("modules/lab/README.md", "");
    write(
        "modules/tool/dagger.json",
        r#"{"name": "the-tool", "sdk": "rust"}"#,
    );
    write("modules/tool/dagger.types.json", "{}");
    write("modules/tool/deep/er/file", "");
    write("lib/a.rs", "");
    write("lib/b.md", "");
    git(bench, dir, &["init", "-q", "-b", "main"]);
    git(bench, dir, &["add", "."]);
    git(bench, dir, &["commit", "-qm", "First"]);
}

/// What a query of a source gives.
async fn of(client: &Arc<Client>, args: &str, fields: &str) -> Json {
    let query = format!("{{moduleSource({args}){{{fields}}}}}");
    let found = client.query(&query, Json::Null).await;
    let mut found = found.unwrap_or_else(|error| panic!("{query}: {error}"));
    found["moduleSource"].take()
}

async fn refused(client: &Arc<Client>, args: &str, fields: &str) -> String {
    let query = format!("{{moduleSource({args}){{{fields}}}}}");
    error(client, &query).await.message
}

const FIELDS: &str = "kind moduleName moduleOriginalName configExists engineVersion
    sourceRootSubpath sourceSubpath originalSubpath";

#[tokio::test]
async fn a_path_is_that_of_the_nearest_module_above() {
    let bench = Bench::new();
    repository(&bench, "");
    let client = bench.caller();
    let fields = format!(
        "{FIELDS} asString localContextDirectoryPath pin commit version htmlRepoURL
         sdk{{source debug}} configClients{{generator directory}}"
    );
    let found = of(&client, r#"refString: "modules/lab/src""#, &fields).await;
    let at = |path: &str| {
        let path: PathBuf = bench.work(path).components().collect();
        path.display().to_string()
    };
    let want = json!({
        "kind": "LOCAL_SOURCE", "moduleName": "lab", "moduleOriginalName": "lab",
        "configExists": true, "engineVersion": "v0.20.0",
        "sourceRootSubpath": "modules/lab", "sourceSubpath": "modules/lab/src",
        "originalSubpath": "modules/lab/src", "asString": at("modules/lab"),
        "localContextDirectoryPath": at(""),
        "pin": "", "commit": "", "version": "", "htmlRepoURL": "",
        "sdk": {"source": "rust", "debug": true},
        "configClients": [{"generator": "go", "directory": "client"}],
    });
    assert_eq!(found, want);

    let args = r#"refString: "modules/tool/deep", disableFindUp: true"#;
    let found = of(&client, args, &format!("{FIELDS} sdk{{source}}")).await;
    let want = json!({
        "kind": "LOCAL_SOURCE", "moduleName": "", "moduleOriginalName": "",
        "configExists": false, "engineVersion": "", "sourceRootSubpath": "modules/tool/deep",
        "sourceSubpath": "", "originalSubpath": "modules/tool/deep", "sdk": null,
    });
    assert_eq!(found, want);
}

#[tokio::test]
async fn what_is_not_there_is_refused_or_a_dependency_by_its_name() {
    let bench = Bench::new();
    repository(&bench, "modules/..");
    fs::copy(
        bench.work("modules/lab/dagger.json"),
        bench.work("dagger.json"),
    )
    .unwrap();
    fs::write(
        bench.work("dagger.json"),
        LAB.replace("../../lib", "lib")
            .replace("../tool", "modules/tool"),
    )
    .unwrap();
    let client = bench.caller();
    let tool = of(
        &client,
        r#"refString: "tool""#,
        "moduleName moduleOriginalName",
    )
    .await;
    assert_eq!(
        tool,
        json!({"moduleName": "tool", "moduleOriginalName": "the-tool"})
    );

    let message = refused(&client, r#"refString: "tol""#, "id").await;
    assert!(
        message.contains("did you mean") && message.contains("`tool`"),
        "{message}"
    );
    let args = r#"refString: "tool", disableFindUp: true"#;
    assert!(
        refused(&client, args, "id")
            .await
            .contains("no directory `tool`")
    );
    let args = r#"refString: "new/one", disableFindUp: true, allowNotExists: true"#;
    let new = of(&client, args, "configExists sourceRootSubpath").await;
    assert_eq!(
        new,
        json!({"configExists": false, "sourceRootSubpath": "new/one"})
    );
    let message = refused(&client, args, "asModule{name}").await;
    assert!(message.contains("there is no dagger.json"), "{message}");

    for (kind, is_met) in [
        ("LOCAL", true),
        ("LOCAL_SOURCE", true),
        ("GIT_SOURCE", false),
    ] {
        let args = format!(r#"refString: ".", requireKind: {kind}"#);
        let query = format!("{{moduleSource({args}){{id}}}}");
        assert_eq!(
            client.query(&query, Json::Null).await.is_ok(),
            is_met,
            "{kind}"
        );
    }
}

#[tokio::test]
async fn the_context_is_what_the_module_is_made_from() {
    let bench = Bench::new();
    repository(&bench, "");
    fs::write(bench.work(".gitignore"), "*.log\n").unwrap();
    fs::write(bench.work("modules/lab/src/run.log"), "").unwrap();
    let client = bench.caller();
    let fields = r#"contextDirectory{glob(pattern: "**/*")}"#;
    let files = of(&client, r#"refString: "modules/lab""#, fields).await;
    let want = json!([
        "lib/",
        "lib/a.rs",
        "modules/",
        "modules/lab/",
        "modules/lab/dagger.json",
        "modules/lab/src/",
        "modules/lab/src/dagger.types.json"
    ]);
    assert_eq!(files["contextDirectory"]["glob"], want);
    let code = of(
        &client,
        r#"refString: "modules/lab""#,
        r#"directory(path: "."){entries}"#,
    );
    assert_eq!(
        code.await["directory"]["entries"],
        json!(["dagger.types.json"])
    );
    let all = of(
        &client,
        r#"refString: "modules/tool""#,
        r#"contextDirectory{glob(pattern: "**/file")}"#,
    );
    assert_eq!(
        all.await["contextDirectory"]["glob"],
        json!(["modules/tool/deep/er/file"])
    );
}

#[tokio::test]
async fn modules_that_it_lists_are_sources_by_the_names_there() {
    let bench = Bench::new();
    repository(&bench, "");
    let host = r#"{"name": "host", "toolchains": [{"name": "t", "source": "modules/tool"}],
        "blueprint": {"name": "b", "source": "modules/tool"}}"#;
    fs::write(bench.work("dagger.json"), host).unwrap();
    let client = bench.caller();
    let listed = "moduleName moduleOriginalName sourceRootSubpath asModule{name}";
    let lab = of(
        &client,
        r#"refString: "modules/lab""#,
        &format!("dependencies{{{listed}}} toolchains{{id}}"),
    )
    .await;
    let named = |name: &str| {
        json!({"moduleName": name, "moduleOriginalName": "the-tool",
            "sourceRootSubpath": "modules/tool", "asModule": {"name": name}})
    };
    assert_eq!(
        lab,
        json!({"dependencies": [named("tool")], "toolchains": []})
    );
    let fields = format!("toolchains{{{listed}}} blueprint{{{listed}}}");
    let host = of(&client, r#"refString: ".""#, &fields).await;
    assert_eq!(
        host,
        json!({"toolchains": [named("t")], "blueprint": named("b")})
    );
    let message = refused(&client, r#"refString: "modules/lab""#, "blueprint{id}").await;
    assert!(message.contains("`lab` has no blueprint"), "{message}");
}

#[tokio::test]
async fn the_digest_is_that_of_the_files_and_of_the_modules_that_are_listed() {
    let bench = Bench::new();
    repository(&bench, "");
    let digest = async || {
        let found = of(&bench.caller(), r#"refString: "modules/lab""#, "digest").await;
        found["digest"].as_str().unwrap().to_owned()
    };
    let first = digest().await;
    fs::write(bench.work("modules/lab/README.md"), "not of the code").unwrap();
    fs::write(bench.work("lib/b.md"), "not included").unwrap();
    assert_eq!(digest().await, first);
    let mut seen = vec![first];
    for path in ["modules/lab/src/lib.rs", "lib/new.rs", "modules/tool/more"] {
        fs::write(bench.work(path), "").unwrap();
        let next = digest().await;
        assert!(!seen.contains(&next), "{path}");
        seen.push(next);
    }
    let changed = r#"withEngineVersion(version: "latest"){engineVersion digest}"#;
    let client = bench.caller();
    let changed = of(&client, r#"refString: "modules/lab""#, changed).await;
    assert_eq!(changed["withEngineVersion"]["engineVersion"], "v0.21.8");
    assert_ne!(
        changed["withEngineVersion"]["digest"],
        *seen.last().unwrap()
    );
}

#[tokio::test]
async fn a_source_is_loaded_with_all_that_it_lists() {
    let bench = Bench::new();
    repository(&bench, "");
    let client = bench.caller();
    of(&client, r#"refString: "modules/lab""#, "sync").await;
    let back =
        r#"{"name": "tool", "sdk": "rust", "dependencies": [{"name": "lab", "source": "../lab"}]}"#;
    fs::write(bench.work("modules/tool/dagger.json"), back).unwrap();
    let message = refused(&bench.caller(), r#"refString: "modules/lab""#, "sync").await;
    assert!(message.contains("uses itself"), "{message}");
    fs::remove_file(bench.work("modules/tool/dagger.json")).unwrap();
    let message = refused(&bench.caller(), r#"refString: "modules/lab""#, "sync").await;
    assert!(
        message.contains("`tool`") && message.contains("no dagger.json"),
        "{message}"
    );
}

#[tokio::test]
async fn a_source_becomes_a_module_that_knows_where_it_comes_from() {
    let bench = Bench::new();
    repository(&bench, "");
    let client = bench.caller();
    let fields = "asModule{name description sdk{source} dependencies{name source{asString}}
        source{moduleName asString}}";
    let module = of(&client, r#"refString: "modules/lab""#, fields).await;
    let module = &module["asModule"];
    assert_eq!(module["description"], "A lab.");
    assert_eq!(module["sdk"]["source"], "rust");
    assert_eq!(module["dependencies"][0]["name"], "tool");
    let tool = bench.work("modules/tool").canonicalize().unwrap();
    assert_eq!(
        module["dependencies"][0]["source"]["asString"],
        tool.display().to_string()
    );
    assert_eq!(module["source"]["moduleName"], "lab");
    let named = r#"withName(name: "drain"){moduleName moduleOriginalName
        asModule{name source{moduleName moduleOriginalName}}}"#;
    let named = of(&client, r#"refString: "modules/lab""#, named).await;
    let both = json!({"moduleName": "drain", "moduleOriginalName": "lab"});
    let want = json!({"moduleName": "drain", "moduleOriginalName": "lab",
        "asModule": {"name": "drain", "source": both}});
    assert_eq!(named["withName"], want);
}

#[tokio::test]
async fn a_directory_of_the_api_has_a_source_without_an_address() {
    let bench = Bench::new();
    repository(&bench, "");
    let client = bench.caller();
    let query = |fields: &str| {
        format!(
            r#"{{host{{directory(path: "."){{asModuleSource(sourceRootPath: "modules/lab"){{{fields}}}}}}}}}"#
        )
    };
    let fields = format!("{FIELDS} asString pin asModule{{name source{{kind sourceRootSubpath}}
        dependencies{{name source{{kind sourceRootSubpath}}}}}} contextDirectory{{entries(path: \"lib\")}}");
    let found = value(&client, &query(&fields)).await;
    let want = json!({
        "kind": "DIR_SOURCE", "moduleName": "lab", "moduleOriginalName": "lab",
        "configExists": true, "engineVersion": "v0.20.0",
        "sourceRootSubpath": "modules/lab", "sourceSubpath": "modules/lab/src",
        "originalSubpath": "", "asString": "", "pin": "",
        "asModule": {"name": "lab",
            "source": {"kind": "DIR_SOURCE", "sourceRootSubpath": "modules/lab"},
            "dependencies": [{"name": "tool",
                "source": {"kind": "DIR_SOURCE", "sourceRootSubpath": "modules/tool"}}]},
        "contextDirectory": {"entries": ["a.rs", "b.md"]},
    });
    assert_eq!(found, want);
    let message = error(&client, &query("localContextDirectoryPath"))
        .await
        .message;
    assert!(message.contains("is not local"), "{message}");
    let message = error(&client, &query("cloneRef")).await.message;
    assert!(message.contains("is not from git"), "{message}");
    let none = r#"{directory{asModuleSource{id}}}"#;
    assert!(
        error(&client, none)
            .await
            .message
            .contains("holds no module")
    );
}

#[tokio::test]
async fn a_git_reference_is_the_commit_that_it_means() {
    let bench = Bench::new();
    fs::create_dir(bench.work("remote")).unwrap();
    repository(&bench, "remote");
    git(&bench, "remote", &["tag", "modules/lab/v1.0.0"]);
    let first = git(&bench, "remote", &["rev-parse", "HEAD"]);
    fs::write(bench.work("remote/modules/lab/README.md"), "more").unwrap();
    git(&bench, "remote", &["commit", "-qam", "Second"]);
    let second = git(&bench, "remote", &["rev-parse", "HEAD"]);
    let remote = format!("file://{}", bench.work("remote").display());
    let client = bench.caller();

    let fields = "kind commit pin version cloneRef asString moduleName sourceRootSubpath
        originalSubpath htmlURL htmlRepoURL contextDirectory{glob(pattern: \"*\")}
        dependencies{moduleName commit asString} asModule{source{commit}}";
    let args = format!(r#"refString: "{remote}/modules/lab@v1.0.0""#);
    let found = of(&client, &args, fields).await;
    let want = json!({
        "kind": "GIT_SOURCE", "commit": first, "pin": first, "version": "modules/lab/v1.0.0",
        "cloneRef": remote, "asString": format!("{remote}/modules/lab@modules/lab/v1.0.0"),
        "moduleName": "lab", "sourceRootSubpath": "modules/lab", "originalSubpath": "modules/lab",
        "htmlURL": "", "htmlRepoURL": "", "contextDirectory": {"glob": ["lib/", "modules/"]},
        "dependencies": [{"moduleName": "tool", "commit": first,
            "asString": format!("{remote}/modules/tool@modules/lab/v1.0.0")}],
        "asModule": {"source": {"commit": first}},
    });
    assert_eq!(found, want);

    let args = format!(r#"refString: "{remote}/modules/lab/src""#);
    let found = of(
        &client,
        &args,
        "commit version sourceRootSubpath originalSubpath",
    )
    .await;
    let want = json!({"commit": second, "version": "main",
        "sourceRootSubpath": "modules/lab", "originalSubpath": "modules/lab/src"});
    assert_eq!(found, want);
    let message = refused(&client, &format!("{args}, disableFindUp: true"), "id").await;
    assert!(message.contains("there is no dagger.json"), "{message}");
    let pinned = format!(r#"refString: "{remote}/modules/lab@main", refPin: "{first}""#);
    let found = of(&client, &pinned, "commit version").await;
    assert_eq!(found, json!({"commit": first, "version": "main"}));
    let args = format!(r#"refString: "{remote}/modules/lab", refPin: "main", requireKind: GIT"#);
    assert_eq!(of(&client, &args, "commit").await["commit"], json!(second));
}

/// The changed `dagger.json` of a source, and what else is in the result.
async fn changed(client: &Arc<Client>, args: &str, steps: &[&str]) -> String {
    let open: String = steps.iter().map(|step| format!("{step}{{")).collect();
    let fields = format!(
        r#"{open}generatedContextDirectory{{glob(pattern: "**/*.*") file(path: "modules/lab/dagger.json"){{contents}}}}
           generatedContextChangeset{{modifiedPaths addedPaths}}{}"#,
        "}".repeat(steps.len())
    );
    let mut found = of(client, args, &fields).await;
    for step in steps {
        let name = step.split('(').next().unwrap();
        found = found[name].take();
    }
    let result = &found["generatedContextDirectory"];
    assert_eq!(result["glob"], json!(["modules/lab/dagger.json"]));
    let changes = &found["generatedContextChangeset"];
    assert_eq!(changes["modifiedPaths"], json!(["modules/lab/dagger.json"]));
    assert_eq!(changes["addedPaths"], json!([]));
    result["file"]["contents"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn changes_of_dagger_json_leave_the_rest_as_it_is_and_the_disk_alone() {
    let bench = Bench::new();
    repository(&bench, "");
    let client = bench.caller();
    let lab = r#"refString: "modules/lab""#;
    for (steps, old, new) in [
        (
            vec![r#"withEngineVersion(version: "0.21.0")"#],
            "v0.20.0",
            "v0.21.0",
        ),
        (
            vec![r#"withSDK(source: "go")"#],
            r#""source": "rust""#,
            r#""source": "go""#,
        ),
        (
            vec![r#"withSourceSubpath(path: "./code")"#],
            r#""source": "src""#,
            r#""source": "code""#,
        ),
        (
            vec![r#"withSourceSubpath(path: ".")"#],
            ",\n  \"source\": \"src\"",
            "",
        ),
        (
            vec![r#"withIncludes(patterns: ["docs"])"#],
            r#""!src/skip.rs""#,
            "\"!src/skip.rs\",\n    \"docs\"",
        ),
        (
            vec![r#"withExperimentalFeatures(features: [SELF_CALLS])"#],
            r#""debug": true"#,
            "\"debug\": true,\n    \"experimental\": {\n      \"SELF_CALLS\": true\n    }",
        ),
        (
            vec![r#"withoutDependencies(dependencies: ["tool", "none"])"#],
            ",\n  \"dependencies\": [\n    {\n      \"name\": \"tool\",\n      \"source\": \"../tool\"\n    }\n  ]",
            "",
        ),
    ] {
        assert!(LAB.contains(old), "{old}");
        assert_eq!(
            changed(&client, lab, &steps).await,
            LAB.replacen(old, new, 1),
            "{steps:?}"
        );
    }
    let both = [
        r#"withSDK(source: "go")"#,
        r#"withEngineVersion(version: "latest")"#,
    ];
    let want = LAB.replace("rust", "go").replace("v0.20.0", "v0.21.8");
    assert_eq!(changed(&client, lab, &both).await, want);
    assert_eq!(
        fs::read_to_string(bench.work("modules/lab/dagger.json")).unwrap(),
        LAB
    );
    let same = of(&client, lab, "generatedContextDirectory{entries}").await;
    assert_eq!(same["generatedContextDirectory"]["entries"], json!([]));
    for (step, why) in [
        (
            r#"withSourceSubpath(path: "../x"){id}"#,
            "leads out of module `lab`",
        ),
        (
            r#"withIncludes(patterns: ["../../../x"]){id}"#,
            "leads out of",
        ),
    ] {
        let message = refused(&client, lab, step).await;
        assert!(message.contains(why), "{message}");
    }
}

#[tokio::test]
async fn other_modules_are_listed_as_install_lists_them() {
    let bench = Bench::new();
    repository(&bench, "");
    fs::create_dir(bench.work("remote")).unwrap();
    repository(&bench, "remote");
    let commit = git(&bench, "remote", &["rev-parse", "HEAD"]);
    let remote = format!("file://{}", bench.work("remote").display());
    let client = bench.caller();
    let source = async |args: String| {
        let found = of(&client, &args, "id").await;
        found["id"].as_str().unwrap().to_owned()
    };
    let tool = source(r#"refString: "modules/tool""#.to_owned()).await;
    let far = source(format!(r#"refString: "{remote}/modules/tool@main""#)).await;
    let lab = r#"refString: "modules/lab""#;
    let json = async |step: String| -> Json {
        serde_json::from_str(&changed(&client, lab, &[&step]).await).unwrap()
    };

    let near = json!({"name": "the-tool", "source": "../tool"});
    let git =
        json!({"name": "the-tool", "source": format!("{remote}/modules/tool@main"), "pin": commit});
    let with = json(format!(r#"withDependencies(dependencies: ["{tool}"])"#)).await;
    assert_eq!(with["dependencies"], json!([near]));
    let with = json(format!(r#"withToolchains(toolchains: ["{far}"])"#)).await;
    assert_eq!(with["toolchains"], json!([git]));
    let message = refused(
        &client,
        lab,
        &format!(r#"withDependencies(dependencies: ["{tool}", "{far}"]){{id}}"#),
    )
    .await;
    assert!(message.contains("duplicate dependency name"), "{message}");
    let message = refused(
        &client,
        lab,
        &format!(r#"withBlueprint(blueprint: "{tool}"){{id}}"#),
    )
    .await;
    assert!(message.contains("`lab` has an SDK"), "{message}");
    let bare = format!(
        r#"withSDK(source: ""){{withoutDependencies(dependencies: ["tool"]){{withBlueprint(blueprint: "{far}"){{
        blueprint{{moduleName commit}} withoutBlueprint{{generatedContextDirectory{{file(path: "modules/lab/dagger.json"){{contents}}}}}}}}}}}}"#
    );
    let bare = of(&client, lab, &bare).await;
    let bare = &bare["withSDK"]["withoutDependencies"]["withBlueprint"];
    assert_eq!(
        bare["blueprint"],
        json!({"moduleName": "the-tool", "commit": commit})
    );
    let text = &bare["withoutBlueprint"]["generatedContextDirectory"]["file"]["contents"];
    assert!(!text.as_str().unwrap().contains("blueprint"), "{text}");

    // A module in git can be given none of this machine, and of its own repository by path.
    let far_lab = format!(r#"refString: "{remote}/modules/lab@main""#);
    let step = format!(r#"withDependencies(dependencies: ["{tool}"]){{id}}"#);
    let message = refused(&client, &far_lab, &step).await;
    assert!(
        message.contains("is a directory of this machine"),
        "{message}"
    );
    let step = format!(r#"withDependencies(dependencies: ["{far}"])"#);
    let text = changed(&client, &far_lab, &[&step]).await;
    let with: Json = serde_json::from_str(&text).unwrap();
    assert_eq!(with["dependencies"], json!([near]));
}

#[tokio::test]
async fn versions_in_git_are_brought_up_to_date() {
    let bench = Bench::new();
    repository(&bench, "");
    fs::create_dir(bench.work("remote")).unwrap();
    repository(&bench, "remote");
    let first = git(&bench, "remote", &["rev-parse", "HEAD"]);
    git(
        &bench,
        "remote",
        &["commit", "-q", "--allow-empty", "-m", "Second"],
    );
    let second = git(&bench, "remote", &["rev-parse", "HEAD"]);
    git(&bench, "remote", &["tag", "modules/tool/v2.0.0"]);
    let remote = format!("file://{}/modules/tool", bench.work("remote").display());
    let entry = |version: &str, pin: &str| json!({"name": "far", "source": format!("{remote}@{version}"), "pin": pin});
    let near = json!({"name": "tool", "source": "../tool"});
    let old = entry("main", &first);
    let write = |manifest: Json| {
        fs::write(bench.work("modules/lab/dagger.json"), manifest.to_string()).unwrap();
    };
    write(json!({"name": "lab", "dependencies": [old, near], "toolchains": [old]}));
    let client = bench.caller();
    let lab = r#"refString: "modules/lab""#;
    let new = entry("main", &second);
    let all = changed(&client, lab, &["withUpdateDependencies(dependencies: [])"]).await;
    let want = json!({"name": "lab", "dependencies": [new, near], "toolchains": [old]});
    assert_eq!(serde_json::from_str::<Json>(&all).unwrap(), want);
    let one = changed(
        &client,
        lab,
        &[r#"withUpdateToolchains(toolchains: ["far@v2.0.0"])"#],
    )
    .await;
    let tagged = entry("modules/tool/v2.0.0", &second);
    let want = json!({"name": "lab", "dependencies": [old, near], "toolchains": [tagged]});
    assert_eq!(serde_json::from_str::<Json>(&one).unwrap(), want);
    let local = refused(
        &client,
        lab,
        r#"withUpdateDependencies(dependencies: ["tool"]){id}"#,
    )
    .await;
    assert!(local.contains("`tool` is local"), "{local}");

    write(json!({"name": "lab", "blueprint": old}));
    let blueprint = changed(&client, lab, &["withUpdateBlueprint"]).await;
    let want = json!({"name": "lab", "blueprint": new});
    assert_eq!(serde_json::from_str::<Json>(&blueprint).unwrap(), want);
    write(json!({"name": "lab", "blueprint": near}));
    let same = of(
        &client,
        lab,
        "withUpdateBlueprint{generatedContextChangeset{isEmpty}}",
    )
    .await;
    assert_eq!(
        same["withUpdateBlueprint"]["generatedContextChangeset"]["isEmpty"],
        true
    );
}

#[tokio::test]
async fn a_changed_source_is_loaded_as_changed() {
    let bench = Bench::new();
    repository(&bench, "");
    let client = bench.caller();
    fs::create_dir(bench.work("new")).unwrap();
    let tool = of(&client, r#"refString: "modules/tool""#, "id").await;
    let tool = tool["id"].as_str().unwrap();
    let fields = format!(
        r#"withName(name: "host"){{withDependencies(dependencies: ["{tool}"]){{
            moduleName moduleOriginalName
            asModule{{name dependencies{{name}} source{{moduleName dependencies{{moduleName}}}}}}
            dependencies{{asModule{{name}}}}
            generatedContextDirectory{{file(path: "new/dagger.json"){{contents}}}}}}}}"#
    );
    let found = of(&client, r#"refString: "new", disableFindUp: true"#, &fields).await;
    let found = &found["withName"]["withDependencies"];
    assert_eq!(found["moduleName"], "host");
    assert_eq!(found["moduleOriginalName"], "host");
    let module = &found["asModule"];
    assert_eq!(module["name"], "host");
    assert_eq!(module["dependencies"], json!([{"name": "the-tool"}]));
    let source = json!({"moduleName": "host", "dependencies": [{"moduleName": "the-tool"}]});
    assert_eq!(module["source"], source);
    let text = found["generatedContextDirectory"]["file"]["contents"]
        .as_str()
        .unwrap();
    let written: Json = serde_json::from_str(text).unwrap();
    let want = json!({"name": "host", "dependencies": [{"name": "the-tool", "source": "../modules/tool"}]});
    assert_eq!(written, want);
    assert!(!bench.work("new/dagger.json").exists());
}

#[tokio::test]
async fn files_of_the_machine_are_not_for_programs_in_containers() {
    let bench = Bench::new();
    repository(&bench, "");
    let caller = bench.caller();
    let nested = Client::nested(caller.shared.clone());
    let remote = format!("file://{}", bench.work("").display());
    for place in ["modules/lab".to_owned(), format!("{remote}modules/lab")] {
        let message = refused(&nested, &format!(r#"refString: "{place}""#), "id").await;
        assert!(
            message.contains("not for programs in containers"),
            "{message}"
        );
    }
    // One that it is given it can read, and not make it reach further.
    let given = of(&caller, r#"refString: "modules/tool""#, "id").await;
    let given = format!(r#"{{loadModuleSourceFromID(id: {})"#, given["id"]);
    let name = value(&nested, &format!("{given}{{moduleName}}}}")).await;
    assert_eq!(name, "the-tool");
    let further = format!(r#"{given}{{withIncludes(patterns: ["../../lib"]){{id}}}}}}"#);
    let message = error(&nested, &further).await.message;
    assert!(
        message.contains("`ModuleSource.withIncludes` is not for programs"),
        "{message}"
    );
}
