//! After the machine went down: what was written last may not have reached the
//! disk, for layers are not synced one by one.

use std::os::unix::fs::MetadataExt;

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
    let last = layers.iter().map(|(time, _)| *time).max().unwrap_or(0);
    for (time, path) in layers {
        if time >= last - WRITEBACK_SECS {
            store.discard(&path)?;
        }
    }
    Ok(())
}
