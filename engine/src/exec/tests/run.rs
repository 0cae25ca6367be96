use std::os::unix::fs::{MetadataExt, PermissionsExt};

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
async fn orphans_are_reaped_and_end_with_the_command() {
    let bench = Bench::new();
    let start = std::time::Instant::now();
    let script = "(sleep 0.02 &) ; sleep 0.1; sleep 100 & grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null; echo ok";
    assert_eq!(bench.stdout(script).await, "ok\n");
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn the_init_process_tells_nothing_about_the_host() {
    let bench = Bench::new();
    let script = "cat /proc/1/comm; tr -d '\\0' < /proc/1/cmdline | wc -c; cat /proc/1/environ 2>/dev/null | wc -c; wc -l < /proc/1/mountinfo; grep -c : /proc/1/net/dev; kill -9 1; echo still here";
    assert_eq!(bench.stdout(script).await, "init\n0\n0\n0\n1\nstill here\n");
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
async fn the_working_directory_is_made_for_the_user_and_stays() {
    let bench = Bench::new();
    let mut process = bench.sh("pwd; touch mine").await;
    (process.cwd, process.user) = ("/a/b".into(), "nobody".into());
    assert_eq!(text(bench.run(process).await.unwrap()), "/a/b\n");
    assert_eq!(
        bench
            .rootfs
            .path()
            .join("a/b/mine")
            .metadata()
            .unwrap()
            .uid(),
        65534
    );
}

#[tokio::test]
async fn nothing_but_what_the_command_did_stays_in_the_root() {
    let bench = Bench::new();
    let before = bench.rootfs.list();
    let source = tempfile::tempdir().unwrap();
    std::fs::write(source.path().join("a"), "1").unwrap();
    let mut process = bench
        .sh("ls /mnt/d; cat /run/tok; touch /made /mnt/beside; ls /t")
        .await;
    process.binds = vec![
        Bind {
            source: source.path().into(),
            target: "/mnt/d".into(),
            read_only: false,
        },
        Bind {
            source: source.path().join("a"),
            target: "/deep/er/file".into(),
            read_only: true,
        },
    ];
    process.temps = vec![("/t".into(), Some(1 << 20))];
    process.files = vec![SecretFile {
        path: "/run/tok".into(),
        contents: b"abc".to_vec(),
        mode: 0o400,
        owner: String::new(),
    }];
    assert_eq!(text(bench.run(process).await.unwrap()), "a\nabc");
    let after = bench.rootfs.list();
    let new: Vec<_> = after.difference(&before).map(String::as_str).collect();
    assert_eq!(new, ["made", "mnt", "mnt/beside"]);
    bench.assert_clean();
}

#[tokio::test]
async fn an_empty_root_runs_a_program_that_is_mounted() {
    let (bench, empty) = (Bench::new(), Rootfs::empty());
    let mut process = bench
        .process(&["/host/bin/sh", "-c", "echo from scratch"])
        .await;
    process.rootfs = empty.path().to_owned();
    let host = bench.rootfs.path();
    // The dynamic loader is looked up at its own path.
    process.binds = std::fs::read_dir(host)
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_str().unwrap().starts_with("lib"))
        .map(|entry| Bind {
            source: entry.path(),
            target: std::path::Path::new("/").join(entry.file_name()),
            read_only: true,
        })
        .chain([Bind {
            source: host.into(),
            target: "/host".into(),
            read_only: true,
        }])
        .collect();
    assert_eq!(text(bench.run(process).await.unwrap()), "from scratch\n");
    assert!(empty.list().is_empty(), "{:?}", empty.list());
}

#[tokio::test]
async fn binds_are_written_through_unless_read_only() {
    let bench = Bench::new();
    let source = tempfile::tempdir().unwrap();
    let bind = |read_only| Bind {
        source: source.path().into(),
        target: "/m".into(),
        read_only,
    };
    let mut process = bench.sh("touch /m/b").await;
    process.binds = vec![bind(true)];
    let output = bench.run(process).await.unwrap();
    assert_eq!(output.code, 1);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("Read-only file system"), "{stderr}");
    let mut process = bench.sh("touch /m/b").await;
    process.binds = vec![bind(false)];
    assert_eq!(bench.run(process).await.unwrap().code, 0);
    assert!(source.path().join("b").exists());
}

