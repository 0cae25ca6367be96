//! Recipes that run on the host: `sh -eu <script> <directory> <args>` fills
//! the directory with a root file system.

use std::process::Stdio;

use eyre::{Result, WrapErr};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use super::Inputs;
use crate::image::Images;
use crate::progress::Span;
use crate::store::{Digest, Snapshot};

/// How much of the output an error repeats.
const TAIL_BYTES: usize = 2000;

impl Images {
    pub(super) async fn run_on_host(
        &self,
        inputs: &Inputs,
        args: &[String],
        span: &Span,
    ) -> Result<Snapshot> {
        let dir = self.store.new_layer_dir()?;
        let mut child = Command::new("sh")
            .arg("-eu")
            .arg(inputs.dir.join(&inputs.script))
            .arg(dir.path())
            .args(args)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .wrap_err("cannot start `sh`")?;
        let group = Group(child.id());
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (status, _, tail) = tokio::join!(
            child.wait(),
            relay(stdout, span, false),
            relay(stderr, span, true)
        );
        let status = status?;
        drop(group);
        if !status.success() {
            let tail = String::from_utf8_lossy(&tail).trim().to_owned();
            eyre::bail!("the script failed ({status}):\n{tail}");
        }
        if std::fs::read_dir(dir.path())?.next().is_none() {
            eyre::bail!("the script left the directory empty");
        }
        let made = self.store.adopt_layer(&dir.keep(), None)?;
        let made = Snapshot {
            id: Digest::of(made.as_bytes()),
            layers: vec![made],
        };
        self.store.by_content(&made, "").await
    }
}

/// Passes output on as it comes, and returns the end of it.
async fn relay(stream: Option<impl AsyncRead + Unpin>, span: &Span, stderr: bool) -> Vec<u8> {
    let mut tail = Vec::new();
    let Some(mut stream) = stream else {
        return tail;
    };
    let mut buffer = vec![0; 8192];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        span.output(stderr, &buffer[..length]);
        tail.extend_from_slice(&buffer[..length]);
        let surplus = tail.len().saturating_sub(TAIL_BYTES);
        tail.drain(..surplus);
    }
    tail
}

/// Kills what the script started, when the wait for it is given up.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let id = self.0.and_then(|id| i32::try_from(id).ok());
        if let Some(id) = id.and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
    }
}
