use super::*;

async fn service(bench: &Bench, script: &str) -> Running {
    let span = Progress::silent().start("service");
    bench
        .executor
        .spawn(bench.sh(script).await, span)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_service_is_asked_to_end_before_it_is_killed() {
    let bench = Bench::new();
    let polite = service(
        &bench,
        "trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.01; done",
    )
    .await;
    assert_eq!(polite.ended(), None);
    let up = async || {
        !polite
            .exec(vec!["true".into()])
            .await
            .unwrap()
            .stderr
            .is_empty()
    };
    let _ = up().await;
    polite.stop(false).await.unwrap();
    let output = polite.ended().unwrap();
    assert_eq!((output.code, output.stdout), (7, b"up\nbye\n".to_vec()));

    let stubborn = service(&bench, "trap '' TERM; while :; do sleep 0.01; done").await;
    stubborn.stop(true).await.unwrap();
    assert_eq!(stubborn.wait().await.unwrap().code, 137);
    bench.assert_clean();
}

#[tokio::test]
async fn a_service_that_dies_tells_its_code_and_output() {
    let bench = Bench::new();
    let service = service(&bench, "echo dying >&2; exit 3").await;
    let output = service.wait().await.unwrap();
    assert_eq!((output.code, output.stderr), (3, b"dying\n".to_vec()));
    let error = service.exec(vec!["true".into()]).await.unwrap_err();
    assert!(error.to_string().contains("has ended"), "{error}");
}

#[tokio::test]
async fn commands_run_inside_of_a_service() {
    let bench = Bench::new();
    let mut process = bench.sh("touch /tmp/inside; sleep 1000").await;
    process.env.push(("TOKEN".into(), "hush-hush".into()));
    process.scrub = vec![b"hush-hush".to_vec()];
    let span = Progress::silent().start("service");
    let service = bench.executor.spawn(process, span).await.unwrap();
    let sh = |script: &str| service.exec(["sh", "-c", script].map(String::from).to_vec());
    until("the service has not started", async || {
        sh("ls /tmp/inside").await.unwrap().code == 0
    })
    .await;
    let output = sh("echo $TOKEN; hostname; sleep 1000 & exit 5")
        .await
        .unwrap();
    assert_eq!((output.code, output.stdout), (5, b"***\nbox\n".to_vec()));
    let error = service.exec(vec!["nosuch".into()]).await.unwrap_err();
    assert!(format!("{error:#}").contains("`nosuch`"), "{error:#}");
    let cut = tokio::time::timeout(Duration::from_millis(300), sh("sleep 1000")).await;
    assert!(cut.is_err());
    assert_eq!(service.ended(), None);
    service.stop(true).await.unwrap();
    bench.assert_clean();
}

#[tokio::test]
async fn a_dropped_service_is_killed() {
    let bench = Bench::new();
    let service = service(&bench, "sleep 1000").await;
    let main = service.processes.main.pid();
    drop(service);
    let path = format!("/proc/{main}");
    until("it still runs", async || !Path::new(&path).exists()).await;
    let prefix = bench.executor.engine.owner().prefix();
    until("its files are still there", async || {
        let names = bench
            .run_dir
            .path()
            .read_dir()
            .unwrap()
            .flatten()
            .map(|e| e.file_name());
        !names
            .into_iter()
            .any(|name| name.to_str().unwrap().starts_with(&prefix))
    })
    .await;
}

#[tokio::test]
async fn names_can_be_added_while_a_container_runs() {
    let bench = Bench::new();
    let hosts = HostsFile::new();
    let mut process = bench.sh("sleep 1000").await;
    process.hosts_file = Some(hosts.clone());
    let span = Progress::silent().start("service");
    let service = bench.executor.spawn(process, span).await.unwrap();
    let look = || service.exec(["getent", "hosts", "late"].map(String::from).to_vec());
    assert_eq!(look().await.unwrap().code, 2);
    hosts.add("late", [10, 87, 3, 4].into()).unwrap();
    assert_eq!(look().await.unwrap().stdout, b"10.87.3.4       late\n");
}

#[tokio::test]
async fn a_service_is_reached_by_name_from_another_container() {
    let bench = Bench::new();
    let process = bench.sh("sleep 1000").await;
    let address = process.attachment.address;
    let listener = bench.network.listen_in(&process.attachment).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let span = Progress::silent().start("service");
    let service = bench.executor.spawn(process, span).await.unwrap();
    // A command finds what listens on loopback of its own namespace.
    tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nhello").await;
        }
    });
    let curl = format!("curl -s http://127.0.0.1:{port}/");
    let output = service
        .exec(["sh", "-c", &curl].map(String::from).to_vec())
        .await
        .unwrap();
    assert_eq!(output.stdout, b"hello");
    let mut process = bench.sh("getent hosts web").await;
    process.hosts = vec![("web".into(), address.into())];
    assert!(text(bench.run(process).await.unwrap()).starts_with(&address.to_string()));
}