#[tokio::test]
async fn mounts_lie_in_mounts_without_leaving_mount_points() {
    let bench = Bench::new();
    let (outer, inner) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(inner.path().join("x"), "").unwrap();
    let bind = |source: &Path, target: &str, read_only| Bind {
        source: source.into(),
        target: target.into(),
        read_only,
    };
    let mut process = bench.sh("ls /o/in /t/in").await;
    process.temps = vec![("/t".into(), None)];
    // The inner ones come first: depth decides.
    process.binds = vec![
        bind(inner.path(), "/o/in", true),
        bind(inner.path(), "/t/in", true),
        bind(outer.path(), "/o", false),
    ];
    assert_eq!(
        text(bench.run(process).await.unwrap()),
        "/o/in:\nx\n\n/t/in:\nx\n"
    );
    assert_eq!(outer.path().read_dir().unwrap().count(), 0);

    let mut process = bench.sh("true").await;
    process.binds = vec![
        bind(outer.path(), "/o", true),
        bind(inner.path(), "/o/in", true),
    ];
    let (_, text) = failure(bench.run(process).await);
    assert!(
        text.contains("`/o/in`") && text.contains("read-only mount `/o`"),
        "{text}"
    );
}

#[tokio::test]
async fn secret_files_have_the_mode_and_owner_asked_for_and_are_read_only() {
    let bench = Bench::new();
    let secret = |path: &str, mode, owner: &str| SecretFile {
        path: path.into(),
        contents: b"abc".to_vec(),
        mode,
        owner: owner.into(),
    };
    let mut process = bench
        .sh("stat -c '%a %U' /run/a /run/b; echo no > /run/b")
        .await;
    process.files = vec![
        secret("/run/a", 0o400, ""),
        secret("/run/b", 0o444, "nobody"),
    ];
    let output = bench.run(process).await.unwrap();
    assert_eq!(output.stdout, b"400 root\n444 nobody\n");
    assert_ne!(output.code, 0);
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
async fn devices_hostname_and_names_are_in_place() {
    let bench = Bench::new();
    let script = "hostname; echo x > /dev/null; stat -c %F /dev/urandom; ls -d /dev/shm /dev/pts /dev/mqueue /dev/stdin; getent hosts box | grep -c 10.87; getent hosts db | tr -s ' '; cat /etc/resolv.conf | grep -c nameserver";
    let mut process = bench.sh(script).await;
    process.hosts = vec![("db".into(), [10, 87, 200, 9].into())];
    let seen = text(bench.run(process).await.unwrap());
    assert_eq!(
        seen,
        "box\ncharacter special file\n/dev/mqueue\n/dev/pts\n/dev/shm\n/dev/stdin\n1\n10.87.200.9 db\n1\n"
    );
    assert!(!bench.rootfs.path().join("etc/hosts").exists());
}

#[tokio::test]
async fn ordinary_containers_may_not_change_the_system() {
    let bench = Bench::new();
    let refused = "mount -t tmpfs x /tmp 2>/dev/null || echo no mount; unshare -n true 2>/dev/null || echo no unshare; hostname x 2>/dev/null || echo no name; touch /proc/sys/x /sys/x 2>/dev/null || echo no sys";
    assert_eq!(
        bench.stdout(refused).await,
        "no mount\nno unshare\nno name\nno sys\n"
    );
    let mut process = bench
        .sh("mount -t tmpfs x /tmp && echo mounted; ls /dev | grep -c .")
        .await;
    process.privileged = true;
    let seen = text(bench.run(process).await.unwrap());
    assert!(seen.starts_with("mounted\n"), "{seen}");
}

#[tokio::test]
async fn a_dropped_run_leaves_nothing() {
    let bench = Bench::new();
    let before = bench.rootfs.list();
    let marker = tempfile::tempdir().unwrap();
    let bind = Bind {
        source: marker.path().into(),
        target: "/m".into(),
        read_only: false,
    };
    for after in [None, Some(1), Some(5), Some(15), Some(30)] {
        let mut process = bench.sh("touch /m/up; sleep 1000 & sleep 1000").await;
        process.binds = vec![bind.clone()];
        let run = bench.run(process);
        match after {
            // Before the command runs, at several stages of its start.
            Some(millis) => {
                let cut = tokio::time::timeout(Duration::from_millis(millis), run).await;
                assert!(cut.is_err());
            }
            None => {
                let up = until("the command has not started", async || {
                    marker.path().join("up").exists()
                });
                tokio::select! {
                    _ = run => panic!("the command has ended"),
                    () = up => {}
                }
            }
        }
        bench.assert_clean();
    }
    assert_eq!(bench.rootfs.list(), before);
    let me = std::process::id().to_string();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let fields: Vec<&str> = stat.split(' ').collect();
        let orphan = fields.get(3) == Some(&me.as_str()) && stat.contains("(sleep)");
        assert!(!orphan, "{stat}");
    }
}

#[tokio::test]
async fn a_name_that_is_not_bound_is_unknown() {
    let bench = Bench::new();
    let script = "getent hosts nobody-is-bound || echo unknown host";
    assert_eq!(bench.stdout(script).await, "unknown host\n");
}

