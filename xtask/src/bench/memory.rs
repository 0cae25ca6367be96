//! Peak memory of poniard itself while it exports 1 GiB.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use eyre::{OptionExt, Result, WrapErr, bail};

use super::series::{Bound, Row, in_turns};
use super::{Context, time};

pub fn measure(context: &Context) -> Result<Vec<Row>> {
    let file = "container | from debian:bookworm-slim \
        | with-exec -- dd if=/dev/urandom of=/large bs=1M count=1024 | file /large";
    // Made once; only the export is measured.
    time(&mut context.script(&format!("{file} | size")))?;
    let dest = context.scratch.join("large");
    let mut export = || {
        let mut command = context.script(&format!("{file} | export {}", dest.display()));
        let mut running = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .wrap_err("cannot run poniard")?;
        let peak = peak_megabytes(&mut running)?;
        if fs::metadata(&dest).map(|file| file.len()).ok() != Some(1 << 30) {
            bail!("`{}` is not 1 GiB large", dest.display());
        }
        fs::remove_file(&dest)?;
        Ok(peak)
    };
    let [ours] = in_turns(context.rounds.min(3), [&mut export])?;
    Ok(vec![Row {
        name: "memory: peak while exporting 1 GiB",
        ours,
        reference: None,
        bound: Bound::Megabytes(100.0),
    }])
}

/// Waits for the end; gives the highest resident size that one of poniard's
/// processes had. It has several, of which one does the work.
fn peak_megabytes(running: &mut Child) -> Result<f64> {
    let program = fs::read_link(format!("/proc/{}/exe", running.id()))?;
    let mut peak: Option<f64> = None;
    loop {
        for process in fs::read_dir("/proc")?.flatten().map(|entry| entry.path()) {
            if fs::read_link(process.join("exe")).is_ok_and(|exe| exe == program) {
                let size = highest_kilobytes(&process);
                peak = peak.into_iter().chain(size).reduce(f64::max);
            }
        }
        if let Some(status) = running.try_wait()? {
            if !status.success() {
                bail!("poniard failed ({status})");
            }
            let peak = peak.ok_or_eyre("no memory size of poniard in /proc")?;
            return Ok(peak * 1024.0 / 1e6);
        }
        thread::sleep(Duration::from_millis(5));
    }
}

pub fn highest_kilobytes(process: &Path) -> Option<f64> {
    let status = fs::read_to_string(process.join("status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
