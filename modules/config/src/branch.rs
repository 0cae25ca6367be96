//! Which environment a branch belongs to.
//!
//! A pattern is the name of a branch in which `*` stands for any characters,
//! `/` too, as in GitLab's protected branches. An exact name wins over a
//! pattern, then the pattern with more characters of its own, then the one
//! with fewer `*`.

use std::cmp::Reverse;

/// Characters that git forbids in a branch's name (git-check-ref-format).
const FORBIDDEN: [char; 8] = [' ', '~', '^', ':', '?', '[', '\\', '\u{7f}'];

/// A pattern that some branch can match, or why none can.
pub fn pattern(text: &str) -> Result<String, String> {
    if let Some(c) = text
        .chars()
        .find(|c| FORBIDDEN.contains(c) || c.is_control())
    {
        return Err(format!(
            "`{}` cannot be in a branch's name; only `*` stands for others",
            c.escape_default()
        ));
    }
    if text.is_empty()
        || text.contains("..")
        || text.contains("//")
        || text.starts_with('/')
        || text.ends_with('/')
    {
        return Err("this can be no branch's name".into());
    }
    Ok(text.to_owned())
}

pub fn matches(pattern: &str, branch: &str) -> bool {
    let (head, rest) = match pattern.split_once('*') {
        None => return pattern == branch,
        Some(split) => split,
    };
    let Some(branch) = branch.strip_prefix(head) else {
        return false;
    };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(mut branch) = branch.strip_suffix(tail) else {
        return false;
    };
    // What stands between the first and the last `*` may be anywhere, but in
    // its order; the leftmost place leaves most to the rest.
    for part in middle.split('*') {
        match branch.find(part) {
            Some(at) => branch = &branch[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// Two patterns that match a branch equally well.
#[derive(Debug, PartialEq, Eq)]
pub struct Ambiguous {
    /// `pattern` of `environment`.
    pub first: (String, String),
    pub second: (String, String),
}

/// The environment among `(pattern, environment)` pairs that matches best.
pub fn choose<'a>(
    branch: &str,
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Option<&'a str>, Ambiguous> {
    let mut fitting: Vec<_> = pairs
        .into_iter()
        .filter(|(pattern, _)| matches(pattern, branch))
        .collect();
    fitting.sort_by_key(|(pattern, _)| Reverse(rank(pattern)));
    let Some(&(pattern, environment)) = fitting.first() else {
        return Ok(None);
    };
    let rival = fitting[1..]
        .iter()
        .find(|(other, owner)| rank(other) == rank(pattern) && *owner != environment);
    match rival {
        None => Ok(Some(environment)),
        Some((other, owner)) => Err(Ambiguous {
            first: (pattern.to_owned(), environment.to_owned()),
            second: ((*other).to_owned(), (*owner).to_owned()),
        }),
    }
}

fn rank(pattern: &str) -> (bool, usize, Reverse<usize>) {
    let stars = pattern.matches('*').count();
    (stars == 0, pattern.chars().count() - stars, Reverse(stars))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_protected_branches() {
        for (pattern, branch, expected) in [
            ("main", "main", true),
            ("main", "main2", false),
            ("release/*", "release/1.4", true),
            ("release/*", "release/1/4", true),
            ("release/*", "release", false),
            ("*", "feature/x", true),
            ("*-stable", "v1-stable", true),
            ("*-stable", "v1-stable-2", false),
            ("a*b*c", "abc", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("ab*ba", "aba", false),
            ("*gitlab*", "master/gitlab/production", true),
            ("**", "x", true),
            ("a*é*z", "a-é-z", true),
        ] {
            assert_eq!(matches(pattern, branch), expected, "{pattern} on {branch}");
        }
    }

    fn chosen(branch: &str, pairs: &[(&'static str, &'static str)]) -> Option<&'static str> {
        choose(branch, pairs.iter().copied()).unwrap()
    }

    #[test]
    fn an_exact_name_wins_over_any_pattern() {
        let pairs = [
            ("release/*", "staging"),
            ("release/1", "production"),
            ("*", "preview"),
        ];
        assert_eq!(chosen("release/1", &pairs), Some("production"));
        assert_eq!(chosen("release/2", &pairs), Some("staging"));
        assert_eq!(chosen("x", &pairs), Some("preview"));
        assert_eq!(chosen("x", &pairs[..2]), None);
    }

    #[test]
    fn the_narrower_pattern_wins() {
        let pairs = [("release/*", "a"), ("release/1.*", "b"), ("*/1.4", "c")];
        assert_eq!(chosen("release/1.4", &pairs), Some("b"));
        assert_eq!(chosen("r*e/*", &[("r*e/*", "a"), ("re/*", "b")]), Some("a"));
        assert_eq!(chosen("re/1", &[("*re/*", "a"), ("re/*", "b")]), Some("b"));
    }

    #[test]
    fn equally_narrow_patterns_are_ambiguous() {
        let pairs = [
            ("release/*", "staging"),
            ("*release/", "x"),
            ("rele*se/1", "production"),
        ];
        let error = choose("release/1", pairs).unwrap_err();
        assert_eq!(error.first, ("release/*".into(), "staging".into()));
        assert_eq!(error.second, ("rele*se/1".into(), "production".into()));
    }

    #[test]
    fn two_patterns_of_one_environment_are_not_ambiguous() {
        assert_eq!(chosen("ab", &[("a*", "x"), ("*b", "x")]), Some("x"));
    }

    #[test]
    fn patterns_that_no_branch_can_match_are_refused() {
        for bad in ["", "a b", "a?", "v[0-9]", "/x", "x/", "a..b", "a//b"] {
            assert!(pattern(bad).is_err(), "{bad}");
        }
        assert_eq!(pattern("release/*").as_deref(), Ok("release/*"));
    }
}
