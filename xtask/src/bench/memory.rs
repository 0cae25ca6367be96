//! Peak memory of poniard itself while it exports 1 GiB.

use std::fs;
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

/// Waits for the end; gives the highest resident size that the process had.
fn peak_megabytes(running: &mut Child) -> Result<f64> {
    let status_file = format!("/proc/{}/status", running.id());
    let mut peak = None;
    loop {
        let status = fs::read_to_string(&status_file).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
        peak = kilobytes.or(peak);
        if let Some(status) = running.try_wait()? {
            if !status.success() {
                bail!("poniard failed ({status})");
            }
            return peak
                .map(|kilobytes| kilobytes * 1024.0 / 1e6)
                .ok_or_eyre("no memory size of poniard in /proc");
        }
        thread::sleep(Duration::from_millis(5));
    }
}
