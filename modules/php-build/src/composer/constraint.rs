//! Composer's version constraints, as ranges of versions: enough to choose a
//! minor version of PHP, and to be sure of most requirements without Composer.
//!
//! <https://getcomposer.org/doc/articles/versions.md>

type Version = [u32; 4];
/// From the first on, before the second.
type Range = (Version, Version);

const FIRST: Version = [0; 4];
const NONE: Version = [u32::MAX; 4];

/// Whether some release of a minor version, such as 8.4, may be meant.
pub fn allows(constraint: &str, (major, minor): (u32, u32)) -> bool {
    let releases = [([major, minor, 0, 0], [major, minor + 1, 0, 0])];
    ranges(constraint).is_none_or(|ranges| !both(&ranges, &releases).is_empty())
}

/// Whether a version meets it; nothing when only Composer knows.
pub fn meets(constraint: &str, version: &str) -> Option<bool> {
    // Names of branches, stabilities and prereleases have rules of their own.
    let plain = |text: &str| text.chars().all(|c| " ,|<>=!^~*.v0123456789".contains(c));
    if !plain(constraint) || !plain(version) {
        return None;
    }
    let (version, _) = parse(version)?;
    let ranges = ranges(constraint)?;
    Some(
        ranges
            .iter()
            .any(|&(from, to)| from <= version && version < to),
    )
}

fn ranges(constraint: &str) -> Option<Vec<Range>> {
    let parts = constraint.split('|').map(str::trim);
    let parts: Option<Vec<_>> = parts.filter(|part| !part.is_empty()).map(all).collect();
    parts.map(|parts| parts.concat())
}

/// Words of which each must hold.
fn all(part: &str) -> Option<Vec<Range>> {
    if let Some((low, high)) = part.split_once(" - ") {
        let (high, given) = parse(high)?;
        // `- 8.3` takes 8.3.9 in, `- 8.3.5` is a last version.
        let end = if given < 3 { given } else { high.len() };
        return Some(vec![(parse(low)?.0, after(high, end))]);
    }
    // `>= 8.2` is one word.
    let mut words: Vec<String> = Vec::new();
    for word in part.split([' ', ',']).filter(|word| !word.is_empty()) {
        match words.last_mut() {
            Some(last) if last.chars().all(|c| "<>=!^~".contains(c)) => last.push_str(word),
            _ => words.push(word.to_owned()),
        }
    }
    words.iter().try_fold(vec![(FIRST, NONE)], |ranges, word| {
        Some(both(&ranges, &one(word)?))
    })
}

fn one(word: &str) -> Option<Vec<Range>> {
    let start = word.find(|c: char| !"<>=!^~".contains(c));
    let (operator, version) = word.split_at(start.unwrap_or(word.len()));
    let (version, given) = parse(version)?;
    let patterned = given < word.matches('.').count() + 1;
    let next = after(version, version.len());
    Some(match operator {
        "^" => {
            // The first part that counts may not grow.
            let zeros = version[..given]
                .iter()
                .take_while(|part| **part == 0)
                .count();
            vec![(version, after(version, (zeros + 1).min(given)))]
        }
        "~" => vec![(version, after(version, given.saturating_sub(1).max(1)))],
        ">=" => vec![(version, NONE)],
        ">" => vec![(next, NONE)],
        "<=" => vec![(FIRST, next)],
        "<" => vec![(FIRST, version)],
        "!=" => vec![(FIRST, version), (next, NONE)],
        "" | "=" | "==" if patterned => vec![(version, after(version, given))],
        "" | "=" | "==" => vec![(version, next)],
        _ => return None,
    })
}

/// A version without its stability, and how many of its parts are numbers.
fn parse(version: &str) -> Option<(Version, usize)> {
    let version = version.trim().trim_start_matches('v');
    let version = version.split(['@', '-', '+']).next().unwrap_or_default();
    let mut parts = FIRST;
    let mut given = 0;
    for part in version
        .split('.')
        .take_while(|part| !["*", "x"].contains(part))
    {
        *parts.get_mut(given)? = part.parse().ok()?;
        given += 1;
    }
    Some((parts, given))
}

/// The first version whose first `parts` parts are others; all, when there are none.
fn after(mut version: Version, parts: usize) -> Version {
    let Some(last) = parts.checked_sub(1) else {
        return NONE;
    };
    version[last] = version[last].saturating_add(1);
    version[parts..].fill(0);
    version
}

fn both(some: &[Range], others: &[Range]) -> Vec<Range> {
    let pairs = some.iter().flat_map(|a| others.iter().map(move |b| (a, b)));
    let overlaps = pairs.map(|(a, b)| (a.0.max(b.0), a.1.min(b.1)));
    overlaps.filter(|(from, to)| from < to).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn allowed(constraint: &str, wanted: &[u32]) {
        let found: Vec<u32> = (1..=5)
            .filter(|&minor| allows(constraint, (8, minor)))
            .collect();
        assert_eq!(found, wanted, "{constraint}");
    }

    #[test]
    fn constraints_are_those_of_composer() {
        allowed("^8.2", &[2, 3, 4, 5]);
        allowed("~8.3", &[3, 4, 5]);
        allowed("~8.2.0 || ~8.3.0", &[2, 3]);
        allowed(">=8.1 <8.4", &[1, 2, 3]);
        allowed(">= 8.1, < 8.3", &[1, 2]);
        allowed("8.2.*", &[2]);
        allowed("8.1 - 8.3", &[1, 2, 3]);
        allowed("^7.4|^8.0", &[1, 2, 3, 4, 5]);
        allowed("*", &[1, 2, 3, 4, 5]);
        allowed("<8.3.5", &[1, 2, 3]);
        allowed(">8.2.30 !=8.3.0", &[2, 3, 4, 5]);
        allowed("^7.4", &[]);
        allowed("8.4.12", &[4]);
        allowed("^8.4@beta", &[4, 5]);
        allowed("dev-main", &[1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_version_meets_a_constraint_as_in_composer() {
        for (constraint, version, met) in [
            ("*", "8.2.29", Some(true)),
            (">=8.2", "8.2.29", Some(true)),
            ("8.2", "8.2.29", Some(false)),
            ("=8.2.29", "8.2.29", Some(true)),
            ("~8.2.10", "8.2.29", Some(true)),
            ("~8.2.10", "8.3.0", Some(false)),
            ("~8", "8.9.1", Some(true)),
            ("^0.3", "0.4.0", Some(false)),
            ("^0.0.3", "0.0.4", Some(false)),
            ("^0", "0.9.0", Some(true)),
            ("^1.1 || ^2.0", "2.2.0", Some(true)),
            ("<=8.2.29 !=8.2.28", "8.2.29", Some(true)),
            ("!=8.2.29", "8.2.29", Some(false)),
            (">8.2.29", "8.2.29", Some(false)),
            ("8.*", "9.0.0", Some(false)),
            (">= v6.0", "6.1.0", Some(true)),
            // Composer is asked.
            ("8.1 - 8.3", "8.2.29", None),
            ("^8.2@dev", "8.2.29", None),
            ("^8.2", "8.4.0-dev", None),
            ("dev-main", "8.4.0", None),
            ("", "8.4.0", Some(false)),
            ("><8", "8.4.0", None),
        ] {
            assert_eq!(meets(constraint, version), met, "{constraint} {version}");
        }
    }
}
