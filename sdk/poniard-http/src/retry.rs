//! When to ask again.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime};

const LONGEST: Duration = Duration::from_secs(20);

/// Pauses that double, each cut by up to a half at random, so that jobs that
/// failed together do not come back together.
pub struct Pauses(Duration);

impl Pauses {
    pub fn new(first: Duration) -> Self {
        Self(first)
    }

    pub fn next(&mut self) -> Duration {
        let pause = self.0.min(LONGEST);
        self.0 = pause * 2;
        pause.mul_f64(0.5 + random() / 2.0)
    }
}

/// From 0 to 1: the seeds of hash maps are random, and that is enough here.
fn random() -> f64 {
    let bits = u32::try_from(RandomState::new().hash_one(0_u8) >> 32).unwrap_or_default();
    f64::from(bits) / f64::from(u32::MAX)
}

/// `Retry-After`: seconds, or a date (RFC 9110, 10.2.3).
pub fn retry_after(value: &str) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(value).ok()?;
    // A date is rounded down to a second.
    let left = at.duration_since(SystemTime::now()).unwrap_or_default();
    Some(left + Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit_and_differ() {
        let mut pauses = Pauses::new(Duration::from_secs(1));
        for full in [1, 2, 4, 8, 16, 20, 20].map(Duration::from_secs) {
            let pause = pauses.next();
            assert!(pause >= full / 2 && pause <= full, "{pause:?} of {full:?}");
        }
        let firsts = [(); 8].map(|()| Pauses::new(Duration::from_secs(1)).next());
        assert!(firsts.iter().any(|pause| *pause != firsts[0]));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(retry_after("7"), Some(Duration::from_secs(7)));
        let later = SystemTime::now() + Duration::from_secs(30);
        let left = retry_after(&httpdate::fmt_http_date(later)).unwrap();
        assert!(left >= Duration::from_secs(29) && left <= Duration::from_secs(32));
        let past = retry_after("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(past, Some(Duration::from_secs(1)));
        assert_eq!(retry_after("soon"), None);
    }
}
