//! GPUs of containers, on machines that have none.

use super::*;
use crate::exec::gpu;

/// Whether NVIDIA's hook is here, so that nothing is refused.
fn there() -> bool {
    let there = gpu::require(&["all".to_owned()]).is_ok();
    if there {
        eprintln!("this machine gives GPUs to containers");
    }
    there
}

#[tokio::test]
async fn a_container_with_gpus_is_as_any_other_until_a_command_runs() {
    let bench = Bench::new();
    let client = bench.caller();
    for field in [
        "experimentalWithAllGPUs",
        r#"experimentalWithGPU(devices:["0"])"#,
    ] {
        let query = format!(
            r#"{{container{{withNewFile(path:"/f",contents:"x"){{{field}{{
                withEnvVariable(name:"A",value:"1"){{file(path:"/f"){{contents}}}}}}}}}}}}"#
        );
        assert_eq!(value(&client, &query).await, "x", "{field}");
        // What is told of it does not change: it is no variable of the container.
        let query = format!("{{container{{{field}{{envVariables{{name}}}}}}}}");
        assert_eq!(value(&client, &query).await, json!([]), "{field}");
    }
}

#[tokio::test]
async fn without_the_hook_a_command_with_gpus_is_refused_before_any_other_runs() {
    if there() {
        return;
    }
    let bench = Bench::new();
    let client = bench.caller();
    let shell = shell(&bench, &client).await;
    let volume = id(&client, r#"{cacheVolume(key:"gpus"){id}}"#).await;
    let base = format!(
        r#"{{loadContainerFromID(id:"{shell}"){{withMountedCache(path:"/v",cache:"{volume}"){{"#
    );
    for rest in [
        r#"withExec(args:["true"]){sync}"#,
        r#"withExec(args:["true"]){stdout}"#,
        r#"withExposedPort(port:1){asService(args:["true"]){start}}"#,
    ] {
        let query = format!(
            r#"{base}withExec(args:["sh","-c",": > /v/ran"]){{
                experimentalWithGPU(devices:["0","1"]){{{rest}}}}}}}}}}}"#
        );
        let said = error(&client, &query).await.message;
        for words in [
            "cannot give the GPUs `0,1` to a container: ",
            "`/usr/bin/nvidia-container-runtime-hook`",
            "install",
        ] {
            assert!(said.contains(words), "{rest}: {said}");
        }
    }
    let look = format!(
        r#"{base}withExec(args:["sh","-c","[ -e /v/ran ] && echo ran || echo no"]){{stdout}}}}}}}}"#
    );
    assert_eq!(value(&client, &look).await, "no\n");
}

#[tokio::test]
async fn an_empty_list_takes_gpus_back() {
    let bench = Bench::new();
    let client = bench.caller();
    let shell = shell(&bench, &client).await;
    let query = format!(
        r#"{{loadContainerFromID(id:"{shell}"){{experimentalWithAllGPUs{{
            experimentalWithGPU(devices:[]){{
            withExec(args:["sh","-c","echo ${{NVIDIA_VISIBLE_DEVICES-none}}"]){{stdout}}}}}}}}}}"#
    );
    assert_eq!(value(&client, &query).await, "none\n");
}
