//! `prune`: gives back the space that the engine's caches take.

use std::time::Duration;

use crate::client::Failure;
use crate::store::{Prune, Store, parse_size};

use super::args;
use super::runtime::state_dir;

pub fn run(options: &args::Prune) -> Result<(), Failure> {
    // What containers made belongs to other ids of the user.
    crate::rootless::enter().map_err(|error| Failure::new(error.to_string()))?;
    let prune = Prune {
        unused_for: options.unused_for,
        keep_bytes: options.keep_bytes,
        volumes: options.volumes,
    };
    let pruned = Store::prune_at(&state_dir()?, &prune)?;
    super::print(&format!(
        "removed {} results, {} layers, {} modules and {} cache volumes: {} bytes\n",
        pruned.entries, pruned.layers, pruned.modules, pruned.volumes, pruned.bytes
    ))
}

/// `90s`, `10m`, `12h`, `7d`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let days = scaled(text, &[("d", 86_400)]).map(Duration::from_secs);
    days.or_else(|| crate::duration::parse(text))
        .ok_or_else(|| "expected a number with s, m, h or d".to_owned())
}

/// `500MB`, `10GB`, or bytes; units are powers of 1000.
pub fn size(text: &str) -> Result<u64, String> {
    parse_size(text)
        .ok_or_else(|| "expected a number of bytes, or one with kB, MB or GB".to_owned())
}

fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_have_units() {
        assert_eq!(duration("7d"), Ok(Duration::from_secs(7 * 86_400)));
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        for text in ["", "7", "d", "-1s", "1w"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert_eq!(size("10GB"), Ok(10_000_000_000));
        assert_eq!(size("5"), Ok(5));
        for text in ["", "GB", "1.5GB", "99999999999999999999"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
