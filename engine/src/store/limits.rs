//! How much space the caches may take, by itself: the same shares of the disk
//! as on a Dagger Engine.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use eyre::Result;

use super::Store;
use super::prune::{Prune, Pruned, size_of};

/// How long one look counts.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Not to be exceeded: three quarters of the disk.
    pub max_used: u64,
    /// Kept whatever else is on the disk: a tenth of it, at most 10 GB.
    pub reserved: u64,
    /// To be left free: a fifth of the disk.
    pub min_free: u64,
}

impl Limits {
    pub fn of_disk(size: u64) -> Self {
        Self {
            max_used: size / 4 * 3,
            reserved: (size / 10).min(10_000_000_000),
            min_free: size / 5,
        }
    }

    /// What of `used` bytes may stay with `free` ones left on the disk.
    pub fn keep(&self, used: u64, free: u64) -> u64 {
        let within_disk = (used + free).saturating_sub(self.min_free);
        self.max_used.min(within_disk).max(self.reserved)
    }
}

/// Reads `500MB`, `10GB` or bytes; units are powers of 1000.
pub fn parse_size(text: &str) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "" => 1,
        "kB" | "KB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// Something that takes space.
#[derive(Clone, Debug)]
pub struct Usage {
    pub name: String,
    pub volume: bool,
    pub bytes: u64,
    pub changed: SystemTime,
}

impl Usage {
    pub fn changed_unix_nanos(&self) -> i64 {
        let since = self.changed.duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    }
}

impl Store {
    pub fn limits(&self) -> Result<Limits> {
        let space = rustix::fs::statvfs(self.root())?;
        Ok(Limits::of_disk(
            space.f_blocks.saturating_mul(space.f_frsize),
        ))
    }

    /// Bytes that are free on the disk.
    pub fn free(&self) -> Result<u64> {
        let space = rustix::fs::statvfs(self.root())?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }

    /// Layers and cache volumes, by name.
    pub fn usage(&self) -> Result<Vec<Usage>> {
        let layers = self.layer_sizes()?.into_iter();
        let mut all: Vec<_> = layers
            .map(|(name, (bytes, changed))| Usage {
                name,
                volume: false,
                bytes,
                changed,
            })
            .collect();
        for entry in std::fs::read_dir(self.root().join("volumes"))? {
            let entry = entry?;
            all.push(Usage {
                name: entry.file_name().to_string_lossy().into_owned(),
                volume: true,
                bytes: size_of(&entry.path())?,
                changed: entry.metadata()?.modified()?,
            });
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    /// Frees space when the caches take more than they may; looks once a day.
    pub fn trim(self: &Arc<Self>) -> Result<Option<Pruned>> {
        let mark = self.root().join("index/trimmed");
        let last = mark.metadata().and_then(|meta| meta.modified());
        let age = last.ok().and_then(|time| time.elapsed().ok());
        if age.is_some_and(|age| age < DAY) {
            return Ok(None);
        }
        // First, so that others do not look, too.
        self.write_state(&mark, b"")?;
        self.trim_to(&self.limits()?, self.free()?)
    }

    pub(super) fn trim_to(&self, limits: &Limits, free: u64) -> Result<Option<Pruned>> {
        let used = self.layer_sizes()?.values().map(|(bytes, _)| bytes).sum();
        let keep = limits.keep(used, free);
        if used <= keep {
            return Ok(None);
        }
        self.prune(&Prune {
            keep_bytes: Some(keep),
            ..Prune::default()
        })
        .map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caches_take_what_the_disk_can_spare() {
        let gb = 1_000_000_000;
        let limits = Limits::of_disk(1000 * gb);
        assert_eq!(limits.keep(100 * gb, 800 * gb), 700 * gb);
        assert_eq!(limits.keep(900 * gb, 100 * gb), 750 * gb);
        // Others have filled the disk: something stays.
        assert_eq!(limits.keep(50 * gb, gb), 10 * gb);
    }
}
