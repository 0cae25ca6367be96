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

/// As Go writes it: `1m30s`, `500ms`, `0s`.
pub fn shown(time: Duration) -> String {
    let nanos = time.as_nanos();
    let below = |unit: u128, name: &str| {
        let text = format!(
            "{}.{:0width$}",
            nanos / unit,
            nanos % unit,
            width = digits(unit)
        );
        format!("{}{name}", text.trim_end_matches('0').trim_end_matches('.'))
    };
    match nanos {
        0 => "0s".to_owned(),
        1..1_000 => format!("{nanos}ns"),
        1_000..1_000_000 => below(1_000, "µs"),
        1_000_000..1_000_000_000 => below(1_000_000, "ms"),
        _ => {
            let (hours, minutes) = (time.as_secs() / 3600, time.as_secs() / 60 % 60);
            let rest = Duration::from_secs(time.as_secs() % 60)
                + Duration::from_nanos(time.subsec_nanos().into());
            let seconds = format!("{}.{:09}", rest.as_secs(), rest.subsec_nanos());
            let seconds = seconds.trim_end_matches('0').trim_end_matches('.');
            match (hours, minutes) {
                (0, 0) => format!("{seconds}s"),
                (0, minutes) => format!("{minutes}m{seconds}s"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
            }
        }
    }
}

/// Zeros of a power of ten.
fn digits(unit: u128) -> usize {
    unit.ilog10() as usize
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

    #[test]
    fn durations_are_written_as_go_writes_them() {
        let cases = [
            (0, "0s"),
            (7, "7ns"),
            (1_500, "1.5µs"),
            (250_000_000, "250ms"),
            (25_000_000_000, "25s"),
            (1_500_000_000, "1.5s"),
            (60_000_000_000, "1m0s"),
            (3_600_000_000_000, "1h0m0s"),
            (5_430_000_000_000, "1h30m30s"),
        ];
        for (nanos, text) in cases {
            assert_eq!(shown(Duration::from_nanos(nanos)), text);
        }
    }
}
