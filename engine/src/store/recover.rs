//! After the machine went down: what was written last may not have reached the
//! disk, for layers are not synced one by one.

use std::os::unix::fs::MetadataExt;
use std::time::{SystemTime, UNIX_EPOCH};

use eyre::Result;

use super::Store;

/// The kernel writes everything back within this time.
const WRITEBACK_SECS: i64 = 60;

/// Drops the layers of the last minute before the machine went down. Entries
/// that refer to them count as absent from then on.
pub(super) fn after_reboot(store: &Store) -> Result<()> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let mark = store.root().join("index/boot");
    let before = std::fs::read_to_string(&mark).unwrap_or_default();
    if before == boot {
        return Ok(());
    }
    if !before.is_empty() {
        drop_last_layers(store)?;
    }
    store.write_state(&mark, boot.as_bytes())
}

fn drop_last_layers(store: &Store) -> Result<()> {
    let mut layers = Vec::new();
    for entry in std::fs::read_dir(store.root().join("layers"))? {
        let entry = entry?;
        layers.push((entry.metadata()?.ctime(), entry.path()));
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |now| now.as_secs() as i64);
    let times: Vec<_> = layers.iter().map(|(time, _)| *time).collect();
    let ends = ends(&times, now);
    for (time, path) in layers {
        if is_last(time, &ends) {
            store.discard(&path)?;
        }
    }
    Ok(())
}

/// The latest time of all, and the latest that is not in the future: where the clock
/// was wrong for a while, either may be when the machine went down.
fn ends(all: &[i64], now: i64) -> Vec<i64> {
    let latest = |limit| all.iter().copied().filter(|time| *time <= limit).max();
    [latest(i64::MAX), latest(now)]
        .into_iter()
        .flatten()
        .collect()
}

/// Whether `time` is of the minute before one of the ends.
fn is_last(time: i64, ends: &[i64]) -> bool {
    ends.iter()
        .any(|end| (end - WRITEBACK_SECS..=*end).contains(&time))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(all: &[i64], now: i64) -> Vec<i64> {
        let times = all.iter().copied();
        let ends = ends(all, now);
        times.filter(|time| is_last(*time, &ends)).collect()
    }

    #[test]
    fn the_last_minute_is_found_whatever_the_clock_said() {
        assert_eq!(last(&[100, 900, 950], 5000), [900, 950]);
        // One was made with a clock that was ahead.
        assert_eq!(last(&[100, 900, 950, 9000], 5000), [900, 950, 9000]);
        // The clock has been set back to the beginning.
        assert_eq!(last(&[100, 900, 950], 0), [900, 950]);
        assert!(last(&[], 5000).is_empty());
    }
}
