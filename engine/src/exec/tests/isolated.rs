//! Containers of an isolated process that is killed.

use std::process::Stdio;

use super::*;

/// Not a test of its own: what the test below kills.
#[test]
fn worker() {
    let Ok(root) = std::env::var("PONIARD_TEST_ROOT") else {
        return;
    };
    let isolation = isolate().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let network = Arc::new(Network::new(&isolation.run_dir).unwrap());
        let executor = Executor::new(network.clone(), &isolation.run_dir).unwrap();
        let bench = Bench {
            network,
            executor,
            rootfs: Rootfs::empty(),
            run_dir: tempfile::tempdir().unwrap(),
        };
        let mut process = bench
            .sh("echo up > /up; sleep 987654.3 & sleep 987654.3")
            .await;
        process.rootfs = root.into();
        let _ = bench.run(process).await;
    });
}

#[tokio::test]
async fn a_kill_from_outside_leaves_no_process_and_no_network() {
    let rootfs = Rootfs::of_host();
    let temp = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "exec::tests::isolated::worker", "--nocapture"])
        .env("PONIARD_TEST_ROOT", rootfs.path())
        .env("TMPDIR", temp.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let up = rootfs.path().join("up");
    until("the container has not started", async || up.exists()).await;
    let inside = || {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let sleeps = |path: &Path| {
            std::fs::read(path.join("cmdline"))
                .is_ok_and(|line| line.starts_with(b"sleep\0987654.3"))
        };
        processes.filter(|entry| sleeps(&entry.path())).count()
    };
    until("the command does not run", async || inside() == 2).await;
    child.kill().unwrap();
    child.wait().unwrap();
    until("processes are left", async || inside() == 0).await;
    // Its number is free again, and with it the next one clears its groups away.
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains("/run/poniard"));
}
