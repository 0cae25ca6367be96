//! How long to wait before the next attempt.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime};

use super::transport::Answer;

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(20);

/// Doubles with each attempt, half of it by chance so that many do not come back
/// at once.
pub fn after(attempt: u32) -> Duration {
    let whole = FIRST.saturating_mul(1 << attempt.min(10)).min(LONGEST);
    let chance = RandomState::new().hash_one(attempt) % 1000;
    whole / 2 + whole * u32::try_from(chance).unwrap_or_default() / 2000
}

/// `Retry-After`: seconds or a date.
pub fn asked_for(answer: &Answer) -> Option<Duration> {
    let text = answer.header("retry-after")?.trim();
    if let Ok(secs) = text.parse() {
        return Some(Duration::from_secs(secs));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    Some(until.duration_since(SystemTime::now()).unwrap_or_default())
}
