//! Real containers, in a root file system made of programs of this machine.

mod crun;
mod isolated;
mod root;
mod rootfs;
mod run;
mod sandbox;
mod service;

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::progress::Progress;
use rootfs::Rootfs;

/// An executor and a root for one test.
struct Bench {
    network: Arc<Network>,
    executor: Executor,
    rootfs: Rootfs,
    run_dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let run_dir = tempfile::tempdir().unwrap();
        let network = Arc::new(Network::new(run_dir.path()).unwrap());
        let executor = Executor::new(network.clone(), run_dir.path()).unwrap();
        crun::choose(&executor);
        Self {
            network,
            executor,
            rootfs: Rootfs::of_host(),
            run_dir,
        }
    }

    async fn process(&self, args: &[&str]) -> Process {
        Process {
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            env: vec![("PATH".into(), "/bin".into())],
            cwd: "/".into(),
            user: String::new(),
            rootfs: self.rootfs.path().to_owned(),
            binds: Vec::new(),
            temps: Vec::new(),
            files: Vec::new(),
            stdin: Vec::new(),
            scrub: Vec::new(),
            hosts: Vec::new(),
            hosts_file: None,
            turn: None,
            privileged: false,
            gpus: Vec::new(),
            no_init: false,
            attachment: self.network.attach().await.unwrap(),
            hostname: "box".into(),
        }
    }

    async fn sh(&self, script: &str) -> Process {
        self.process(&["sh", "-c", script]).await
    }

    async fn run(&self, process: Process) -> Result<Output> {
        self.executor
            .run(process, &Progress::silent().start("test"))
            .await
    }

    /// Standard output of a script that succeeds.
    async fn stdout(&self, script: &str) -> String {
        text(self.run(self.sh(script).await).await.unwrap())
    }

    /// Nothing is left of any container.
    fn assert_clean(&self) {
        let left: Vec<_> = self.run_dir.path().read_dir().unwrap().flatten().collect();
        let left: Vec<_> = left.iter().map(|entry| entry.file_name()).collect();
        assert!(left.iter().all(|name| name == "runtime"), "{left:?}");
        let runtime = self.run_dir.path().join("runtime");
        assert_eq!(runtime.read_dir().map(Iterator::count).unwrap_or(0), 0);
        let prefix = self.executor.engine.owner().prefix();
        for entry in std::fs::read_dir("/sys/fs/cgroup").unwrap().flatten() {
            for group in std::fs::read_dir(entry.path())
                .into_iter()
                .flatten()
                .flatten()
            {
                assert!(
                    !group.file_name().to_str().unwrap().starts_with(&prefix),
                    "{group:?}"
                );
            }
        }
    }
}

fn text(output: Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.code, 0, "{stderr}");
    String::from_utf8(output.stdout).unwrap()
}

fn failure(result: Result<Output>) -> (SandboxError, String) {
    let error = result.unwrap_err();
    let text = format!("{error:#}");
    (error.downcast::<SandboxError>().unwrap(), text)
}

/// Waits until `condition` holds.
async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let end = std::time::Instant::now() + Duration::from_secs(60);
    while !condition().await {
        assert!(std::time::Instant::now() < end, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