#[tokio::test]
async fn the_mode_of_directories_made_on_the_way_is_ordinary() {
    let bench = Bench::new();
    let mut process = bench.process(&["true"]).await;
    process.cwd = "/w/x".into();
    bench.run(process).await.unwrap();
    let mode = bench
        .rootfs
        .path()
        .join("w")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o755);
}

#[tokio::test]
async fn a_layer_holds_only_what_the_command_did() {
    let bench = Bench::new();
    let (image, work) = (Rootfs::of_host(), tempfile::tempdir().unwrap());
    std::os::unix::fs::symlink(
        "../run/missing/stub.conf",
        image.path().join("etc/resolv.conf"),
    )
    .unwrap();
    let dir = |name: &str| {
        let path = work.path().join(name);
        std::fs::create_dir(&path).unwrap();
        path
    };
    let (upper, inner, merged) = (dir("upper"), dir("work"), dir("merged"));
    let options = format!(
        "lowerdir={},upperdir={},workdir={}",
        image.path().display(),
        upper.display(),
        inner.display()
    );
    let options = std::ffi::CString::new(options).unwrap();
    let flags = rustix::mount::MountFlags::empty();
    rustix::mount::mount(
        "overlay",
        &merged,
        "overlay",
        flags,
        Some(options.as_c_str()),
    )
    .unwrap();

    let mut process = bench
        .sh("grep -c nameserver /etc/resolv.conf; echo x > /etc/new; rm /bin/seq")
        .await;
    process.rootfs = merged.clone();
    process.binds = vec![Bind {
        source: inner.parent().unwrap().into(),
        target: "/etc/d/e".into(),
        read_only: true,
    }];
    let output = bench.run(process).await;
    // Nothing keeps the mount busy.
    rustix::mount::unmount(&merged, rustix::mount::UnmountFlags::empty()).unwrap();
    assert_eq!(text(output.unwrap()), "1\n");
    let layer: Vec<_> = rootfs::list(&upper).into_iter().collect();
    assert_eq!(layer, ["bin", "bin/seq", "etc", "etc/new"]);
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
        assert!(stderr.contains(&format!("exec /bin/{name}: ")), "{stderr}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_containers_run_at_once_and_nothing_leaks() {
    let bench = Arc::new(Bench::new());
    // They share a root here, so that mount points must not come and go.
    for dir in ["proc", "sys", "dev"] {
        std::fs::create_dir(bench.rootfs.path().join(dir)).unwrap();
    }
    for file in ["hosts", "resolv.conf"] {
        std::fs::write(bench.rootfs.path().join("etc").join(file), "").unwrap();
    }
    let files = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let mut runs = tokio::task::JoinSet::new();
    for number in 0..12 {
        let bench = bench.clone();
        runs.spawn(async move {
            let seen = bench.stdout(&format!("sleep 0.05 & echo {number}")).await;
            assert_eq!(seen, format!("{number}\n"));
        });
    }
    while let Some(run) = runs.join_next().await {
        run.unwrap();
    }
    bench.assert_clean();
    // Other tests of this process open files as well, but not that many.
    assert!(files() < 400, "{} files are open", files());
}

#[tokio::test]
async fn certificates_of_the_host_are_seen_but_not_kept() {
    let mut bench = Bench::new();
    let bundle = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(bundle.path(), "certificates").unwrap();
    let engine = Arc::get_mut(&mut bench.executor.engine).unwrap();
    engine.trust = Default::default();
    engine.trust.bundle = Some(bundle.path().into());
    let before = bench.rootfs.list();
    let script = "cat $SSL_CERT_FILE $CURL_CA_BUNDLE; echo x >> $SSL_CERT_FILE || echo read-only";
    let mut process = bench.sh(&format!("{script} 2>/dev/null")).await;
    process.user = "nobody".into();
    std::fs::set_permissions(bundle.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let output = bench.run(process).await.unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "certificatescertificatesread-only\n"
    );
    assert_eq!(bench.rootfs.list(), before);
}

#[tokio::test]
async fn groups_that_a_killed_invocation_left_are_removed() {
    let bench = Bench::new();
    let name = format!("{}left", bench.executor.engine.id_prefix());
    let hierarchies = std::fs::read_dir("/sys/fs/cgroup").unwrap().flatten();
    let left: Vec<_> = hierarchies.map(|h| h.path().join(&name)).collect();
    let made = left
        .iter()
        .filter(|path| std::fs::create_dir(path).is_ok())
        .count();
    assert!(made > 0 || left.is_empty());
    bench.stdout("true").await;
    assert!(left.iter().all(|path| !path.exists()));
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
    };
    let container = spec::Container {
        id: "poniard-overhead",
        rootfs: bench.rootfs.path(),
        hostname: "box",
        netns: &attachment.netns,
        init: None,
        mounts: Vec::new(),
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
