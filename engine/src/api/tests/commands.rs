//! Commands in containers, as the API asks for them.

use super::*;

#[tokio::test]
async fn output_goes_to_the_deepest_mount() {
    let bench = Bench::new();
    let client = bench.caller();
    let shell = shell(&bench, &client).await;
    let empty = id(&client, "{directory{id}}").await;
    let query = format!(
        r#"{{loadContainerFromID(id:"{shell}"){{
            withMountedDirectory(path:"/a",source:"{empty}"){{
            withMountedDirectory(path:"/a/b",source:"{empty}"){{
            withExec(args:["sh","-c","echo x"],redirectStdout:"/a/b/out"){{
            WHAT}}}}}}}}}}"#
    );
    let read = query.replace("WHAT", r#"file(path:"/a/b/out"){contents}"#);
    assert_eq!(value(&client, &read).await, "x\n");
    let hidden = query
        .replace("WHAT", "sync")
        .replace(r#"/b",source"#, r#"/b",readOnly:true,source"#);
    let hidden = error(&client, &hidden).await.message;
    assert!(hidden.contains("cannot redirect output"), "{hidden}");
}

#[tokio::test]
async fn a_command_that_failed_runs_again_when_asked_again() {
    let bench = Bench::new();
    let client = bench.caller();
    let shell = shell(&bench, &client).await;
    let volume = id(&client, r#"{cacheVolume(key:"v"){id}}"#).await;
    // Mounted twice: a lock that is taken once.
    let query = format!(
        r#"{{loadContainerFromID(id:"{shell}"){{
            withMountedCache(path:"/v",cache:"{volume}",sharing:LOCKED){{
            withMountedCache(path:"/w",cache:"{volume}",sharing:LOCKED){{
            withExec(args:["sh","-c","[ -e /v/x ] || {{ : > /w/x; exit 3; }}; echo there"]){{
            stdout}}}}}}}}}}"#
    );
    assert_eq!(error(&client, &query).await.extensions["exitCode"], 3);
    assert_eq!(value(&client, &query).await, "there\n");
}

#[tokio::test]
async fn nothing_is_below_a_mounted_file() {
    let bench = Bench::new();
    let client = bench.caller();
    let file = id(&client, r#"{file(name:"f",contents:"old"){id}}"#).await;
    let change = |path: &str| {
        format!(
            r#"{{container{{withMountedFile(path:"/m",source:"{file}"){{
                withNewFile(path:"{path}",contents:"new"){{file(path:"/m"){{contents}}}}}}}}}}"#
        )
    };
    assert_eq!(value(&client, &change("/m")).await, "new");
    let below = error(&client, &change("/m/x")).await.message;
    assert!(below.contains("`/m` is a file"), "{below}");
}
