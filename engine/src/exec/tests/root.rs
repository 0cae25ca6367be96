//! What a container sees of files, and what stays of it.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use super::*;

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
