//! Composer's version constraints, as far as a choice among minor versions of
//! PHP needs them. Composer itself checks the choice afterwards.
//!
//! <https://getcomposer.org/doc/articles/versions.md>

/// Whether some release of a minor version, such as 8.4, may be meant.
pub fn allows(constraint: &str, minor: (u32, u32)) -> bool {
    constraint
        .split('|')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .any(|part| all(part, minor))
}

fn all(part: &str, minor: (u32, u32)) -> bool {
    if let Some((low, high)) = part.split_once(" - ") {
        return holds(&format!(">={low}"), minor) && holds(&format!("<={high}"), minor);
    }
    // `>= 8.2` is one word.
    let mut words: Vec<String> = Vec::new();
    for word in part.split([' ', ',']).filter(|word| !word.is_empty()) {
        match words.last_mut() {
            Some(last) if last.chars().all(|c| "<>=!^~".contains(c)) => last.push_str(word),
            _ => words.push(word.to_owned()),
        }
    }
    words.iter().all(|word| holds(word, minor))
}

fn holds(word: &str, (major, minor): (u32, u32)) -> bool {
    let start = word
        .find(|c: char| !"<>=!^~v".contains(c))
        .unwrap_or(word.len());
    let (operator, version) = word.split_at(start);
    let version = version.split(['@', '-']).next().unwrap_or_default();
    let parts: Vec<Option<u32>> = version.split('.').map(|part| part.parse().ok()).collect();
    let Some(wanted_major) = parts.first().copied().flatten() else {
        return true;
    };
    let wanted_minor = parts.get(1).copied().flatten();
    let patch = parts.get(2).copied().flatten();
    let (ours, wanted) = ((major, minor), (wanted_major, wanted_minor.unwrap_or(0)));
    match operator.trim_end_matches('v') {
        "^" => major == wanted_major && ours >= wanted,
        // `~8.2` lets the minor version grow, `~8.2.1` the patch.
        "~" if patch.is_none() => major == wanted_major && ours >= wanted,
        ">=" => ours >= wanted,
        // `>8.2` is met by 8.2.1, `>8.2.30` may be met by a later patch.
        ">" => ours >= wanted,
        "<=" => ours <= wanted,
        "<" => ours < wanted || (ours == wanted && patch.is_some_and(|patch| patch > 0)),
        "!=" => true,
        _ => major == wanted_major && wanted_minor.is_none_or(|wanted| wanted == minor),
    }
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
        allowed("^7.4", &[]);
        allowed("8.4.12", &[4]);
    }
}
