//! Durations as text.

use std::time::Duration;

const UNITS: [(&str, u64); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Reads `500ms`, `30s`, `1m30s`, `2h`: whole numbers with units, as Go has them.
pub fn parse(text: &str) -> Option<Duration> {
    let mut total = 0u64;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let end = after.find(|c: char| c.is_ascii_digit());
        let (unit, after) = after.split_at(end.unwrap_or(after.len()));
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(*factor)?)?;
        rest = after;
    }
    (!text.is_empty()).then_some(Duration::from_nanos(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units() {
        let seconds = |text| parse(text).map(|duration| duration.as_secs_f64());
        for (text, want) in [
            ("20s", 20.0),
            ("1m30s", 90.0),
            ("1h30m", 5400.0),
            ("500ms", 0.5),
        ] {
            assert_eq!(seconds(text), Some(want), "{text}");
        }
        for text in ["", "20", "s", "x", "5 apples", "1d", "-1s"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
