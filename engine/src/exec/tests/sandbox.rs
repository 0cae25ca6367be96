//! Walls around a container, and what is left when it is gone.

use super::*;

#[tokio::test]
async fn orphans_are_reaped_and_end_with_the_command() {
    let bench = Bench::new();
    let start = std::time::Instant::now();
    let script = "(sleep 0.02 &) ; sleep 0.1; sleep 100 & grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null; echo ok";
    assert_eq!(bench.stdout(script).await, "ok\n");
    assert!(start.elapsed() < Duration::from_secs(90));
}

#[tokio::test]
async fn the_init_process_tells_nothing_about_the_host() {
    let bench = Bench::new();
    let script = "cat /proc/1/comm; tr -d '\\0' < /proc/1/cmdline | wc -c; cat /proc/1/environ 2>/dev/null | wc -c; wc -l < /proc/1/mountinfo; grep -c : /proc/1/net/dev; kill -9 1; echo still here";
    assert_eq!(bench.stdout(script).await, "init\n0\n0\n0\n1\nstill here\n");
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
async fn a_container_has_the_capabilities_and_the_filter_of_dagger_and_no_path_of_the_host() {
    let bench = Bench::new();
    let script = "while read name value; do case $name in CapBnd:|CapEff:|CapInh:|CapAmb:|Seccomp:) echo $name $value;; esac; done </proc/self/status";
    // chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap,
    // net_bind_service, net_raw, sys_chroot, mknod, audit_write, setfcap.
    let (all, none) = ("00000000a80425fb", "0000000000000000");
    assert_eq!(
        bench.stdout(script).await,
        format!("CapInh: {none}\nCapEff: {all}\nCapBnd: {all}\nCapAmb: {none}\nSeccomp: 2\n")
    );
    // Besides the file systems of the kernel nothing is mounted but the root and
    // what every container has.
    let script = "while read id parent device root point rest; do case $point in /proc*|/sys*|/dev*) ;; *) echo $point;; esac; done </proc/self/mountinfo";
    let seen = bench.stdout(script).await;
    let mut seen: Vec<_> = seen.lines().collect();
    seen.sort_unstable();
    assert_eq!(seen, ["/", "/etc/hosts", "/etc/resolv.conf"]);
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

/// Whether the machine has control groups for it that can be written.
fn limits_processes() -> bool {
    let root = std::path::Path::new("/sys/fs/cgroup");
    let v2 = std::fs::read_to_string(root.join("cgroup.controllers")).unwrap_or_default();
    let group = match v2.split_whitespace().any(|name| name == "pids") {
        true => root.to_owned(),
        false => root.join("pids"),
    };
    rustix::fs::access(group.join("cgroup.procs"), rustix::fs::Access::WRITE_OK).is_ok()
}

#[tokio::test]
async fn a_fork_bomb_is_held_by_its_group_and_ends_with_its_command() {
    let mut bench = Bench::new();
    let engine = Arc::get_mut(&mut bench.executor.engine).unwrap();
    if !engine.cgroups.lower(64) {
        assert!(!limits_processes(), "control groups here are not used");
        eprintln!("SKIPPED a_fork_bomb_is_held_by_its_group: no control group limits processes");
        return;
    }
    // Goes on until the bomb was refused a process: the shell needs none for that.
    let script = "groups=/sys/fs/cgroup; [ -e $groups/pids ] && groups=$groups/pids; \
                  read max <$groups/pids.max; echo $max; bomb() { bomb | bomb & }; (bomb) & \
                  while read name refused <$groups/pids.events; [ $refused = 0 ]; do :; done; exit 7";
    let said = Arc::new(Mutex::new(Vec::new()));
    let sink = said.clone();
    let progress = Progress::new(move |event| {
        if let crate::progress::Event::Output { bytes, .. } = event {
            sink.lock().unwrap().extend(bytes);
        }
    });
    let process = bench.sh(script).await;
    let output = bench.executor.run(process, &progress.start("test")).await;
    let output = output.unwrap();
    assert_eq!((output.code, &output.stdout[..]), (7, &b"64\n"[..]));
    let said = String::from_utf8_lossy(&said.lock().unwrap()).into_owned();
    assert!(
        said.contains("more than 64 processes were refused"),
        "{said}"
    );
    bench.assert_clean();
}

#[tokio::test]
async fn groups_that_a_killed_invocation_left_are_removed() {
    let bench = Bench::new();
    let name = format!("{}left", bench.executor.engine.owner().prefix());
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
