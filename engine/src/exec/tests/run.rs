//! Commands: what they are given and what they give back.

use std::os::unix::fs::PermissionsExt;

use super::*;

#[tokio::test]
async fn output_and_exit_code_come_back() {
    let bench = Bench::new();
    let output = bench
        .run(bench.sh("echo out; echo err >&2; exit 3").await)
        .await
        .unwrap();
    assert_eq!(output.code, 3);
    assert_eq!(output.stdout, b"out\n");
    assert_eq!(output.stderr, b"err\n");
    assert_eq!(output.combined, b"out\nerr\n");
    bench.assert_clean();
}

#[tokio::test]
async fn a_signal_is_128_more_even_if_the_command_sends_it_to_itself() {
    let bench = Bench::new();
    for (signal, code) in [(9, 137), (15, 143), (11, 139)] {
        let output = bench
            .run(bench.sh(&format!("kill -{signal} $$")).await)
            .await
            .unwrap();
        assert_eq!(output.code, code);
    }
    let mut process = bench.sh("exit 255").await;
    process.no_init = true;
    assert_eq!(bench.run(process).await.unwrap().code, 255);
}

#[tokio::test]
async fn input_is_given_and_then_ends() {
    let bench = Bench::new();
    let mut process = bench.sh("cat; test -t 0 || echo '|no terminal'").await;
    process.stdin = b"a line".to_vec();
    assert_eq!(
        text(bench.run(process).await.unwrap()),
        "a line|no terminal\n"
    );
    assert_eq!(
        bench.stdout("wc -c; test -t 0 || echo no terminal").await,
        "0\nno terminal\n"
    );
    // More than a pipe holds, of which nothing is read.
    let mut process = bench.sh("true").await;
    process.stdin = vec![b'x'; 1 << 20];
    assert_eq!(bench.run(process).await.unwrap().code, 0);
}

#[tokio::test]
async fn large_output_comes_back_whole() {
    let bench = Bench::new();
    let output = bench.stdout("seq 1 200000").await;
    assert_eq!(output.len(), 1288895);
    assert!(output.ends_with("199999\n200000\n"));
}

#[tokio::test]
async fn users_are_those_of_the_container() {
    let bench = Bench::new();
    for (user, seen) in [
        ("", "0:0 0 /root\n"),
        ("nobody", "65534:65534 65534 777 /nonexistent\n"),
        ("1234:2345", "1234:2345 2345 /\n"),
        ("0:extra", "0:777 777 /root\n"),
    ] {
        let mut process = bench.sh("echo $(id -u):$(id -g) $(id -G) $HOME").await;
        process.user = user.into();
        assert_eq!(text(bench.run(process).await.unwrap()), seen, "{user}");
    }
    let mut process = bench
        .sh("cat /dev/stdin > /dev/stdout; echo err > /dev/stderr")
        .await;
    (process.user, process.stdin) = ("nobody".into(), b"own".to_vec());
    assert_eq!(bench.run(process).await.unwrap().combined, b"ownerr\n");

    let mut process = bench.sh("id").await;
    process.user = "nosuchuser".into();
    let (error, text) = failure(bench.run(process).await);
    assert!(matches!(error, SandboxError::User { .. }) && text.contains("nosuchuser"));
    bench.assert_clean();
}

#[tokio::test]
async fn a_missing_command_is_named() {
    let bench = Bench::new();
    let (error, text) = failure(
        bench
            .run(bench.process(&["nosuchcommand", "x"]).await)
            .await,
    );
    assert!(matches!(error, SandboxError::Command { .. }), "{error:?}");
    assert!(
        text.contains("`nosuchcommand`") && text.contains("not found"),
        "{text}"
    );
    let (_, text) = failure(bench.run(bench.process(&["/etc/passwd"]).await).await);
    assert!(text.contains("`/etc/passwd`: permission denied"), "{text}");
    bench.assert_clean();
}

#[tokio::test]
async fn secrets_are_scrubbed_also_when_written_in_pieces() {
    let bench = Bench::new();
    let mut process = bench
        .sh("echo pw is s3cr3t.; printf s3c; sleep 0.1; printf r3t; echo s3cr3t >&2; printf s3c")
        .await;
    process.scrub = vec![b"s3cr3t".to_vec()];
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = seen.clone();
    let progress = Progress::new(move |event| {
        if let crate::progress::Event::Output { bytes, .. } = event {
            sink.lock().unwrap().extend(bytes);
        }
    });
    let output = bench
        .executor
        .run(process, &progress.start("test"))
        .await
        .unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "pw is ***.\n***s3c"
    );
    assert_eq!(output.stderr, b"***\n");
    assert_eq!(*seen.lock().unwrap(), output.combined);
    assert!(!String::from_utf8_lossy(&output.combined).contains("s3cr3t"));
}

#[tokio::test]
async fn a_file_that_is_no_program_is_named() {
    let bench = Bench::new();
    for (name, contents) in [("lost", "#!/no/such/shell\n"), ("noise", "just text\n")] {
        let path = bench.rootfs.path().join("bin").join(name);
        std::fs::write(&path, contents).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        // The runtime finds out too late to refuse.
        let output = bench.run(bench.process(&[name]).await).await.unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.code, 1);
        // `exec /bin/lost: why` of runc; crun says ``exec … `/bin/lost`: why``.
        let file = format!("/bin/{name}");
        let said = stderr.replace('`', "");
        assert!(
            said.contains("exec ") && said.contains(&format!("{file}: ")),
            "{stderr}"
        );
    }
}

/// What we add to the time of the runtime itself. Not run by default: timing is
/// of the machine. `cargo test --release -- --ignored --nocapture overhead`
#[tokio::test]
#[ignore = "measures"]
async fn overhead() {
    let bench = Bench::new();
    bench.run(bench.process(&["true"]).await).await.unwrap();
    let (mut attach, mut run) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        let start = std::time::Instant::now();
        let process = bench.process(&["true"]).await;
        attach.push(start.elapsed());
        let start = std::time::Instant::now();
        bench.run(process).await.unwrap();
        run.push(start.elapsed());
    }
    // A bundle as we make it, given to the runtime alone.
    let dir = tempfile::tempdir().unwrap();
    let attachment = bench.network.attach().await.unwrap();
    let user = user::User::resolve(bench.rootfs.path(), "").unwrap();
    let env = vec![("PATH".to_owned(), "/bin".to_owned())];
    let args = vec!["true".to_owned()];
    let command = spec::Command {
        args,
        env,
        cwd: "/".into(),
        user,
        privileged: false,
        terminal: false,
    };
    let container = spec::Container {
        id: "poniard-overhead",
        rootfs: bench.rootfs.path(),
        hostname: "box",
        netns: &attachment.netns,
        init: None,
        max_processes: None,
        mounts: Vec::new(),
        gpus: &[],
    };
    spec::write(&dir.path().join("config.json"), container, &command).unwrap();
    let mut plain = Vec::new();
    for _ in 0..20 {
        let start = std::time::Instant::now();
        let mut runc = std::process::Command::new("runc");
        runc.arg("--root")
            .arg(dir.path().join("root"))
            .arg("run")
            .arg("--bundle")
            .arg(dir.path());
        assert!(runc.arg("poniard-overhead").status().unwrap().success());
        plain.push(start.elapsed());
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    let (attach, run, plain) = (median(&mut attach), median(&mut run), median(&mut plain));
    let ratio = (attach + run).as_secs_f64() / plain.as_secs_f64();
    eprintln!("attach {attach:?}, run {run:?}, runtime alone {plain:?}: {ratio:.2} times");
}
